import type { Logger } from "pino"
import { createBrowsers } from "../connect/browsers.ts"
import { createConnectionTouches } from "../connections/touches.ts"
import { listConnectionsOf, deleteConnection } from "../connections/connections.ts"
import { credentialsHandler, scheduleCredentialCheck } from "../connections/look-after.ts"
import { recoverLeases } from "../connections/refresh.ts"
import { ensureEnvironments } from "../environments/environments.ts"
import { createKeyTouches } from "../environments/touches.ts"
import { listFunctions, removeFunctions } from "../functions/functions.ts"
import { deleteIntegration, listIntegrations, listProviderUses } from "../integrations/integrations.ts"
import { checkKeys } from "../keys/in-use.ts"
import { readKeyRing } from "../keys/key-files.ts"
import { parseAllowList } from "../kit/address.ts"
import { workerUrl } from "../kit/entry.ts"
import { createLimiter } from "../kit/limiter.ts"
import { createEgress } from "../kit/fetch.ts"
import { waitAtMost } from "../kit/wait.ts"
import { createLogSink } from "../logs/log.ts"
import { loadAdditions } from "../providers/additions.ts"
import { lookupHandler, queueLookups } from "../proxy/lookup-task.ts"
import { revokeAllOf, revokeCredentials } from "../proxy/revoke.ts"
import { tryCredentials } from "../proxy/verify.ts"
import { createQueueLoop } from "../queue/loop.ts"
import { createRunner } from "../runner/runner.ts"
import {
  eventHandler,
  queueCreationEvents,
  runDeletionEvents,
  runDeletionEventsOf,
  runValidation,
  validatesConnections,
} from "../runs/event-run.ts"
import { removeActions } from "../runs/async-actions.ts"
import { asyncHandler } from "../runs/async-run.ts"
import { syncHandler } from "../runs/sync-run.ts"
import { lockDirectory } from "../store/lock.ts"
import { openSqlite } from "../store/sqlite.ts"
import {
  followDeploy,
  removeSyncsOfConnection,
  removeSyncsOfIntegration,
  startSyncsOfConnection,
} from "../syncs/instances.ts"
import { failingSyncs } from "../syncs/failing.ts"
import { queueWebhookRuns } from "../syncs/webhook-runs.ts"
import { queueAuthWebhook } from "../webhooks/auth.ts"
import { deliveryHandler } from "../webhooks/deliver.ts"
import { removeWebhooks } from "../webhooks/upkeep.ts"
import type { Config } from "./config.ts"
import type { App } from "./context.ts"
import { prepareDirectory } from "./directory.ts"
import { inOrder, type Moments } from "./moments.ts"
import { limitOf, placesOf } from "./places.ts"
import { keepSwept } from "./sweeps.ts"
import { logCatalogue, openCatalogue } from "./catalogue.ts"

export type OpenApp = {
  app: App
  /** Secret keys that were made at first start; they are shown once. */
  newKeys: { name: string; secretKey: string }[]
  /** Starts the queue: schedules fire and tasks are claimed from now on. */
  start: () => Promise<void>
  /** Ends what only waits (streams, long polls), so that open requests can come to their end. */
  beginStop: () => void
  close: () => Promise<void>
}

export type OpenOptions = {
  config: Config
  log: Logger
  now?: () => Date
  onFatal?: (error: Error) => void
  address: () => { host: string; port: number } | undefined
}

/** Time that running tasks get to end. With the requests' share before it, the whole stop stays under ten seconds. */
const queueGraceMs = 5_000

/**
 * Builds the process step by step: directory, lock, key, catalogue, store, then everything that works on them. What is
 * opened is pushed on a stack and closed in reverse, also when a later step fails.
 */
