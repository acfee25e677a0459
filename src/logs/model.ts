import { defineFaults } from "../kit/errors.ts"
import { isoTime } from "../kit/times.ts"

/**
 * Operation: the log entry of one run, request or delivery. Message: one line inside it. Avoid: activity.
 * Both live in `logs.db`, apart from product data, so that their volume never holds it up.
 */
export type OperationState = "waiting" | "running" | "success" | "failed" | "timeout" | "cancelled"
export type LogLevel = "debug" | "info" | "warn" | "error"

export type NewOperation = {
  environmentId: number
  type: "sync" | "action" | "webhook" | "events" | "proxy" | "auth" | "deploy" | "function"
  action: string
  message: string
  integration?: string
  provider?: string
  connection?: string
  function?: string
  runId?: number
  meta?: unknown
}

export type NewMessage = {
  type: "log" | "http"
  level: LogLevel
  source: "internal" | "user"
  message: string
  /** Free data: `meta`, `error`, `request`, `response`, `retry`, `persistResults`, `durationMs`. */
  detail?: unknown
}

export type OperationRow = {
  id: string
  environment_id: number
  type: string
  action: string
  state: OperationState
  level: LogLevel
  message: string
  integration: string | null
  provider: string | null
  connection: string | null
  function: string | null
  run_id: number | null
  meta: string | null
  error: string | null
  created_at: number
  started_at: number | null
  ended_at: number | null
}

export type MessageRow = {
  id: number
  operation_id: string
  type: "log" | "http"
  level: LogLevel
  source: "internal" | "user"
  message: string
  detail: string | null
  created_at: number
}

/** Entries are numbered by their time in milliseconds times this, plus a count. */
export const entriesPerMs = 1024

export const levels: LogLevel[] = ["debug", "info", "warn", "error"]

/** The store cuts longer messages. */
export const longestMessage = 10_000

export const logFaults = defineFaults({
  unknown_operation: [404, "There is no operation with this id."],
  invalid_cursor: [400, "This is not a place in the list that was asked for."],
})

const parse = (text: string | null): unknown => (text === null ? null : JSON.parse(text))
const time = (ms: number | null): string | null => (ms === null ? null : isoTime(ms))

export function toOperation(row: OperationRow) {
  const { meta, error, created_at, started_at, ended_at, environment_id: _, ...rest } = row
  return {
    ...rest,
    meta: parse(meta),
    error: parse(error),
    created_at: time(created_at),
    started_at: time(started_at),
    ended_at: time(ended_at),
  }
}

export function toMessage(row: MessageRow) {
  const { detail, created_at, operation_id: _, ...rest } = row
  return { ...rest, detail: parse(detail), created_at: time(created_at) }
}
