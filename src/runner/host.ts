import { inTransaction } from "../app/context.ts"
import { secretConfig, secretsFor, secretTexts } from "../auth/secrets.ts"
import { targetOf } from "../auth/target.ts"
import { changeMetadata, findConnectionById } from "../connections/connections.ts"
import { secretsOf, withoutRefreshTokens } from "../connections/credentials.ts"
import { freshCredentials } from "../connections/fresh.ts"
import { connectionFaults, toFull } from "../connections/model.ts"
import { withErrors } from "../connections/problems.ts"
import { listVariables } from "../environments/environments.ts"
import { findIntegration, getIntegration } from "../integrations/integrations.ts"
import { defineFaults } from "../kit/errors.ts"
import { toPublic } from "../integrations/model.ts"
import { shownCredentials, webhookUrl } from "../integrations/show.ts"
import { StoreError } from "../store/sqlite.ts"
import { startSyncs, triggerSyncs } from "../syncs/commands.ts"
import { SyncName } from "../syncs/model.ts"
import type { CallInput, CallName } from "./calls.ts"
import { clearCheckpoint, getCheckpoint, saveCheckpoint } from "./host-checkpoints.ts"
import { fetchForGuest, sendForGuest } from "./host-http.ts"
import { findTarget, forgetTargets } from "./host-target.ts"
import { endDeletes, getRecords, listRecords, setMerging, startDeletes, writeRecords } from "./host-records.ts"
import type { HostRun } from "./host-run.ts"
import type { Payload } from "./protocol.ts"
import type { AnswerCall } from "./runner.ts"

type Answer = { output?: unknown; body?: Payload }
type Handlers = {
  [N in CallName]: (run: HostRun, input: CallInput<N>, body: Payload | undefined) => Promise<Answer> | Answer
}

const text = (body: Payload | undefined): string => (typeof body === "string" ? body : "")
const output = async (value: unknown): Promise<Answer> => ({ output: await value })

/** Every SDK call's answer: one line to a verb. Inputs have passed the call's shape; they are still a stranger's words. */
const handlers: Handlers = {
  "proxy.send": sendForGuest,
  "fetch.raw": fetchForGuest,
  "log.write": (run, { level, message, meta }) => {
    run.operation.write({ type: "log", level, source: "user", message, detail: meta ? { meta } : undefined })
    return {}
  },
  "records.save": (run, input, body) => output(writeRecords(run, "records.save", input, text(body))),
  "records.update": (run, input, body) => output(writeRecords(run, "records.update", input, text(body))),
  "records.delete": (run, input, body) => output(writeRecords(run, "records.delete", input, text(body))),
  "records.get": getRecords,
  "records.list": listRecords,
  "deletes.start": (run, { model }) => output(startDeletes(run, model)),
  "deletes.end": (run, { model }) => output(endDeletes(run, model, "window")),
  "deletes.previous": (run, { model }) => output(endDeletes(run, model, "run")),
  "merging.set": (run, input) => output(setMerging(run, input)),
  "checkpoint.get": (run) => output(getCheckpoint(run)),
  "checkpoint.save": (run, { checkpoint }) => output(saveCheckpoint(run, checkpoint)),
  "checkpoint.clear": (run) => output(clearCheckpoint(run)),
  "connection.get": (run, input) => output(showConnection(run, input)),
  "metadata.set": (run, { metadata }) => output(writeMetadata(run, metadata, false)),
  "metadata.update": (run, { metadata }) => output(writeMetadata(run, metadata, true)),
  "integration.get": (run, input) => output(showIntegration(run, input)),
  "variables.get": (run) => output(readVariables(run)),
  "action.trigger": async (run, input) => ({ body: await run.triggerAction(input) }),
  "sync.trigger": (run, input) => output(triggerSync(run, input)),
  "sync.start": (run, { providerConfigKey, connectionId, syncs }) =>
    output(startSyncs(run.ctx, { providerConfigKey, connectionId, names: syncs.map((name) => SyncName.parse(name)) })),
  "lock.acquire": (run, { key, ttlMs }) =>
    output(lock(run, "lock.acquire", { key, ttlMs, now: run.ctx.now().getTime() })),
  "lock.release": (run, { key }) => output(lock(run, "lock.release", { key })),
  "lock.releaseAll": (run) => output(releaseLocks(run)),
}

