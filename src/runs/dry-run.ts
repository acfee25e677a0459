import type { EnvironmentCtx } from "../app/context.ts"
import { findConnection, type FoundConnection } from "../connections/connections.ts"
import { type CompiledFunction, compileEntry, listEntries } from "../functions/compile.ts"
import { formatDiagnostic } from "../functions/diagnostics.ts"
import type { Entry } from "../functions/discover.ts"
import { defineFaults, messageOf } from "../kit/errors.ts"
import { base } from "../syncs/model.ts"
import type { RunFacts, RunKind, RunOutcome } from "../runner/runner.ts"
import { type HostRun, newHostRun } from "../runner/host-run.ts"
import { runAction } from "./action-run.ts"
import { baseFacts, executeCode } from "./context.ts"
import { createDryHost, type DryHost } from "./dry-host.ts"
import { openDryOperation } from "./dry-operation.ts"
import { openLines } from "./dry-stream.ts"
import type { DryRun } from "./model.ts"

const faults = defineFaults({
  unknown_function: [404, "There is no function of that name in the project."],
  unknown_connection: [400, "There is no connection with this id for this function's integration."],
  ambiguous_function: [400, "Several functions of that name fit the connection."],
  not_a_sync: [400, "Only a sync can take a webhook."],
})

type Prepared = {
  found: FoundConnection
  compiled: CompiledFunction
  kind: Exclude<RunKind, "describe">
  warnings: string[]
}

/**
 * Runs a function of a project that need not be deployed, against a connection, without storing anything. Answers JSON
 * lines while it goes on; the last one is `{"event":"end",…}`. The run ends when its reader leaves. Throws
 * `invalid_project`, `unknown_function`, `unknown_connection` and `ambiguous_function` before anything is run.
 */
