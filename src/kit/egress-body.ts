import type { Cancel } from "./egress-cancel.ts"
import { clampTimer } from "./egress-cancel.ts"
import { EgressError, networkFailure } from "./egress-error.ts"
import type { Hop, OutboundRequest } from "./egress-request.ts"
import { HOP_HEADERS } from "./egress-request.ts"

/** What the runtime decodes; it leaves several codings in a row as they are. */
const DECODED = new Set(["gzip", "x-gzip", "deflate", "br", "zstd"])

/**
 * Makes the response that the caller gets: logical URL, headers without those of the connection, body within limits.
 * Throws `response_too_large` when the server announces more than `maxBytes`.
 */
export async function deliver(raw: Response, hop: Hop, request: OutboundRequest, cancel: Cancel): Promise<Response> {
  const host = hop.url.hostname
  const headers = withoutHopHeaders(raw.headers)
  const maxBytes = request.maxBytes ?? Number.POSITIVE_INFINITY
  const coding = (headers.get("content-encoding") ?? "").trim().toLowerCase()
  const isDecoded = request.decompress !== false && DECODED.has(coding)
  const length = Number(headers.get("content-length") ?? Number.NaN)
  if (!isDecoded && length <= Math.min(request.wholeBytes ?? -1, maxBytes) && mayHaveBody(raw, hop)) {
    const bytes = length === 0 ? null : await readWhole(raw, host)
    cancel.done()
    return makeResponse(raw, headers, bytes && asBody(bytes, headers), hop.url)
  }
  cancel.headersArrived()
  if (raw.body && isDecoded) {
    headers.delete("content-encoding")
    headers.delete("content-length")
  }
  if (raw.body && Number(headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(host, maxBytes)
  if (!raw.body) cancel.done()
  if (raw.body && request.passOn?.(hop.url.href)) return makeResponse(raw, headers, raw.body, hop.url)
  const limits = { host, maxBytes, idleTimeoutMs: request.idleTimeoutMs ?? 30_000, cancel }
  return makeResponse(raw, headers, raw.body && limitBody(raw.body, limits), hop.url)
}

type Body = ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>

/** The same answer with another body. */
export function remakeResponse(response: Response, body: ReadableStream<Uint8Array> | null): Response {
  return makeResponse(response, response.headers, body, response.url)
}

/** RFC 9110 §7.6.1: also what the `connection` header names belongs to the connection. */
function withoutHopHeaders(from: Headers): Headers {
  const headers = new Headers(from)
  const named = headers.get("connection")?.toLowerCase().split(",") ?? []
  for (const name of named)
    if (/^[\w-]+$/.test(name.trim()) && name.trim() !== "content-length") headers.delete(name.trim())
  for (const name of HOP_HEADERS) headers.delete(name)
  return headers
}

async function readWhole(raw: Response, host: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await raw.arrayBuffer())
  } catch (error) {
    // Translates the runtime's codes and texts.
    throw networkFailure(error, host)
  }
}

const mayHaveBody = ({ status }: Response, { method }: Hop): boolean =>
  method !== "HEAD" && status !== 204 && status !== 304

/** The runtime makes up a content type for bytes, but not for a stream; one that is filled already keeps its length. */
function asBody(bytes: Uint8Array<ArrayBuffer>, headers: Headers): Body {
  if (headers.has("content-type")) return bytes
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes)
      controller.close()
    },
  })
}

type Limits = { host: string; idleTimeoutMs: number; maxBytes: number; cancel: Cancel }

/**
 * Passes a body on, chunk by chunk and only as fast as it is read. The idle time runs only while somebody waits for
 * data, so a slow reader is not the sender's fault. Errors: `response_too_large`, `ETIMEDOUT`, network codes, the
 * signal's reason.
 */
function limitBody(body: ReadableStream<Uint8Array>, limits: Limits): ReadableStream<Uint8Array> {
  const { host, maxBytes, idleTimeoutMs, cancel } = limits
  const reader = body.getReader()
  const idle = () =>
    new EgressError("ETIMEDOUT", `${host} stopped in the middle of a response (${idleTimeoutMs} ms).`, host)
  const readNext = async () => {
    if (idleTimeoutMs === Number.POSITIVE_INFINITY) return reader.read()
    const timer = setTimeout(() => cancel.abort(idle()), clampTimer(idleTimeoutMs))
    try {
      return await reader.read()
    } finally {
      clearTimeout(timer)
    }
  }
  let size = 0
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    try {
      const { done, value } = await readNext()
      if (done) {
        cancel.done()
        controller.close()
        return
      }
      size += value.byteLength
      if (size > maxBytes) throw tooLarge(host, maxBytes)
      controller.enqueue(value)
    } catch (error) {
      // The socket must not stay open behind a body that nobody can read any further.
      const failure = cancel.signal.aborted ? cancel.signal.reason : networkFailure(error, host)
      cancel.abort(failure)
      cancel.done()
      throw failure
    }
  }
  const leave = () => {
    cancel.abort(new EgressError("ECONNABORTED", `The response of ${host} was not read to its end.`, host))
    cancel.done()
  }
  return new ReadableStream<Uint8Array>({ pull, cancel: leave }, { highWaterMark: 0 })
}

function makeResponse(raw: Response, headers: Headers, body: Body | null, url: URL | string): Response {
  const isPlain = raw.status >= 200 && raw.status <= 599
  const response = new Response(body, { headers, status: isPlain ? raw.status : 200, statusText: raw.statusText })
  // `Response` takes no URL, and no status such as 999, which some servers do send.
  Object.defineProperty(response, "url", { value: String(url) })
  if (!isPlain) Object.defineProperties(response, { status: { value: raw.status }, ok: { value: false } })
  return response
}

function tooLarge(host: string, maxBytes: number): EgressError {
  return new EgressError("response_too_large", `The response of ${host} is larger than ${maxBytes} bytes.`, host)
}
