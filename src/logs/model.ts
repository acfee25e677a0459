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

/** The store cuts longer messages. */
export const longestMessage = 10_000