export async function startDryRun(ctx: EnvironmentCtx, input: DryRun, reader: AbortSignal): Promise<Response> {
  const prepared = await prepare(ctx, input)
  const left = new AbortController()
  const lines = openLines(() => left.abort("the reader has left"))
  const signal = AbortSignal.any([reader, left.signal])
  const { compiled, kind, found, warnings } = prepared
  const { name, integrationId, file } = compiled.definition
  // What the function can ask for decides what a recording has to hold.
  const asks = ["getConnection", "getToken", "getMetadata"].filter((method) => compiled.code.includes(method))
  const connection = found.connection.connection_id
  void lines.send({ event: "start", name, kind, integration: integrationId, connection, file, asks, warnings })
  void carryOut(ctx, input, { ...prepared, signal, send: lines.send }).finally(lines.close)
  return new Response(lines.body, { headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" } })
}

async function prepare(ctx: EnvironmentCtx, input: DryRun): Promise<Prepared> {
  const files = new Map(Object.entries(input.files))
  const { entry, found } = await choose(ctx, input, listEntries(files))
  const { compiled, warnings } = await compileEntry(ctx, files, entry)
  const { type } = compiled.definition
  if (input.webhook !== undefined && type !== "sync") throw faults.not_a_sync()
  const kind = input.webhook !== undefined ? "webhook" : type
  return { found, compiled, kind, warnings: warnings.map(formatDiagnostic) }
}

/** The function that the name means; where integrations share it, the one that the connection belongs to. */
async function choose(
  ctx: EnvironmentCtx,
  { name, integration, connection_id: connectionId }: DryRun,
  entries: Entry[],
): Promise<{ entry: Entry; found: FoundConnection }> {
  const named = entries.filter(
    (entry) => entry.name === name && (integration === undefined || entry.integrationId === integration),
  )
  if (named.length === 0) {
    const names = entries.map((entry) => `${entry.integrationId}/${entry.name}`)
    const message = `There is no function "${name}"${integration ? ` of ${integration}` : ""} in the project.`
    throw faults.unknown_function({ message, payload: { functions: names.slice(0, 100) } })
  }
  const fitting: { entry: Entry; found: FoundConnection }[] = []
  for (const entry of named) {
    const found = await findConnection(ctx, { connectionId, providerConfigKey: entry.integrationId })
    if (found) fitting.push({ entry, found })
  }
  const [only, ...others] = fitting
  const keys = named.map((entry) => entry.integrationId).join(", ")
  if (!only) throw faults.unknown_connection({ message: `There is no connection "${connectionId}" for ${keys}.` })
  if (others.length > 0) throw faults.ambiguous_function({ message: `"${name}" is a function of ${keys}: name one.` })
  return only
}

type Going = Prepared & { signal: AbortSignal; send: (value: unknown) => Promise<void> }

/** Never rejects: whatever goes wrong is told as the end. */
async function carryOut(ctx: EnvironmentCtx, input: DryRun, going: Going): Promise<void> {
  const { send, kind, compiled } = going
  const started = ctx.now().getTime()
  const { operation, emit, secrets } = openDryOperation(ctx, { found: going.found, record: input.record, send })
  const run = openRun(ctx, input, { ...going, operation })
  const host = createDryHost(run, {
    metadata: input.metadata,
    checkpoint: input.checkpoint,
    record: input.record,
    emit,
  })
  const ended = (rest: object) => {
    const durationMs = ctx.now().getTime() - started
    const end = { event: "end", ...rest, ...host.summary(), durationMs }
    return send(input.record ? secrets.data(end) : end)
  }
  try {
    const outcome = await executeCode({
      run,
      name: compiled.definition.name,
      code: compiled.code,
      map: compiled.map,
      kind,
      facts: await factsOf(run, input, going),
      input: inputOf(input, kind),
      wallMs: wallSeconds(ctx, kind) * 1000,
      answer: host.answer,
    })
    const last = outcome.ok ? await closing(run, host, going, outcome) : outcome
    await ended(last.ok ? { ok: true, output: parseOutput(last.output) } : { ok: false, error: last.error })
  } catch (error) {
    ctx.log.error({ err: error }, "a dry run could not be carried out")
    await ended({ ok: false, error: { type: "server_error", status: 500, message: messageOf(error), payload: {} } })
  }
}

/** What the closing step of a sync with `trackDeletes: true` would mark. */
async function closing(run: HostRun, host: DryHost, going: Prepared, outcome: RunOutcome): Promise<RunOutcome> {
  const { trackDeletes, syncType } = going.compiled.definition
  if (going.kind !== "sync" || !trackDeletes || syncType === "incremental") return outcome
  try {
    for (const model of run.models ?? []) await host.deleteUnseen(model)
    return outcome
  } catch (error) {
    // The brake: a real run would fail here.
    const { code = "sync_script_failure", status = 500 } = error as { code?: string; status?: number }
    return { ok: false, error: { type: code, status, message: messageOf(error), payload: {} } }
  }
}

function openRun(
  ctx: EnvironmentCtx,
  input: DryRun,
  { kind, found, compiled, signal, operation }: Going & { operation: HostRun["operation"] },
): HostRun {
  const { name, models } = compiled.definition
  const withRecords = kind === "sync" || kind === "webhook"
  const variant = input.variant ?? base
  return newHostRun({
    ctx,
    kind,
    found,
    operation,
    signal,
    // No run has this number: reading works, and a write that got through by mistake would be refused.
    runId: withRecords ? 0 : undefined,
    scope: withRecords ? `${kind}:${name}:${variant}` : `${kind}:${name}`,
    variant,
    models,
    triggerAction: (nested) => runAction(ctx, { ...nested, depth: 1, signal }),
  })
}

async function factsOf(run: HostRun, input: DryRun, { kind, compiled }: Prepared): Promise<RunFacts> {
  const withRecords = kind === "sync" || kind === "webhook"
  const facts = await baseFacts(run)
  const flags = facts.runnerFlags ?? {}
  const check = input.validate || "warn"
  return {
    ...facts,
    ...(withRecords ? { syncId: "dry-run", syncJobId: -1, variant: run.variant } : {}),
    lastSyncDate: kind === "sync" ? input.last_sync_date : undefined,
    trackDeletes: compiled.definition.trackDeletes,
    loggerLevel: "debug",
    isCLI: true,
    runnerFlags: {
      // What the environment checks in a real run ends a dry run too.
      validateActionInput: flags.validateActionInput || check,
      validateActionOutput: flags.validateActionOutput || check,
      validateSyncRecords: flags.validateSyncRecords || check,
      validateSyncMetadata: flags.validateSyncMetadata || "warn",
    },
  }
}

function inputOf(input: DryRun, kind: RunKind): string | undefined {
  if (kind === "webhook") return JSON.stringify(input.webhook)
  return kind === "action" ? JSON.stringify(input.input ?? {}) : undefined
}

function wallSeconds({ config }: EnvironmentCtx, kind: RunKind): number {
  if (kind === "sync") return config.syncTimeoutSeconds
  if (kind === "webhook") return config.webhookTimeoutSeconds
  return kind === "action" ? config.actionTimeoutSeconds : config.eventTimeoutSeconds
}

const parseOutput = (output: string | undefined): unknown => (output === undefined ? null : JSON.parse(output))
