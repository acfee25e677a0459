import { Script } from "node:vm"
import type { GuestJob } from "../protocol.ts"
import { describeModule } from "./describe.ts"
import { SdkError } from "./errors.ts"
import type { GuestRealm } from "./globals.ts"

const opening = "(function (module, exports, require) {"
/** How far the bundle's first line is shifted to the right in stack traces. */
export const firstLineOffset = opening.length

type Wrapper = (module: { exports: unknown }, exports: unknown, require: unknown) => void
type Exec = (...args: unknown[]) => unknown
type Declared = { type?: unknown; exec?: unknown; onWebhook?: unknown }

/** Evaluates the bundle afresh; its top level runs here. */
export function loadModule(realm: GuestRealm, job: GuestJob, require: unknown): unknown {
  const script = new Script(`${opening}${job.code}\n})`, { filename: job.fileName })
  const wrapper = script.runInContext(realm.context) as Wrapper
  const module = realm.parse('{"exports":{}}') as { exports: unknown }
  wrapper(module, module.exports, require)
  return module.exports
}

/** Calls the part of the module that this kind of run asks for, and gives what it returned. */
export async function dispatch(
  exports: unknown,
  job: GuestJob,
  call: { nango: unknown; input: unknown },
): Promise<unknown> {
  if (job.kind === "describe") return describeModule(exports)
  const module = (exports ?? {}) as { default?: unknown; onWebhookPayloadReceived?: unknown }
  const { nango, input } = call
  if (typeof module.default === "function") return await callLegacy(module, job, call)
  const declared = (module.default ?? {}) as Declared
  switch (job.kind) {
    case "sync":
      await asFunction(declared, job, { type: "sync", member: "exec" })(nango)
      return true
    case "webhook":
      return await asFunction(declared, job, { type: "sync", member: "onWebhook" })(nango, input)
    case "action":
      return await asFunction(declared, job, { type: "action", member: "exec" })(nango, input)
    default:
      return await asFunction(declared, job, { type: "onEvent", member: "exec" })(nango)
  }
}

async function callLegacy(
  module: { default?: unknown; onWebhookPayloadReceived?: unknown },
  job: GuestJob,
  { nango, input }: { nango: unknown; input: unknown },
): Promise<unknown> {
  if (job.kind === "webhook") {
    const handler = module.onWebhookPayloadReceived
    if (typeof handler !== "function") throw badExports(job, "it exports no onWebhookPayloadReceived")
    return await (handler as Exec)(nango, input)
  }
  const main = module.default as Exec
  if (job.kind !== "action") {
    const result = await main(nango)
    return job.kind === "sync" ? true : result
  }
  return await main(nango, isEmptyObject(input) ? undefined : input)
}

function asFunction(declared: Declared, job: GuestJob, wanted: { type: string; member: "exec" | "onWebhook" }): Exec {
  if (declared.type !== wanted.type) {
    throw badExports(job, `its default export is not of type "${wanted.type}"`)
  }
  const member = declared[wanted.member]
  if (typeof member !== "function") throw badExports(job, `its default export has no ${wanted.member}`)
  return (...args) => (member as Exec).apply(declared, args)
}

function isEmptyObject(input: unknown): boolean {
  return typeof input === "object" && input !== null && !Array.isArray(input) && Object.keys(input).length === 0
}

const failures: Record<string, string> = { sync: "sync_script_failure", webhook: "webhook_script_failure" }

function badExports(job: GuestJob, why: string): SdkError {
  const code = failures[job.kind] ?? "action_script_failure"
  return new SdkError(code, `Invalid script exports in ${job.fileName}: ${why}`)
}
