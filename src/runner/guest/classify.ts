import type { Frame, RunError } from "../protocol.ts"
import { ActionError, HttpError, SdkError } from "./errors.ts"

const maxPayload = 99_000
const maxMessage = 10_000
const maxLines = 10

type Where = { fileName: string; firstLineOffset: number }

/**
 * Turns whatever was thrown into the run's error. The value is hostile: every look into it may throw or lie, so each
 * look is guarded and everything that leaves is plain JSON of bounded size.
 */
export function classify(thrown: unknown, where: Where): RunError {
  if (isA(thrown, ActionError)) {
    const payload = asPayload(look(() => thrown.payload) ?? {})
    return {
      type: "action_script_runtime_error",
      status: 500,
      message: actionMessage(payload),
      payload,
      ...trace(thrown, where),
    }
  }
  if (isA(thrown, SdkError)) {
    const type =
      text(
        look(() => thrown.code),
        100,
      ) || "script_internal_error"
    const status = type === "script_aborted" ? 410 : 500
    return {
      type,
      status,
      message: messageOf(thrown),
      payload: asPayload(look(() => thrown.payload)),
      ...trace(thrown, where),
    }
  }
  if (isA(thrown, HttpError)) return httpError(thrown, where)
  if (isA(thrown, Error)) return { ...described(thrown, where), type: "script_internal_error", status: 500 }
  return notAnError(thrown)
}

function httpError(thrown: HttpError, where: Where): RunError {
  const response = look(() => thrown.response)
  if (!response) return { ...described(thrown, where), type: "script_network_error", status: 500 }
  const status = statusOf(look(() => response.status))
  const body = look(() => response.data)
  const inner = look(() => (isObject(body) && !Array.isArray(body) ? body.payload : undefined))
  const payload = asPayload(inner ?? body)
  const limited = status === 429 && look(() => HttpError.isOfApi(thrown)) === true
  return {
    type: limited ? "script_api_rate_limit_error" : "script_http_error",
    status,
    message: messageOf(thrown),
    payload,
    upstream: { status, headers: shownHeaders(look(() => response.headers)), body: payload },
    ...trace(thrown, where),
  }
}

function described(thrown: Error, where: Where): Pick<RunError, "message" | "payload" | "frames" | "stack"> {
  const message = messageOf(thrown)
  const code = look(() => (thrown as { code?: unknown }).code)
  const { stack, frames } = trace(thrown, where)
  const payload: Record<string, unknown> = {
    name:
      text(
        look(() => thrown.name),
        200,
      ) || "Error",
  }
  if (typeof code === "string" || typeof code === "number") payload.code = text(code, 200)
  payload.message = message
  if (stack) payload.stacktrace = stack.split("\n")
  return { message, payload, frames, stack }
}

function notAnError(thrown: unknown): RunError {
  const base = { type: "script_internal_error", status: 500 }
  const json = look(() => JSON.stringify(thrown))
  const message = text(json ?? (typeof thrown === "symbol" ? "symbol" : look(() => String(thrown))), maxMessage)
  if (isObject(thrown) && json !== undefined && !look(() => Array.isArray(thrown))) {
    const payload = asPayload(thrown)
    const own = payload.message
    return { ...base, message: typeof own === "string" ? text(own, maxMessage) : message, payload }
  }
  return { ...base, message, payload: { name: "Error", message } }
}

/** An object stays what it is (as JSON); anything else becomes `{ message }`. Cut when it is too large to keep. */
function asPayload(value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {}
  const json = look(() => JSON.stringify(value))
  if (json === undefined)
    return {
      message: text(
        look(() => String(value)),
        maxMessage,
      ),
    }
  if (json.length > maxPayload) return { message: `${json.slice(0, maxPayload)}... (truncated)` }
  const plain: unknown = JSON.parse(json)
  return isObject(plain) && !Array.isArray(plain) ? plain : { message: plain }
}

function actionMessage(payload: Record<string, unknown>): string {
  return typeof payload.message === "string" ? text(payload.message, maxMessage) : ""
}

function messageOf(thrown: Error): string {
  return text(
    look(() => thrown.message),
    maxMessage,
  )
}

/** The first line and the lines of the function's own file; places are those in the bundle. */
function trace(thrown: Error, where: Where): { stack?: string; frames?: Frame[] } {
  const stack = text(
    look(() => thrown.stack),
    100_000,
  )
  if (!stack) return {}
  const [first = "", ...rest] = stack.split("\n")
  const own = rest.filter((line) => line.includes(where.fileName)).slice(0, maxLines - 1)
  const frames = own.flatMap((line) => frameOf(line, where))
  return { stack: [first, ...own].map((line) => line.trim().slice(0, 1000)).join("\n"), frames }
}

function frameOf(line: string, where: Where): Frame[] {
  const found = /:(\d{1,9}):(\d{1,9})\)?\s*$/.exec(line)
  if (!found) return []
  const row = Number(found[1])
  const column = Number(found[2]) - (row === 1 ? where.firstLineOffset : 0)
  return row >= 1 ? [{ line: row, column: Math.max(1, column) }] : []
}

function shownHeaders(headers: unknown): Record<string, string> {
  const shown: Record<string, string> = {}
  if (!isObject(headers)) return shown
  for (const name of look(() => Object.keys(headers)) ?? []) {
    const key = name.toLowerCase()
    if (key !== "content-type" && !key.startsWith("x-rate")) continue
    shown[key.slice(0, 200)] = text(
      look(() => headers[name]),
      1000,
    )
  }
  return shown
}

function statusOf(value: unknown): number {
  return typeof value === "number" && Number.isInteger(value) && value >= 100 && value <= 599 ? value : 500
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null
}

function isA<T>(value: unknown, type: abstract new (...args: never[]) => T): value is T {
  return look(() => value instanceof type) === true
}

/** Getters, proxies and toJSON of a thrown value may throw anything: then there is nothing to see. */
function look<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function text(value: unknown, max: number): string {
  if (typeof value === "string") return value.length > max ? value.slice(0, max) : value
  return typeof value === "number" || typeof value === "boolean" ? String(value) : ""
}
