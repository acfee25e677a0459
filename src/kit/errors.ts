/** One issue of a failed validation, as it goes over the wire (zod v4 code names, path elements as text). */
export type Issue = { code: string; message: string; path: string[] }

export type FaultDetails = {
  /** Replaces the fault's default sentence. */
  message?: string
  /** Validation issues; the envelope then carries `errors` and no `message` unless one was given. */
  errors?: Issue[]
  /** Free data for the caller. Faults declared as legacy always carry one (`{}` by default). */
  payload?: unknown
  /** Extra members of the `error` object. */
  extra?: Record<string, unknown>
  /** Extra members beside `error` at the top level of the body. */
  top?: Record<string, unknown>
  /** Response headers. */
  headers?: Record<string, string>
  /** What the person can type or do next; shown by the CLI. */
  hint?: string
  cause?: unknown
}

/**
 * The one error that product code raises. `code` and `status` are part of the wire contract; whatever is not an
 * AppError reaches a stranger only as `server_error` with a request id.
 */
export class AppError extends Error {
  readonly code: string
  readonly status: number
  readonly details: FaultDetails
  readonly hasMessage: boolean

  constructor(code: string, status: number, message: string, details: FaultDetails = {}) {
    super(details.message ?? message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = "AppError"
    this.code = code
    this.status = status
    this.details = details
    this.hasMessage = this.message !== ""
  }
}

type FaultRow = readonly [status: number, message: string, style?: "legacy"]
type Raise = (details?: FaultDetails) => AppError

/**
 * Turns a room's table of error codes into functions that make them: `throw faults.unknown_connection({ cause })`.
 * A row is `[status, sentence]`; a third member `"legacy"` makes the envelope always carry `payload`.
 */
export function defineFaults<T extends Record<string, FaultRow>>(rows: T): { readonly [K in keyof T]: Raise } {
  const faults: Record<string, Raise> = {}
  for (const [code, [status, message, style]] of Object.entries(rows)) {
    faults[code] = (details = {}) =>
      new AppError(code, status, message, style === "legacy" ? { payload: {}, ...details } : details)
  }
  return faults as { readonly [K in keyof T]: Raise }
}

/** The text of anything that was thrown, for logs. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message
  return typeof error === "string" ? error : (JSON.stringify(error) ?? String(error))
}
