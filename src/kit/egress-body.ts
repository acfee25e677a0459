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
export function deliver(raw: Response, hop: Hop, request: OutboundRequest, cancel: Cancel): Response {
  cancel.headersArrived()
  const host = hop.url.hostname
  const headers = new Headers(raw.headers)
  for (const name of HOP_HEADERS) headers.delete(name)
  const maxBytes = request.maxBytes ?? Number.POSITIVE_INFINITY
  const coding = (headers.get("content-encoding") ?? "").trim().toLowerCase()
  const isDecoded = request.decompress !== false && DECODED.has(coding)
  if (raw.body && isDecoded) {
    headers.delete("content-encoding")
    headers.delete("content-length")
  }
  if (raw.body && Number(headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(host, maxBytes)
  if (!raw.body) cancel.done()
  const limits = { host, maxBytes, idleTimeoutMs: request.idleTimeoutMs ?? 30_000, cancel }
  return makeResponse(raw, headers, raw.body && limitBody(raw.body, limits), hop.url)
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

function makeResponse(raw: Response, headers: Headers, body: ReadableStream<Uint8Array> | null, url: URL): Response {
  const isPlain = raw.status >= 200 && raw.status <= 599
  const response = new Response(body, { headers, status: isPlain ? raw.status : 200, statusText: raw.statusText })
  // `Response` takes no URL, and no status such as 999, which some servers do send.
  Object.defineProperty(response, "url", { value: url.href })
  if (!isPlain) Object.defineProperties(response, { status: { value: raw.status }, ok: { value: false } })
  return response
}

function tooLarge(host: string, maxBytes: number): EgressError {
  return new EgressError("response_too_large", `The response of ${host} is larger than ${maxBytes} bytes.`, host)
}
