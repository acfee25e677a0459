import type { FromGuest, GuestJob, GuestOutcome, RunError, ToGuest } from "../protocol.ts"
import { openChannel } from "./channel.ts"
import { classify } from "./classify.ts"
import { createGuestRealm, sharedObjects } from "./globals.ts"
import { dispatch, firstLineOffset, loadModule } from "./load.ts"
import { lockDown } from "./lockdown.ts"
import { evaluateLibrary } from "./libraries.ts"
import { createModules } from "./modules.ts"
import { createNango } from "./nango.ts"
import { createValidation } from "./validate.ts"
import type { Validation } from "./validate.ts"

// The Worker of one run. All of this is done before the run comes; then one job message starts it.
const worker = globalThis as unknown as {
  postMessage: (message: FromGuest) => void
  onmessage: ((event: { data: ToGuest }) => void) | null
}
const send = worker.postMessage.bind(worker)
const where = { fileName: "", firstLineOffset }
let finished = false

const modules = createModules()
const { require } = modules
const realm = createGuestRealm(require, (error) => finish(failed(error)))
const channel = openChannel(send, realm.parse)

Reflect.deleteProperty(URL, "createObjectURL")
Reflect.deleteProperty(URL, "revokeObjectURL")
lockDown([...Object.values(sharedObjects()), Response, ReadableStream, require])

// A promise that nobody waits for and that fails must not take the run with it.
process.on("unhandledRejection", () => undefined)
worker.onmessage = ({ data }) => {
  if (data.t === "job") void start(data.job)
  else if (data.t === "answer") channel.receive(data)
  else channel.cancel()
}

async function start(job: GuestJob): Promise<void> {
  where.fileName = job.fileName
  try {
    modules.provide(job.libraries ?? {}, (name, text) => evaluateLibrary(name, text, { realm, channel, require }))
    const validation = createValidation(job.facts.runnerFlags, (message, meta) =>
      channel.call("log.write", { level: "warn", message, meta }),
    )
    const nango = createNango(channel, realm, { ...job, validation })
    const exports = loadModule(realm, job, require)
    finish(succeeded(await execute(job, exports, { nango, validation }), job.outputBytes))
  } catch (error) {
    finish(failed(error))
  }
}

/** Texts of inputs that stand for none: what is missing arrives as an empty object. */
const noInput = new Set([undefined, "null", "{}"])

type Given = { nango: Record<string, unknown>; validation: Validation }

async function execute(job: GuestJob, exports: unknown, { nango, validation }: Given): Promise<unknown> {
  const { kind } = job
  const input = inputOf(job)
  validation.declare((exports as { default?: unknown } | undefined)?.default)
  if (kind === "action") await validation.checkInput(input, noInput.has(job.input))
  if (kind === "sync" || kind === "webhook") {
    await validation.checkMetadata(nango.getMetadata as () => Promise<unknown>)
  }
  const result = await dispatch(exports, job, { nango, input })
  if (kind === "action") await validation.checkOutput(result)
  return result
}

function finish(outcome: GuestOutcome): void {
  if (finished) return
  finished = true
  send({ t: "done", outcome })
}

/** A missing or null input of a declared action arrives as `{}`. */
function inputOf(job: GuestJob): unknown {
  const input = job.input === undefined ? undefined : realm.parse(job.input)
  return job.kind === "action" && (input === undefined || input === null) ? realm.parse("{}") : input
}

function succeeded(result: unknown, limit: number): GuestOutcome {
  const output = JSON.stringify(result) as string | undefined
  if (output === undefined) return { ok: true }
  if (output.length > limit || Buffer.byteLength(output) > limit) return { ok: false, error: tooLarge(limit) }
  return { ok: true, output }
}

function tooLarge(limit: number): RunError {
  const message = `The function's output is larger than ${limit} bytes`
  return { type: "script_output_too_large", status: 400, message, payload: { limit } }
}

function failed(error: unknown): GuestOutcome {
  return { ok: false, error: classify(error, where) }
}
