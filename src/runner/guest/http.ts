import type { CallInput } from "../calls.ts"
import type { Payload, RunFacts } from "../protocol.ts"
import { encodeBody } from "./bodies.ts"
import type { EncodedBody } from "./bodies.ts"
import type { Channel } from "./channel.ts"
import { HttpError, statusError } from "./errors.ts"
import type { HttpResponse } from "./errors.ts"

/** What user code passes to `nango.get` and its siblings; anything may be missing or of another type. */
export type HttpConfig = {
  endpoint?: unknown
  method?: unknown
  headers?: unknown
  params?: unknown
  data?: unknown
  retries?: unknown
  retryOn?: unknown
  retryHeader?: unknown
  baseUrlOverride?: unknown
  decompress?: unknown
  responseType?: unknown
  forwardHeadersOnRedirect?: unknown
  providerConfigKey?: unknown
  connectionId?: unknown
  paginate?: unknown
}

type Send = CallInput<"proxy.send">
export type SendHttp = (config: HttpConfig) => Promise<HttpResponse>

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const
const responseTypes = ["arraybuffer", "blob", "document", "json", "text", "stream"] as const

/** One logical request through the daemon; resolves with an axios-shaped response, rejects as axios does. */
export function createSend(
  channel: Channel,
  parse: (text: string) => unknown,
  fixtures?: RunFacts["fixtures"],
): SendHttp {
  return async (config) => {
    channel.check()
    if (typeof config !== "object" || config === null) throw new Error("The request needs a configuration object")
    const { input, body } = await buildRequest(config)
    const shown = { ...config, method: input.method, url: input.endpoint, headers: input.headers }
    let answer
    try {
      answer = await channel.call("proxy.send", input, body)
    } catch (error) {
      if (error instanceof HttpError) throw new HttpError(error.message, { code: error.code, config: shown })
      throw error
    }
    const head = answer.output as {
      status: number
      statusText?: string
      headers?: Record<string, unknown>
      url?: string
    }
    const response: HttpResponse = {
      data: (fixtures ? recorded : decode)(answer.body, input.responseType, parse),
      status: head.status,
      statusText: head.statusText ?? "",
      headers: lowerCased(head.headers ?? {}),
      config: shown,
      request: { method: input.method, responseURL: head.url },
    }
    if ((response.status >= 200 && response.status < 300) || fixtures === "loose") return response
    throw statusError(response)
  }
}

async function buildRequest(config: HttpConfig): Promise<{ input: Send; body: string | Uint8Array | undefined }> {
  const method = String(config.method ?? "GET").toUpperCase() as Send["method"]
  if (!methods.includes(method)) throw new Error(`The method ${method.slice(0, 20)} is not supported`)
  const headers = textHeaders(config.headers)
  const encoded: EncodedBody =
    method === "GET" ? { kind: "none" } : await encodeBody(config.data, headers["content-type"])
  const { kind, body, contentType, boundary } = encoded
  if (contentType !== undefined && (headers["content-type"] === undefined || kind === "multipart")) {
    headers["content-type"] = contentType
  }
  headers.accept ??= "application/json, text/plain, */*"
  const input: Send = {
    endpoint: optionalText(config.endpoint),
    method,
    headers,
    params: textParams(config.params),
    data: { kind, boundary },
    retries: Math.min(1000, Math.max(0, Math.trunc(Number(config.retries ?? 0)) || 0)),
    retryOn: statusList(config.retryOn),
    retryHeader: retryHeader(config.retryHeader),
    baseUrlOverride: optionalText(config.baseUrlOverride),
    decompress: config.decompress === true || config.decompress === "true" ? true : undefined,
    responseType: responseTypes.find((type) => type === config.responseType),
    forwardHeadersOnRedirect:
      typeof config.forwardHeadersOnRedirect === "boolean" ? config.forwardHeadersOnRedirect : undefined,
    providerConfigKey: optionalText(config.providerConfigKey),
    connectionId: optionalText(config.connectionId),
  }
  return { input, body }
}

