import type { CallInput } from "../calls.ts"
import { asRefusal, readObject, readOptionalText, refuse } from "./arguments.ts"
import { encodeBody } from "./bodies.ts"
import type { EncodedBody } from "./bodies.ts"

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

export type Send = CallInput<"proxy.send">
type Built = { input: Send; body: string | Uint8Array | undefined }

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const
const responseTypes = ["arraybuffer", "blob", "document", "json", "text", "stream"] as const

/** The configuration that user code passed, as it was at that moment. */
export function readRequest(config: unknown): HttpConfig {
  return readObject(config, "the request's configuration")
}

/** @throws SdkError `invalid_sdk_call` for what cannot be a request */
export async function buildRequest(config: HttpConfig): Promise<Built> {
  try {
    return await encodeRequest(config)
  } catch (error) {
    throw asRefusal(error, "the request")
  }
}

async function encodeRequest(config: HttpConfig): Promise<Built> {
  const method = String(config.method ?? "GET").toUpperCase() as Send["method"]
  if (!methods.includes(method)) throw refuse(`the method ${method.slice(0, 20)} is not supported`)
  const headers = textHeaders(config.headers)
  const encoded: EncodedBody =
    method === "GET" ? { kind: "none" } : await encodeBody(config.data, headers["content-type"])
  const { kind, body, boundary } = encoded
  const contentType = encoded.contentType ?? (method === "DELETE" ? undefined : encoded.fallback)
  if (contentType !== undefined && (headers["content-type"] === undefined || kind === "multipart")) {
    headers["content-type"] = contentType
  }
  headers.accept ??= "application/json, text/plain, */*"
  const input: Send = {
    endpoint: readOptionalText(config.endpoint, '"endpoint"'),
    method,
    headers,
    params: textParams(config.params),
    data: { kind, boundary },
    retries: Math.min(1000, Math.max(0, Math.trunc(Number(config.retries ?? 0)) || 0)),
    retryOn: statusList(config.retryOn),
    retryHeader: retryHeader(config.retryHeader),
    baseUrlOverride: readOptionalText(config.baseUrlOverride, '"baseUrlOverride"'),
    decompress: config.decompress === true || config.decompress === "true" ? true : undefined,
    responseType: responseTypes.find((type) => type === config.responseType),
    forwardHeadersOnRedirect:
      typeof config.forwardHeadersOnRedirect === "boolean" ? config.forwardHeadersOnRedirect : undefined,
    providerConfigKey: readOptionalText(config.providerConfigKey, '"providerConfigKey"'),
    connectionId: readOptionalText(config.connectionId, '"connectionId"'),
  }
  return { input, body }
}

/** Names in lower case; what is undefined or null is left out. */
export function textHeaders(headers: unknown): Record<string, string> {
  const result: Record<string, string> = {}
  if (headers === undefined || headers === null) return result
  if (typeof headers !== "object") throw refuse('"headers" must be an object')
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
  if (typeof params === "string") return params
  if (typeof params !== "object") throw refuse('"params" must be an object or a text')
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
