import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Logger } from "pino"
import { createConnectionTouches } from "../connections/touches.ts"
import { listConnectionsOf, deleteConnection } from "../connections/connections.ts"
import { ensureEnvironments } from "../environments/environments.ts"
import { createKeyTouches } from "../environments/touches.ts"
import { listFunctions, removeFunctions } from "../functions/functions.ts"
import { deleteIntegration, listIntegrations } from "../integrations/integrations.ts"
import { parseAllowList } from "../kit/address.ts"
import { generateMasterKey, type MasterKey, parseMasterKey } from "../kit/crypto.ts"
import { workerUrl } from "../kit/entry.ts"
import { defineFaults } from "../kit/errors.ts"
import { createEgress } from "../kit/fetch.ts"
import { createLogSink } from "../logs/log.ts"
import { keepRetention } from "../logs/retention.ts"
import { loadCatalogue } from "../providers/catalogue.ts"
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
import { syncHandler } from "../runs/sync-run.ts"
import { lockDirectory } from "../store/lock.ts"
import { mainFile, openSqlite } from "../store/sqlite.ts"
import {
  followDeploy,
  removeSyncsOfConnection,
  removeSyncsOfIntegration,
  startSyncsOfConnection,
} from "../syncs/instances.ts"
import { checkMasterKey } from "./key-check.ts"
import { queueAuthWebhook } from "../webhooks/auth.ts"
import { deliveryHandler } from "../webhooks/deliver.ts"
import type { Config } from "./config.ts"
import type { App } from "./context.ts"
import { inOrder, type Moments } from "./moments.ts"
import { embeddedCatalogue, providersFolder } from "./embedded.ts"

const faults = defineFaults({
  data_directory_not_writable: [400, "The data directory cannot be written."],
  encryption_key_missing: [409, "The key that encrypted the data is missing."],
})

export type OpenApp = {
  app: App
  /** Secret keys that were made at first start; they are shown once. */
  newKeys: { name: string; secretKey: string }[]
  /** Starts the queue: schedules fire and tasks are claimed from now on. */
  start: () => Promise<void>
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
  const close = async () => {
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
    return await build(options, (name, release) => releases.push({ name, release }), close)
  } catch (error) {
    await close()
    throw error
  }
}

async function build(
  options: OpenOptions,
  push: (name: string, release: () => unknown) => void,
  close: () => Promise<void>,
): Promise<OpenApp> {
  const { config, log, now = () => new Date() } = options
  const allow = parseAllowList(config.egressAllow)
  const catalogue = await loadCatalogue({
    embedded: await embeddedCatalogue(),
    folder: providersFolder,
    extra: config.providers,
  })
  for (const warning of catalogue.warnings)
    log.warn(warning, "the catalogue has an entry that is not understood in full")
  prepareDirectory(config.dataDir)
  const lock = lockDirectory(config.dataDir)
  push("lock", lock.release)
  const masterKey = readMasterKey(config)
  const store = await openSqlite({
    directory: config.dataDir,
    writer: workerUrl("app/writer"),
    onWriterDeath: options.onFatal ?? (() => undefined),
  })
  push("store", store.close)
  const egress = createEgress({ allow, own: () => ownAddresses(options), proxies: config.proxies })
  push("egress", egress.close)
  const logs = createLogSink({ store, now, log })
  push("logs", logs.flush)
  const touches = createConnectionTouches({ store, now, log })
  push("touches", touches.flush)
  const keyTouches = createKeyTouches({ store, now, log })
  push("key touches", keyTouches.flush)
  const runner = createRunner({
    warm: config.runnerWarm,
    max: config.runnerMax,
    idleMs: 60_000,
    recycleAfterRuns: 500,
    log: (level, message, detail) => log[level](detail ?? {}, message),
    now: () => now().getTime(),
  })
  push("runner", runner.close)
  const queue = createQueueLoop(() => app, { most: config.syncConcurrency, limit: () => config.syncConcurrency })
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
    masterKey,
    moments,
    now,
    serverUrl,
    log,
  }
  await checkMasterKey(app)
  const newKeys = await ensureEnvironments(app)
  const start = async () => {
    await startQueue(app)
    push("log retention", keepRetention(app).stop)
  }
  return { app, newKeys, start, close }
}

