import type { EnvironmentCtx } from "../app/context.ts"
import { findConnection } from "../connections/connections.ts"
import type { DryEvent, DrySummary } from "../fixtures/events.ts"
import { type CompiledFunction, compileEntry } from "../functions/compile.ts"
import type { FunctionRow } from "../functions/model.ts"
import { findIntegration } from "../integrations/integrations.ts"
import { AppError } from "../kit/errors.ts"
import { isoTime } from "../kit/times.ts"
import type { RunError } from "../runner/runner.ts"
import { startDryRun } from "./dry-run.ts"
import { type JobResult, startJob } from "./jobs.ts"
import { remoteFaults, type StartDryRun } from "./remote-model.ts"

type Alone = { integrationId: string; name: string; type: FunctionRow["type"]; code: string }

const longestOutput = 256 * 1024
const limitMs = 5 * 60_000

/** A file that is a function by itself, at the place where a project would have it. */
const placeOf = ({ integrationId, name, type }: Alone): string => `${integrationId}/${type}s/${name}.ts`

/** Compiles one function that is no part of a project. Throws `compilation_error` with all that is wrong. */
export async function compileAlone(ctx: EnvironmentCtx, alone: Alone): Promise<CompiledFunction> {
  const { integrationId, name, type, code } = alone
  const path = placeOf(alone)
  try {
    const { compiled } = await compileEntry(ctx, new Map([[path, code]]), {
      path,
      integrationId,
      name,
      folderKind: type,
    })
    return compiled
  } catch (error) {
    // These routes have a name of their own for it.
    if (!(error instanceof AppError) || error.code !== "invalid_project") throw error
    throw remoteFaults.compilation_error({ message: error.message, payload: error.details.payload })
  }
}

export async function compileCode(ctx: EnvironmentCtx, code: string) {
  const compiled = await compileAlone(ctx, { integrationId: "function", name: "function", type: "action", code })
  const bundle_size_bytes = Buffer.byteLength(compiled.code)
  return { bundle_size_bytes, bundled_js: compiled.code, compiled_at: isoTime(ctx.now().getTime()) }
}

/** Begins a dry run and answers at once. Throws `integration_not_found` and `connection_not_found`. */
export async function beginDryRun(ctx: EnvironmentCtx, input: StartDryRun) {
  const { integration_id, function_type, connection_id } = input
  if (!(await findIntegration(ctx, integration_id))) throw remoteFaults.integration_not_found()
  if (!(await findConnection(ctx, { connectionId: connection_id, providerConfigKey: integration_id })))
    throw remoteFaults.connection_not_found()
  return startJob(ctx, {
    kind: "dryrun",
    about: { integration_id, function_type },
    limitMs,
    work: (signal) => dryRun(ctx, input, signal),
  })
}

async function dryRun(ctx: EnvironmentCtx, input: StartDryRun, signal: AbortSignal): Promise<JobResult> {
  const { integration_id, function_type, code, connection_id, ...given } = input
  const alone: Alone = { integrationId: integration_id, name: "function", type: function_type, code }
  const { type } = (await compileAlone(ctx, alone)).definition
  if (type !== function_type) throw remoteFaults.dryrun_error({ message: `The code is of type ${type}.` })
  const run = { files: { [placeOf(alone)]: code }, name: "function", integration: integration_id, connection_id }
  const response = await startDryRun(ctx, { ...run, ...given, validate: false, record: false }, signal)
  return report(function_type, response)
}

type End = { event: "end"; output?: unknown; error?: RunError; ok: boolean } & DrySummary

async function report(type: FunctionRow["type"], response: Response): Promise<JobResult> {
  let output = ""
  let end: End | undefined
  for await (const line of readLines(response)) {
    const event = JSON.parse(line) as DryEvent | End | { event: "start" }
    if (event.event === "end") end = event
    else if (output.length < longestOutput) output += describe(event as DryEvent)
  }
  output = output.slice(0, longestOutput)
  if (!end) throw new Error("A dry run ended without saying how.")
  if (!end.ok) {
    const { type: code, message, payload } = end.error as RunError
    throw remoteFaults.dryrun_error({ message: message || code, payload: { type: code, payload }, extra: { output } })
  }
  return { output, result: type === "action" ? end.output : { counts: end.counts, checkpoint: end.checkpoint } }
}

async function* readLines(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ""
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
    rest = lines.pop() ?? ""
    yield* lines
  }
}

/** An event as a line for people, empty for those that say nothing to them. */
function describe(event: DryEvent): string {
  switch (event.event) {
    case "log":
      return `${event.level}: ${event.message}\n`
    case "request":
      return `${event.method} ${event.path}: ${event.status ?? event.error}\n`
    case "records":
      return `${event.action} ${event.model}: ${JSON.stringify(event.records).slice(0, longestOutput)}\n`
    case "deletes":
      return `delete ${event.count} of ${event.model}\n`
    case "checkpoint":
      return `checkpoint: ${JSON.stringify(event.checkpoint)}\n`
    case "metadata":
      return `metadata: ${JSON.stringify(event.metadata)}\n`
    default:
      return ""
  }
}