export async function openApp(options: OpenOptions): Promise<OpenApp> {
  const releases: { name: string; release: () => unknown }[] = []
  const stopping = new AbortController()
  const close = async () => {
    stopping.abort()
    let first: unknown
    for (const { release } of releases.splice(0).toReversed()) {
      try {
        await release()
      } catch (error) {
        // Every part gets its chance to close; the first failure is the one that is told.
        first ??= error
      }
    }
    if (first) throw first
  }
  try {
    const open = await build(options, (name, release) => releases.push({ name, release }), stopping.signal)
    return { ...open, beginStop: () => stopping.abort(), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function build(
  options: OpenOptions,
  push: (name: string, release: () => unknown) => void,
  stopping: AbortSignal,
): Promise<Omit<OpenApp, "beginStop" | "close">> {
  const { config, log, now = () => new Date() } = options
  const allow = parseAllowList(config.egressAllow)
  prepareDirectory(config.dataDir)
  const lock = lockDirectory(config.dataDir)
  push("lock", lock.release)
  const catalogue = await openCatalogue(config)
  const masterKey = readKeyRing(config)
  const store = await openSqlite({
    directory: config.dataDir,
    writer: workerUrl("app/writer"),
    onWriterDeath: options.onFatal ?? (() => undefined),
  })
  push("store", store.close)
  const egress = createEgress({ allow, own: () => ownAddresses(options.address()), proxies: config.proxies })
  push("egress", egress.close)
  const logs = createLogSink({ store, now, log })
  push("logs", logs.flush)
  const touches = createConnectionTouches({ store, now, log })
  push("touches", touches.flush)
  const keyTouches = createKeyTouches({ store, now, log })
  push("key touches", keyTouches.flush)
  const runner = createRunner({
    warm: config.runnerWarm,
    waitForWarmUp: true,
    max: config.runnerMax,
    idleMs: 60_000,
    recycleAfterRuns: 500,
    log: (level, message, detail) => log[level](detail ?? {}, message),
    now: () => now().getTime(),
  })
  push("runner", runner.close)
  const queue = createQueueLoop(() => app, { places: placesOf(config), limit: (group) => limitOf(config, group) })
  push("queue", () => queue.stop(queueGraceMs))
  const serverUrl = () =>
    config.serverUrl?.replace(/\/+$/, "") ?? `http://localhost:${options.address()?.port ?? config.port}`
  const app: App = {
    config,
    store,
    db: store.read,
    catalogue,
    egress,
    runner,
    queue,
    logs,
    touches,
    keyTouches,
    refreshes: new Map(),
    masterKey,
    rotation: { work: Promise.resolve() },
    moments,
    browsers: createBrowsers(),
    ingress: createLimiter({ perMinute: config.webhookIngressPerMinute, now }),
    now,
    serverUrl,
    log,
    stopping,
  }
  // A token that the provider has given and that is not stored yet would be lost.
  push("refreshes", () => waitAtMost(Promise.allSettled(app.refreshes.values()), queueGraceMs))
  push("rotation", () => app.rotation.work)
  await checkKeys(app)
  await loadAdditions(app)
  logCatalogue(app)
  const newKeys = await ensureEnvironments(app)
  const start = async () => {
    await startQueue(app)
    push("sweeps", keepSwept(app).stop)
  }
  return { app, newKeys, start }
}

async function startQueue(app: App): Promise<void> {
  await app.store.step({ name: "logs.abandon", input: { at: app.now().getTime() } })
  await recoverLeases(app)
  await scheduleCredentialCheck(app)
  const of = () => app
  await app.queue.start({
    sync: syncHandler(of, "sync"),
    webhook: syncHandler(of, "webhook"),
    event: eventHandler(of),
    action: asyncHandler(of),
    delivery: deliveryHandler(of),
    credentials: credentialsHandler(of),
    lookup: lookupHandler(of),
  })
  // Last, because making processes holds up the first answers.
  app.runner.warmUp()
}

/** Who listens to which moment, in which order. */
const moments: Moments = {
  environmentDeleting: async (ctx) => {
    for (const { unique_key } of await listIntegrations(ctx)) await deleteIntegration(ctx, unique_key)
    await removeActions(ctx)
    await removeWebhooks(ctx)
  },
  providersUsed: listProviderUses,
  integrationInUse: async (ctx, integration) => (await listConnectionsOf(ctx, integration.id)).length > 0,
  integrationDeleted: async (ctx, integration) => {
    for (const connection of await listConnectionsOf(ctx, integration.id)) await deleteConnection(ctx, connection)
    await removeSyncsOfIntegration(ctx, integration)
    await removeFunctions(ctx, await listFunctions(ctx, { integrationId: integration.id }))
  },
  integrationDeleting: inOrder(runDeletionEventsOf, revokeAllOf),
  validatesConnections,
  connectionValidating: runValidation,
  connectionDeleting: inOrder(runDeletionEvents, revokeCredentials),
  connectionSaved: queueLookups,
  connectionReady: inOrder(
    (ctx, { connection }) => queueCreationEvents(ctx, connection),
    (ctx, { connection }) => startSyncsOfConnection(ctx, connection),
    (ctx, saved) => queueAuthWebhook(ctx, saved),
  ),
  connectionRefused: (ctx, { message, ...refused }) =>
    queueAuthWebhook(ctx, { ...refused, error: { type: "connection_validation_failed", description: message } }),
  credentialsTesting: tryCredentials,
  credentialsFailed: (ctx, failed) => queueAuthWebhook(ctx, { ...failed, operation: "refresh" }),
  connectionDeleted: inOrder(
    (ctx, connection) => queueAuthWebhook(ctx, { connection, operation: "deletion" }),
    removeSyncsOfConnection,
  ),
  syncsFailing: failingSyncs,
  webhookMatched: queueWebhookRuns,
  functionsDeployed: followDeploy,
}

const ownAddresses = (at: ReturnType<OpenOptions["address"]>) => (at ? [{ address: at.host, port: at.port }] : [])
