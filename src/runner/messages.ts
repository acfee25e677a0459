import { z } from "zod"
import { EgressError } from "../kit/egress-error.ts"
import { AppError } from "../kit/errors.ts"
import { calls, isCallName, maxBody } from "./calls.ts"
import type { CallName } from "./calls.ts"
import type { AnswerError, GuestOutcome, Payload, RunError } from "./protocol.ts"

const Body = z.union([z.string(), z.instanceof(Uint8Array)]).optional()
const Id = z.number().int().min(0)

const FrameShape = z.strictObject({ line: z.number().int().min(1), column: z.number().int().min(1) })
const ErrorShape = z.strictObject({
  type: z.string().max(100),
  status: z.number().int().min(100).max(599),
  message: z.string().max(100_000),
  payload: z.record(z.string(), z.unknown()),
  frames: z.array(FrameShape).max(20).optional(),
  stack: z.string().max(20_000).optional(),
  upstream: z
    .strictObject({
      status: z.number().int(),
      headers: z.record(z.string(), z.string().max(10_000)),
      body: z.unknown(),
    })
    .optional(),
  description: z.string().max(10_000).optional(),
})

/** What a runner process may say. Anything else ends the process. */
export const FromChildShape = z.discriminatedUnion("t", [
  z.strictObject({
    t: z.literal("hello"),
    measures: z
      .array(z.strictObject({ name: z.string().max(50), on: z.boolean(), detail: z.string().max(2000).optional() }))
      .max(50),
  }),
  z.strictObject({
    t: z.literal("call"),
    run: Id,
    id: Id,
    call: z.string().max(100),
    input: z.string(),
    body: Body,
  }),
  z.strictObject({
    t: z.literal("done"),
    run: Id,
    outcome: z.discriminatedUnion("ok", [
      z.strictObject({ ok: z.literal(true), output: z.string().optional() }),
      z.strictObject({ ok: z.literal(false), error: ErrorShape }),
    ]),
  }),
  z.strictObject({ t: z.literal("ended"), run: Id, reason: z.string().max(3000) }),
  z.strictObject({ t: z.literal("idle"), run: Id }),
])

export type CallMessage = { call: string; input: string; body?: Payload }
export type CheckedCall = { call: CallName; input: unknown; body: Payload | undefined }

/**
 * Checks one call of a guest against the table.
 * @throws AppError `invalid_sdk_call` naming the call and what is wrong with it
 */
export function checkCall(message: CallMessage): CheckedCall {
  const { call: name, input, body } = message
  if (!isCallName(name)) throw invalidCall(JSON.stringify(name.slice(0, 60)), "there is no such call")
  const row = calls[name]
  if (input.length > row.maxInput) throw invalidCall(name, `its input is longer than ${row.maxInput} characters`)
  if (body !== undefined && body.length > maxBody) throw invalidCall(name, `its body is larger than ${maxBody} bytes`)
  if (body !== undefined && row.body === "none") throw invalidCall(name, "it takes no body")
  if (row.body === "text" && typeof body !== "string") throw invalidCall(name, "its body must be text")
  const parsed = row.input.safeParse(parseJson(name, input))
  if (parsed.success) return { call: name, input: parsed.data, body }
  const issue = parsed.error.issues[0]
  const at = issue?.path.length ? ` at "${issue.path.map(String).join(".")}"` : ""
  throw invalidCall(name, `${issue?.message ?? "its input is not of the right shape"}${at}`)
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalidCall(name, "its input is not JSON")
  }
}

function invalidCall(name: string, why: string): AppError {
  return new AppError("invalid_sdk_call", 400, `The SDK call ${name} was refused: ${why}`, { payload: { call: name } })
}

/**
 * An error of the daemon as the guest may see it: what the wire contract says of it, and no host stack. An error that
 * nobody foresaw says nothing of itself, because its text may hold anything.
 */
export function toAnswerError(error: unknown): AnswerError {
  if (error instanceof AppError) {
    const { payload, errors, extra, top } = error.details
    const { name, code, message, status } = error
    return { name, code, message, status, payload, errors, extra, top }
  }
  // Its message names the host at most; its code is what functions look at.
  if (error instanceof EgressError) return { name: error.name, code: error.code, message: error.message }
  return { name: "Error", code: "server_error", status: 500, message: "The daemon could not answer this call" }
}

/** Types that a guest can cause by itself; the rest belongs to the platform. */
const guestTypes = new Set([
  "action_script_runtime_error",
  "script_http_error",
  "script_api_rate_limit_error",
  "script_network_error",
  "script_internal_error",
  "script_output_too_large",
  "script_aborted",
  "invalid_sdk_call",
  "action_script_failure",
  "sync_script_failure",
  "webhook_script_failure",
  "invalid_sync_record",
  "invalid_sync_metadata",
  "invalid_action_input",
  "invalid_action_output",
  "unknown_provider_template_in_config",
  "execution_interrupted",
])

/** Holds a guest's outcome to the limits again, for a guest that got around its own. */
export function checkOutcome(outcome: GuestOutcome, outputBytes: number): GuestOutcome {
  if (outcome.ok) {
    const tooLarge = outcome.output !== undefined && Buffer.byteLength(outcome.output) > outputBytes
    return tooLarge ? { ok: false, error: outputTooLarge(outputBytes) } : outcome
  }
  const { error } = outcome
  const type = guestTypes.has(error.type) ? error.type : "script_internal_error"
  if ((JSON.stringify([error.payload, error.upstream]) ?? "").length <= 250_000) {
    return { ok: false, error: { ...error, type } }
  }
  const { upstream: _, ...rest } = error
  return { ok: false, error: { ...rest, type, payload: { message: "The error's payload was too large to keep" } } }
}

export function outputTooLarge(limit: number): RunError {
  const message = `The function's output is larger than ${limit} bytes`
  return { type: "script_output_too_large", status: 400, message, payload: { limit } }
}

/** An error that the platform raises about a run. */
export function platformError(type: string, message: string, description?: string): RunError {
  const status = type === "script_aborted" ? 410 : 500
  return { type, status, message, payload: { message }, ...(description === undefined ? {} : { description }) }
}
