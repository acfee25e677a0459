import { AppError, type Issue } from "../kit/errors.ts"
import { version } from "../kit/version.ts"
import { cliFaults } from "./faults.ts"
import { hintFor } from "./hints.ts"

type Query = Record<string, string | number | boolean | string[] | undefined>
export type CallOptions = { query?: Query; body?: unknown; headers?: Record<string, string | undefined> }

/** `text` is the answer as it came, `body` the same parsed. */
export type Answer<T> = { status: number; text: string; body: T }

export type Client = {
  url: string
  /**
   * One call of the daemon's API. Throws an ApiError for any status but 2xx (with `accept`, also not for that one),
   * `daemon_unreachable`, and `interrupted` when the command was cancelled.
   */
  call: <T>(method: string, path: string, options?: CallOptions & { accept?: number }) => Promise<Answer<T>>
  /** A call whose answer is JSON lines, each as its text, as they come. Throws as `call` does. */
  lines: (method: string, path: string, options?: CallOptions) => AsyncGenerator<string, void, void>
}

/** An error that the API answered; `body` is the JSON text as it came. */
export class ApiError extends AppError {
  readonly body: string

  constructor(status: number, body: string, error: WireError) {
    const { code = "unknown_error", message, errors, payload } = error
    super(code, status, message ?? sentenceFor(code, errors), { errors, payload, hint: hintFor(code, error) })
    this.body = body
  }
}

export type WireError = { code?: string; message?: string; errors?: Issue[]; payload?: unknown }

/** The one way from the command line to a daemon. No redirect is followed: the key is for this address alone. */
export function createClient(target: { url: string; secretKey?: string; signal?: AbortSignal }): Client {
  return {
    url: target.url,
    async call<T>(method: string, path: string, options: CallOptions & { accept?: number } = {}) {
      const response = await send(target, method, path, options)
      const text = await withTranslation(target, () => response.text())
      const body = parse(text)
      if (response.ok || response.status === options.accept) return { status: response.status, text, body: body as T }
      throw toError(target.url, response.status, text, body)
    },
    async *lines(method, path, options = {}) {
      const response = await send(target, method, path, options)
      if (!response.ok || !response.body) {
        const text = await withTranslation(target, () => response.text())
        throw toError(target.url, response.status, text, parse(text))
      }
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      let rest = ""
      for (;;) {
        const { done, value = "" } = await withTranslation(target, () => reader.read())
        const parts = (rest + value).split("\n")
        rest = parts.pop() ?? ""
        yield* parts
        if (done) return
      }
    },
  }
}

function send(
  target: { url: string; secretKey?: string; signal?: AbortSignal },
  method: string,
  path: string,
  { query = {}, body, headers = {} }: CallOptions,
): Promise<Response> {
  const all: Record<string, string> = { accept: "application/json", "user-agent": `sluice-cli/${version}` }
  if (target.secretKey !== undefined) all.authorization = `Bearer ${headerText("secret key", target.secretKey)}`
  if (body !== undefined) all["content-type"] = "application/json"
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) all[name] = headerText(name, value)
  return withTranslation(target, () =>
    fetch(`${target.url}${path}${queryText(query)}`, {
      method,
      headers: all,
      body: body === undefined ? undefined : JSON.stringify(body),
      redirect: "manual",
      signal: target.signal,
      // An action may take fifteen minutes.
      timeout: false,
      // A proxy of the environment is for the Internet; it could not reach a daemon on this machine.
      ...(isLocal(target.url) ? { proxy: false } : {}),
    } as RequestInit),
  )
}

/** What a header cannot carry is refused here: the runtime's own error would quote it. */
function headerText(name: string, value: string): string {
  if (/^[\x20-\x7e]*$/.test(value)) return value
  throw cliFaults.usage_input({ message: `The ${name} has characters that it cannot have.` })
}

async function withTranslation<T>(target: { url: string; signal?: AbortSignal }, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    // Translates the runtime's failures into what a person can act on.
    if (target.signal?.aborted) throw cliFaults.interrupted({ cause })
    throw cliFaults.daemon_unreachable({
      message: `No daemon answers at ${target.url} (${(cause as { code?: string }).code ?? (cause as Error).message}).`,
      hint: "Start one with `sluice serve`, or name another with --url or SLUICE_HOST.",
      cause,
    })
  }
}

function queryText(query: Query): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one))
  }
  return search.size === 0 ? "" : `?${search.toString()}`
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Whoever answered does not speak JSON; an answer with an error status is reported as such below.
    return undefined
  }
}

function toError(url: string, status: number, text: string, body: unknown): AppError {
  const error = (body as { error?: WireError | string } | undefined)?.error
  if (typeof error === "object" && error !== null) return new ApiError(status, text, error)
  return cliFaults.not_an_answer({
    message: `${url} answered ${status} in a form that no sluice daemon uses.`,
    hint: "Look whether --url or SLUICE_HOST names the daemon.",
  })
}

const sentenceFor = (code: string, errors: Issue[] | undefined): string =>
  errors?.length ? `The request is not valid (${code}).` : `The daemon answered ${code}.`

function isLocal(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.")
}
