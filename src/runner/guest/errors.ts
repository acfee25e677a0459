import type { AnswerError } from "../protocol.ts"

/** What user code throws to fail with a payload of its own: `throw new nango.ActionError({ … })`. */
export class ActionError extends Error {
  // The build shortens names of classes.
  static override readonly name = "ActionError"
  readonly type = "action_script_runtime_error"
  readonly payload: unknown

  constructor(payload?: unknown) {
    super()
    this.name = "ActionError"
    this.payload = payload
  }
}

/** An error of the SDK itself, named by its code. */
export class SdkError extends Error {
  readonly code: string
  readonly status: number
  readonly payload: unknown

  constructor(code: string, message: string, payload: unknown = {}) {
    super(message)
    this.name = "NangoSDKError"
    this.code = code
    this.status = code === "script_aborted" ? 410 : 500
    this.payload = payload
  }
}

export type HttpResponse = {
  data: unknown
  status: number
  statusText: string
  headers: Record<string, unknown>
  config: unknown
  request: unknown
}

/** Shaped as axios errors are, because functions look into them. */
export class HttpError extends Error {
  static override readonly name = "AxiosError"
  readonly code: string
  readonly status: number | undefined
  readonly response: HttpResponse | undefined
  readonly config: unknown
  readonly request: unknown
  readonly isAxiosError = true
  /** True when the answer came from the daemon's own API and not from a provider. */
  readonly #ofApi: boolean

  constructor(
    message: string,
    input: { code: string; config: unknown; request?: unknown; response?: HttpResponse; ofApi?: boolean },
  ) {
    super(message)
    this.name = "AxiosError"
    this.code = input.code
    this.config = input.config
    this.response = input.response
    this.request = input.response?.request ?? input.request
    this.status = input.response?.status
    this.#ofApi = input.ofApi === true
  }

  static isOfApi(error: HttpError): boolean {
    return error.#ofApi
  }

  toJSON(): unknown {
    return { message: this.message, name: this.name, code: this.code, status: this.status ?? null }
  }
}

export function statusError(response: HttpResponse, ofApi = false): HttpError {
  const code = response.status >= 400 && response.status < 500 ? "ERR_BAD_REQUEST" : "ERR_BAD_RESPONSE"
  const message = `Request failed with status code ${response.status}`
  return new HttpError(message, { code, config: response.config, response, ofApi })
}

/** Codes of the SDK; an uncaught one is reported under its own name. */
const sdkCodes = new Set([
  "script_aborted",
  "execution_interrupted",
  "execution_timeout",
  "unknown_provider_template_in_config",
  "invalid_sync_record",
  "invalid_action_input",
  "invalid_action_output",
  "invalid_sdk_call",
])

/** Codes of the network, of TLS and of broken bodies begin with a capital; the product's own do not. */
const networkCode = /^[A-Z]\w+$/

/** An error that the daemon answered with, as user code meets it. */
export function toGuestError(error: AnswerError): Error {
  const { code, message, status, payload } = error
  if (code !== undefined && sdkCodes.has(code)) return new SdkError(code, message, payload ?? {})
  if (code !== undefined && networkCode.test(code)) return new HttpError(message, { code, config: {} })
  const plain = new Error(message)
  return Object.assign(plain, withoutUndefined({ ...error.extra, code, status, payload, errors: error.errors }))
}

/** The same for calls that stand for a request to the public API: an HTTP error with the API's error body. */
export function apiError(error: AnswerError, parse: (text: string) => unknown): Error {
  const { code, status, payload, errors } = error
  const isOurs = code === "script_aborted" || (code === "invalid_sdk_call" && status === 400)
  if (status === undefined || isOurs) return toGuestError(error)
  // Validation issues and some codes stand without a sentence.
  const message = error.message === "" ? undefined : error.message
  const body = { ...error.top, error: withoutUndefined({ code, message, errors, payload, ...error.extra }) }
  const data = parse(JSON.stringify(body))
  const headers = { "content-type": "application/json; charset=utf-8" }
  return statusError({ data, status, statusText: "", headers, config: {}, request: {} }, true)
}

function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