async function startQueue(app: App): Promise<void> {
  await app.store.step({ name: "logs.abandon", input: { at: app.now().getTime() } })
  const of = () => app
  await app.queue.start({ sync: syncHandler(of, "sync"), webhook: syncHandler(of, "webhook"), event: eventHandler(of),
    delivery: deliveryHandler(of) })
}

/** Who listens to which moment, in which order. */
const moments: Moments = {
  environmentDeleting: async (ctx) => {
    for (const { unique_key } of await listIntegrations(ctx)) await deleteIntegration(ctx, unique_key)
  },
  integrationInUse: async (ctx, integration) => (await listConnectionsOf(ctx, integration.id)).length > 0,
  integrationDeleted: async (ctx, integration) => {
    for (const connection of await listConnectionsOf(ctx, integration.id)) await deleteConnection(ctx, connection)
    await removeSyncsOfIntegration(ctx, integration)
    await removeFunctions(ctx, await listFunctions(ctx, { integrationId: integration.id }))
  },
  integrationDeleting: runDeletionEventsOf,
  validatesConnections,
  connectionValidating: runValidation,
  connectionDeleting: runDeletionEvents,
  connectionSaved: inOrder(
    (ctx, { connection }) => queueCreationEvents(ctx, connection),
    (ctx, { connection }) => startSyncsOfConnection(ctx, connection),
    (ctx, saved) => queueAuthWebhook(ctx, saved),
  ),
  connectionRefused: (ctx, { message, ...refused }) =>
    queueAuthWebhook(ctx, { ...refused, error: { type: "connection_validation_failed", description: message } }),
  connectionDeleted: inOrder(
    (ctx, connection) => queueAuthWebhook(ctx, { connection, operation: "deletion" }),
    removeSyncsOfConnection,
  ),
  functionsDeployed: followDeploy,
}

function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const probe = join(directory, ".probe")
    writeFileSync(probe, "")
    Bun.file(probe)
      .delete()
      .catch(() => undefined)
  } catch (cause) {
    throw faults.data_directory_not_writable({
      message: `The data directory ${directory} cannot be written: ${(cause as Error).message}`,
      hint: "Choose another one with --data-dir, or give the user that runs sluice the right to write there.",
      cause,
    })
  }
}

const keyFile = "sluice.key"

/** The configured key, else the key file beside the data, which is made at first start for its owner only. */
function readMasterKey(config: Config): MasterKey {
  if (config.encryptionKey !== undefined) return parseMasterKey(config.encryptionKey)
  const path = join(config.dataDir, keyFile)
  if (!existsSync(path)) {
    // A new key could not read what is there, and would stand where the lost one has to be put back.
    if (existsSync(join(config.dataDir, mainFile))) throw missingKey(path)
    writeKeyFile(path, generateMasterKey())
  }
  return parseMasterKey(readFileSync(path, "utf8"))
}

/** Whole and on disk before anything is encrypted with it, or not there at all, whenever the process dies. */
function writeKeyFile(path: string, key: string): void {
  const unfinished = `${path}.new`
  writeFileSync(unfinished, `${key}\n`, { mode: 0o600, flush: true })
  chmodSync(unfinished, 0o600)
  renameSync(unfinished, path)
}

const missingKey = (path: string) =>
  faults.encryption_key_missing({
    message: `There is data, but not the key that encrypted it: ${path} does not exist and SLUICE_ENCRYPTION_KEY is not set.`,
    hint: `Set SLUICE_ENCRYPTION_KEY to the key that was used, or restore the key file ${keyFile} beside the data.`,
  })

function ownAddresses(options: OpenOptions): { address: string; port: number }[] {
  const at = options.address()
  return at ? [{ address: at.host, port: at.port }] : []
}
