import type { EnvironmentCtx } from "../app/context.ts"
import { listVariables, validationOf } from "../environments/environments.ts"
import { rewriteStack } from "../functions/bundle.ts"
import { readCode } from "../functions/functions.ts"
import type { FunctionRow } from "../functions/model.ts"
import { answerFor } from "../runner/host.ts"
import type { HostRun } from "../runner/host-run.ts"
import type { AnswerCall, RunError, RunFacts, RunOutcome, RunRequest } from "../runner/runner.ts"

const levels = ["debug", "info", "warn", "error", "off"] as const
type LoggerLevel = (typeof levels)[number]

/** What every kind of run tells its guest. */
export async function baseFacts(run: HostRun): Promise<RunFacts> {
  const { ctx, found, provider } = run
  return {
    connectionId: found.connection.connection_id,
    providerConfigKey: found.integration.unique_key,
    provider: found.integration.provider,
    environmentId: ctx.environment.id,
    environmentName: ctx.environment.name,
    accountId: 0,
    activityLogId: run.operation.id,
    nangoConnectionId: found.connection.id,
    loggerLevel: await loggerLevel(ctx),
    models: run.models,
    paginate: provider.proxy?.paginate ?? null,
    runnerFlags: flagsOf(ctx),
  }
}

function flagsOf({ environment }: EnvironmentCtx): NonNullable<RunFacts["runnerFlags"]> {
  const settings = validationOf(environment)
  return {
    validateActionInput: settings.validate_action_input,
    validateActionOutput: settings.validate_action_output,
    validateSyncRecords: settings.validate_sync_records,
    validateSyncMetadata: settings.validate_sync_metadata,
  }
}

/** `NANGO_LOGGER_LEVEL` of the environment when it is a level, else `warn`. */
async function loggerLevel(ctx: EnvironmentCtx): Promise<LoggerLevel> {
  const value = (await listVariables(ctx)).find((variable) => variable.name === "NANGO_LOGGER_LEVEL")?.value
  return levels.find((level) => level === value) ?? "warn"
}

export type Execute = {
  run: HostRun
  fn: FunctionRow
  kind: RunRequest["kind"]
  facts: RunFacts
  /** JSON text. */
  input?: string
  wallMs: number
  nested?: number
}

/** Grace that a cancelled guest gets to end by itself. */
const cancelGraceMs = 2_000

/** Runs a deployed function in a runner. Frames of a failure name the owner's files. */
export async function execute({ fn, ...input }: Execute): Promise<RunOutcome> {
  const { code, map } = await readCode(input.run.ctx, fn.id)
  const facts = { ...input.facts, syncConfig: configOf(fn) }
  return executeCode({ ...input, facts, name: fn.name, code, map, answer: answerFor(input.run) })
}

/** The deployed function as `nango.syncConfig` shows it, under the names of the original. */
function configOf({ id, name, type, version, enabled, definition }: FunctionRow): Record<string, unknown> {
  return {
    id,
    sync_name: name,
    type,
    version,
    enabled,
    models: definition.models ?? definition.output ?? [],
    input: definition.input ?? null,
    runs: definition.frequency ?? null,
    auto_start: definition.autoStart,
    sync_type: definition.syncType,
    track_deletes: definition.trackDeletes,
    webhook_subscriptions: definition.webhookSubscriptions,
    metadata: { description: definition.description, scopes: definition.scopes },
    attributes: {},
  }
}

export type ExecuteCode = Omit<Execute, "fn"> & {
  name: string
  /** The bundle and its source map. */
  code: string
  map: string | null
  answer: AnswerCall
}

/** Runs a function that need not be deployed. */
export async function executeCode(input: ExecuteCode): Promise<RunOutcome> {
  const { run, map } = input
  const { ctx } = run
  const fileName = `${input.name}-${run.found.integration.unique_key}.cjs`
  const outcome = await ctx.runner.run({
    kind: input.kind,
    code: input.code,
    fileName,
    input: input.input,
    facts: input.facts,
    limits: {
      wallMs: input.wallMs,
      memoryBytes: ctx.config.runnerMemoryMb * 1024 * 1024,
      outputBytes: ctx.config.outputLimitBytes,
      cancelGraceMs,
    },
    signal: run.signal,
    nested: input.nested,
    answer: input.answer,
  })
  if (outcome.ok) return outcome
  // Whoever hears of a failure is told no secret that the run was given, and neither is the store.
  const error = run.operation.clean(outcome.error)
  return { ok: false, error: map === null ? error : withSourceFrames(error, fileName, map) }
}

function withSourceFrames(error: RunError, fileName: string, map: string): RunError {
  const rewrite = (text: string) => rewriteStack(text, { fileName, map })
  const { stacktrace } = error.payload
  const payload = Array.isArray(stacktrace)
    ? { ...error.payload, stacktrace: stacktrace.map((line) => (typeof line === "string" ? rewrite(line) : line)) }
    : error.payload
  return { ...error, payload, stack: error.stack === undefined ? undefined : rewrite(error.stack) }
}
