import { AppError } from "../kit/errors.ts"
import { fakeErrors } from "./model.ts"

/** One request of a client, read whole. */
export type Call = {
  method: string
  /** Path and query as they came, byte for byte. */
  url: string
  path: string
  query: URLSearchParams
  /** Names in lower case; repeated headers are joined. */
  headers: Record<string, string>
  body: Uint8Array
  /** URL that the client used for this server, with the path prefixes that were taken off; no slash at the end. */
  base: string
  /** Aborts when the client goes away or the server stops. */
  signal: AbortSignal
}

export type Answer = {
  status: number
  headers?: Record<string, string | string[]>
  body?: string | Uint8Array
  /** Sent instead of `body`, piece by piece. */
  stream?: AsyncIterable<string | Uint8Array>
  /** Content-Length to claim, whatever is sent. */
  claimLength?: number
  /** `reset`: no answer at all. `truncate`: half of the body. `hang`: silence until the client leaves. */
  cut?: "reset" | "truncate" | "hang"
}

export function jsonAnswer(status: number, value: unknown, headers: Record<string, string | string[]> = {}): Answer {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    body: JSON.stringify(value),
  }
}

/** An error as this fake tells it: `{ error: { code, message } }`. Unknown errors keep their message: no secret is ours. */
export function errorAnswer(error: unknown): Answer {
  if (!(error instanceof AppError)) {
    const message = error instanceof Error ? error.message : String(error)
    return jsonAnswer(500, {
      error: { code: "fake_provider_failed", message },
    })
  }
  const { errors, headers } = error.details
  return jsonAnswer(error.status, { error: { code: error.code, message: error.message, errors } }, headers)
}

export function readInt(query: URLSearchParams, name: string, fallback: number, min: number, max: number): number {
  const text = query.get(name)
  if (text === null) return fallback
  const value = Number(text)
  if (text.trim() === "" || !Number.isInteger(value) || value < min || value > max) {
    throw fakeErrors.invalid_parameter({
      message: `${name} must be a whole number from ${min} to ${max}`,
    })
  }
  return value
}

export function readText(call: Call): string {
  return new TextDecoder().decode(call.body)
}

export function readJson(call: Call): unknown {
  try {
    return JSON.parse(readText(call))
  } catch (cause) {
    throw fakeErrors.invalid_body({ cause })
  }
}

export function readObject(call: Call): Record<string, unknown> {
  const value = readJson(call)
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw fakeErrors.invalid_body()
  return { ...value }
}

/** Query as data: a name that comes more than once becomes a list. */
export function queryObject(query: URLSearchParams): Record<string, string | string[]> {
  const names = [...new Set(query.keys())]
  return Object.fromEntries(
    names.map((name) => {
      const values = query.getAll(name)
      return [name, values.length === 1 ? (values[0] ?? "") : values]
    }),
  )
}

/** Text when the bytes are valid UTF-8, else base64. */
export function bodyText(bytes: Uint8Array): {
  body: string
  bodyEncoding: "utf8" | "base64"
} {
  try {
    return {
      body: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
      bodyEncoding: "utf8",
    }
  } catch {
    // Not UTF-8: binary bodies are told as base64.
    return {
      body: Buffer.from(bytes).toString("base64"),
      bodyEncoding: "base64",
    }
  }
}

/** Waits, but not longer than the client does. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener("abort", done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener("abort", done)
  })
}
