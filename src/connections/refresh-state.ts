import { AppError } from "../kit/errors.ts"
import { connectionFaults, type ConnectionRow } from "./model.ts"

/** The columns of a connection whose credentials are good as far as anybody knows, and that nobody is refreshing. */
export const freshState = {
  last_refresh_failure_at: null,
  refresh_attempts: null,
  refresh_exhausted: false,
  refresh_lease: null,
  refresh_lease_until: null,
  refresh_interrupted: false,
} satisfies Partial<ConnectionRow>

const backoffMs = 30_000
/** Failures on so many days in a row end it: somebody has to connect again. */
const mostAttempts = 4

/** Throws `connection_refresh_exhausted`, or `connection_refresh_backoff` for half a minute after a failure. */
export function checkMayRefresh(row: ConnectionRow, now: number): void {
  if (row.refresh_exhausted) throw connectionFaults.connection_refresh_exhausted()
  const failed = row.last_refresh_failure_at
  if (failed === null || now - failed >= backoffMs) return
  const wait = Math.ceil((failed + backoffMs - now) / 1000)
  throw connectionFaults.connection_refresh_backoff({ headers: { "retry-after": String(wait) } })
}

/** The columns after a failure. Several on one day (UTC) count once. */
export function failedState(row: ConnectionRow, now: number, logId: string) {
  const day = (at: number) => Math.floor(at / 86_400_000)
  const before = row.refresh_attempts ?? 0
  const isSameDay = row.last_refresh_failure_at !== null && day(row.last_refresh_failure_at) === day(now)
  const refresh_attempts = before > 0 && isSameDay ? before : before + 1
  return {
    last_refresh_failure_at: now,
    last_refresh_success_at: null,
    refresh_attempts,
    refresh_exhausted: refresh_attempts >= mostAttempts,
    refresh_lease: null,
    refresh_lease_until: null,
    errors: [...withoutAuthErrors(row), { type: "auth", log_id: logId }],
  } satisfies Partial<ConnectionRow>
}

/** The active errors without those about credentials. */
export const withoutAuthErrors = (row: ConnectionRow) => row.errors.filter(({ type }) => type !== "auth")

/**
 * A failed refresh as reading a connection tells it: status, sentence and payload of the cause under one code, with the
 * connection as it can be shown without credentials.
 */
export function invalidCredentials(cause: unknown, connection: unknown): unknown {
  if (!(cause instanceof AppError)) return cause
  const { payload, headers } = cause.details
  const shown = { ...(typeof payload === "object" ? payload : {}), connection }
  return new AppError("invalid_credentials", cause.status, cause.message, { payload: shown, headers, cause })
}
