import { EgressError } from "./egress-error.ts"
import type { Hop } from "./egress-request.ts"
import { normalizeHost } from "./egress-request.ts"

const REDIRECTS = new Set([301, 302, 303, 307, 308])

/**
 * What may follow to another origin. Everything else could carry a credential: providers invent header names freely.
 */
const SAFE_HEADERS = ["accept", "accept-encoding", "accept-language", "content-type", "user-agent"]
const BODY_HEADERS = ["content-type", "content-length", "content-encoding", "content-language", "content-location"]

export function isRedirect(response: Response): boolean {
  return REDIRECTS.has(response.status) && Boolean(response.headers.get("location"))
}

/**
 * The request that follows a redirect (RFC 9110 §15.4, Fetch §4.4). To another origin (scheme, host and port) only the
 * safe headers go along, and no client certificate, unless `forwardHeaders` is set. Throws `invalid_redirect`.
 */
export function nextHop(hop: Hop, response: Response, forwardHeaders: boolean): Hop {
  const url = readLocation(hop.url, response)
  const dropsBody = turnsIntoGet(hop.method, response.status)
  if (!dropsBody && hop.body instanceof ReadableStream) {
    throw failure(hop.url, "asks to send the body again, but the body was a stream and is gone")
  }
  const away = url.origin !== hop.url.origin && !forwardHeaders
  const headers = new Headers(hop.headers)
  headers.delete("content-length")
  if (away) for (const name of hop.headers.keys()) if (!SAFE_HEADERS.includes(name)) headers.delete(name)
  if (dropsBody) for (const name of BODY_HEADERS) headers.delete(name)
  return {
    url,
    method: dropsBody ? "GET" : hop.method,
    headers,
    body: dropsBody ? null : hop.body,
    tls: away ? undefined : hop.tls,
  }
}

function turnsIntoGet(method: string, status: number): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD"
  return (status === 301 || status === 302) && method === "POST"
}

function readLocation(from: URL, response: Response): URL {
  const url = URL.parse(response.headers.get("location") ?? "", from.href)
  if (!url) throw failure(from, "leads to something that is not a URL")
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw failure(from, "leads to a URL that is not http or https")
  if (url.username !== "" || url.password !== "") throw failure(from, "leads to a URL with a user name or password")
  if (url.hash === "") url.hash = from.hash
  normalizeHost(url)
  return url
}

function failure(from: URL, what: string): EgressError {
  return new EgressError("invalid_redirect", `A redirect of ${from.hostname} ${what}.`, from.hostname)
}