function optionalText(value: unknown): string | undefined {
  return value === undefined || value === null || value === "" ? undefined : String(value)
}

export function textHeaders(headers: unknown): Record<string, string> {
  const result: Record<string, string> = {}
  if (typeof headers !== "object" || headers === null) return result
  const entries = headers instanceof Headers ? [...headers.entries()] : Object.entries(headers)
  for (const [name, value] of entries) {
    if (value === undefined || value === null) continue
    result[name.toLowerCase()] = Array.isArray(value) ? value.map(String).join(", ") : String(value)
  }
  return result
}

/** Values become text as `String` makes it (arrays joined by commas); what is undefined is left out. */
function textParams(params: unknown): Send["params"] {
  if (params === undefined || params === null) return undefined
  if (typeof params !== "object") return String(params)
  if (params instanceof URLSearchParams) return params.toString()
  const entries = Object.entries(params).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]))
}

function statusList(value: unknown): number[] | undefined {
  if (!Array.isArray(value)) return undefined
  return value.map(Number).filter((status) => Number.isInteger(status) && status >= 100 && status <= 599)
}

function retryHeader(value: unknown): Send["retryHeader"] {
  if (typeof value !== "object" || value === null) return undefined
  const { at, after } = value as { at?: unknown; after?: unknown }
  const names = (list: unknown) =>
    list === undefined || list === null ? undefined : (Array.isArray(list) ? list : [list]).map(String)
  return { at: names(at), after: names(after) }
}

/**
 * axios semantics: whatever parses as JSON is parsed, whatever its content type; otherwise text. `arraybuffer` gives a
 * Buffer.
 */
function decode(body: Payload | undefined, type: Send["responseType"], parse: (text: string) => unknown): unknown {
  const raw = body ?? ""
  if (type === "arraybuffer" || type === "stream") {
    const buffer = typeof raw === "string" ? Buffer.from(raw) : Buffer.from(raw)
    return type === "stream" ? toStream(buffer) : buffer
  }
  if (type === "blob") return new Blob([raw])
  const text = typeof raw === "string" ? raw : new TextDecoder().decode(raw)
  if (type === "text" || type === "document" || text === "") return text
  // Not JSON is a normal answer, not a failure.
  try {
    return parse(text)
  } catch {
    return text
  }
}

const binaryTypes = new Set<Send["responseType"]>(["arraybuffer", "blob", "stream"])

/** The data of a fixture stands there as JSON, also when it is a text; bytes are a Buffer's JSON form. */
function recorded(body: Payload | undefined, type: Send["responseType"], parse: (text: string) => unknown): unknown {
  if (typeof body !== "string" || body === "") return undefined
  const data = parse(body)
  const bytes = data as { type?: unknown; data?: unknown } | null
  if (bytes?.type !== "Buffer" || !Array.isArray(bytes.data) || !binaryTypes.has(type)) return data
  return decode(Uint8Array.from(bytes.data as number[]), type, parse)
}

/** The one chunk that there is, as far as code can read a stream without the stream module. */
function toStream(buffer: Buffer): AsyncIterable<Buffer> {
  return {
    async *[Symbol.asyncIterator]() {
      yield buffer
    },
  }
}

/** Plain indexing by lower-case name is what functions do; `get` and `has` are there as in axios, out of sight. */
function lowerCased(headers: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(headers)) result[name.toLowerCase()] = value
  const hidden = (value: unknown) => ({ value, enumerable: false, configurable: true, writable: true })
  if (!("get" in result)) {
    Object.defineProperty(
      result,
      "get",
      hidden((name: unknown) => result[String(name).toLowerCase()] ?? null),
    )
  }
  if (!("has" in result)) {
    Object.defineProperty(
      result,
      "has",
      hidden((name: unknown) => String(name).toLowerCase() in result),
    )
  }
  return result
}
