import type { AllowList } from "./address.ts"
import { EgressError } from "./egress-error.ts"

export type OutboundRequest = {
  /** Default `GET`. Refused: `CONNECT`, `TRACE`, and names that Bun does not know (it would send a `GET` instead). */
  method?: string
  url: string | URL
  /**
   * `host`, `proxy-authorization` and the headers of the connection itself are ignored; `content-length` counts only
   * for a stream.
   */
  headers?: Record<string, string> | Headers
  /**
   * Not for `GET` and `HEAD`. A stream is sent once: no second address is tried, and a redirect that keeps the body
   * fails.
   */
  body?: string | Uint8Array | ReadableStream<Uint8Array> | null
  /** From the call to the response headers, all redirects included. Default 60,000. */
  timeoutMs?: number
  /** Longest wait for the next piece of the response body; Infinity waits as long as the caller does. Default 30,000. */
  idleTimeoutMs?: number
  /**
   * A response body that is announced to be this small is read before the response is given, within `timeoutMs`: it
   * can then be passed on with its length. Default: none is.
   */
  wholeBytes?: number
  /**
   * Says for the URL that answers whether its body is handed over as the runtime's own stream. One that is passed on to
   * a client then never enters JavaScript: a tenth of the memory (measured: 200 MB cost 5 MB instead of 31). But no
   * limit but `signal` holds for it, and when it breaks, Bun prints the URL to stderr: it must show no secret.
   */
  passOn?: (url: string) => boolean
  /** Largest response body, counted after decompression. Default: no limit. */
  maxBytes?: number
  signal?: AbortSignal
  /** Default 5. */
  maxRedirects?: number
  redirect?: "follow" | "manual"
  /** Keeps all headers and the client certificate when a redirect leads to another origin. Default false. */
  forwardHeadersOnRedirect?: boolean
  /** What this request may reach beyond the operator's own list. */
  allow?: AllowList
  /** Decodes gzip, deflate, br and zstd, and then drops `content-encoding` and `content-length`. Default true. */
  decompress?: boolean
  /** A client certificate and its key, both PEM. */
  tls?: { cert?: string; key?: string }
}

/** One request of a chain, with its logical URL (a name, never the address that it is sent to). */
export type Hop = {
  url: URL
  method: string
  headers: Headers
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null
  tls: { cert?: string; key?: string } | undefined
}

/** Headers that belong to one connection and are not passed on (RFC 9110 §7.6.1). */
export const HOP_HEADERS = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]
const IGNORED_HEADERS = [...HOP_HEADERS, "host", "proxy-authorization", "expect"]

/** Throws `url_not_allowed` for text that is no URL, and `invalid_request`. */
export function firstHop(request: OutboundRequest): Hop {
  const url = request.url instanceof URL ? new URL(request.url) : URL.parse(request.url)
  if (!url) throw new EgressError("url_not_allowed", "The URL of the request is not a valid absolute URL.")
  normalizeHost(url)
  const method = readMethod(request.method ?? "GET")
  const body = readBody(request.body ?? null, method)
  const headers = readHeaders(request.headers)
  if (!(body instanceof ReadableStream)) headers.delete("content-length")
  return { url, method, headers, body, tls: request.tls }
}

/** `example.test.` and `example.test` are one host; without the dot it also matches certificates and lists. */
export function normalizeHost(url: URL): void {
  if (url.hostname.endsWith(".") && url.hostname.length > 1) url.hostname = url.hostname.slice(0, -1)
}

const COMMON_METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

function readMethod(input: string): string {
  const method = input.toUpperCase()
  if (COMMON_METHODS.has(method)) return method
  const isKnown = /^[A-Z-]{1,32}$/.test(method) && new Request("http://localhost", { method }).method === method
  if (isKnown && method !== "CONNECT" && method !== "TRACE") return method
  throw new EgressError("invalid_request", `The method ${JSON.stringify(input.slice(0, 32))} cannot be sent.`)
}

/** Text becomes bytes, because Bun would add a content type to text. */
function readBody(input: NonNullable<OutboundRequest["body"]> | null, method: string): Hop["body"] {
  const body = typeof input === "string" ? new TextEncoder().encode(input) : input
  const isEmpty = body === null || (body instanceof Uint8Array && body.length === 0)
  if (method === "GET" || method === "HEAD") {
    if (isEmpty) return null
    throw new EgressError("invalid_request", `A ${method} request cannot have a body.`)
  }
  return body instanceof Uint8Array ? new Uint8Array(body) : body
}

function readHeaders(input: OutboundRequest["headers"]): Headers {
  try {
    const headers = new Headers(input)
    for (const name of IGNORED_HEADERS) headers.delete(name)
    return headers
  } catch {
    // The runtime's text quotes the value, which may be a credential.
    throw new EgressError("invalid_request", "A header of the request has an invalid name or value.")
  }
}