/** The daemon's side of one run. */
export function answerFor(run: HostRun): AnswerCall {
  return async (call, input, body) => {
    const handle = handlers[call] as (run: HostRun, input: unknown, body: Payload | undefined) => Promise<Answer>
    try {
      return await handle(run, input, body)
    } catch (error) {
      throw fromStep(error)
    }
  }
}

const stepFaults = defineFaults({
  script_aborted: [410, "The run no longer holds its task."],
  invalid_sync_record: [400, "A record is not valid."],
})
const stepCodes: Record<string, keyof typeof stepFaults> = {
  lease_lost: "script_aborted",
  invalid_record: "invalid_sync_record",
}

/** What a step refuses is the function's doing, so it may hear why; any other failure of the store stays ours. */
function fromStep(error: unknown): unknown {
  const code = error instanceof StoreError ? stepCodes[error.code] : undefined
  if (!code) return error
  const { message } = error as StoreError
  return stepFaults[code]({ message: code === "invalid_sync_record" ? message : undefined, cause: error })
}

/** Releases every lock that the run still holds. */
export function releaseLocks(run: HostRun): Promise<unknown> {
  return run.ctx.store.step({ name: "lock.releaseAll", input: { owner: run.operation.id } })
}

function lock(run: HostRun, name: string, input: Record<string, unknown>): Promise<unknown> {
  return run.ctx.store.step({
    name,
    input: { environmentId: run.ctx.environment.id, owner: run.operation.id, ...input },
  })
}

async function showConnection(run: HostRun, input: CallInput<"connection.get">): Promise<unknown> {
  if (input.forceRefresh || input.refreshToken || input.refreshGithubAppJwtToken) forgetTargets(run)
  const found = await findTarget(run, input)
  if (!found) throw await unknownConnection(run, input)
  const { forceRefresh: force, refreshGithubAppJwtToken: appJwt } = input
  const fresh = await freshCredentials(run.ctx, found, { force, appJwt })
  const { connection, integration } = fresh.found
  const { credentials, connectionConfig } = fresh
  run.operation.hide([...secretsOf(credentials), ...secretTexts(secretConfig(connectionConfig))])
  const names = { uniqueKey: integration.unique_key, provider: integration.provider }
  const secrets = { credentials, connectionConfig }
  const shown = await withErrors(run.ctx, connection)
  return toFull(shown, names, input.refreshToken ? secrets : withoutRefreshTokens(secrets), "offset")
}

async function writeMetadata(run: HostRun, metadata: Record<string, unknown>, merge: boolean): Promise<unknown> {
  const { connection, integration } = run.found
  await inTransaction(run.ctx, async (ctx) => {
    const current = await findConnectionById(ctx, connection.id)
    if (current) await changeMetadata(ctx, current.connection, { metadata, merge })
  })
  forgetTargets(run)
  return { connection_id: connection.connection_id, provider_config_key: integration.unique_key, metadata }
}

/** In the words of the API. */
async function unknownConnection(run: HostRun, { providerConfigKey }: CallInput<"connection.get">): Promise<Error> {
  const known = providerConfigKey === undefined || (await findIntegration(run.ctx, providerConfigKey))
  return known ? connectionFaults.not_found() : connectionFaults.unknown_provider_config()
}

async function showIntegration(run: HostRun, input: CallInput<"integration.get">): Promise<unknown> {
  const row = await getIntegration(run.ctx, run.found.integration.unique_key)
  const shown: Record<string, unknown> = toPublic(row, run.provider, run.ctx.serverUrl())
  if (input.include?.includes("webhook")) shown.webhook_url = webhookUrl(run.ctx, row)
  if (input.include?.includes("credentials")) {
    shown.credentials = shownCredentials(run.ctx, row)
    run.operation.hide(secretsFor(targetOf(run.ctx, row, {})))
  }
  return shown
}

async function readVariables(run: HostRun): Promise<{ name: string; value: string }[]> {
  const variables = await listVariables(run.ctx)
  run.operation.hide(variables.filter((one) => one.name !== "NANGO_LOGGER_LEVEL").map((one) => one.value))
  return variables
}

async function triggerSync(run: HostRun, input: CallInput<"sync.trigger">): Promise<unknown> {
  const { providerConfigKey, connectionId, sync, reset = false, emptyCache = false } = input
  await triggerSyncs(run.ctx, { providerConfigKey, connectionId, names: [SyncName.parse(sync)], reset, emptyCache })
  return { success: true }
}
