import { isIP } from "node:net"
import type { AllowList } from "./address.ts"
import { deliver } from "./egress-body.ts"
import { openCancel, untilAborted } from "./egress-cancel.ts"
import { EgressError, networkFailure } from "./egress-error.ts"
import { readProxies } from "./egress-proxy.ts"
import { isRedirect, nextHop } from "./egress-redirect.ts"
import type { Hop, OutboundRequest } from "./egress-request.ts"
import { firstHop } from "./egress-request.ts"
import type { Guard, Target } from "./egress-target.ts"
import { createGuard } from "./egress-target.ts"

export { EgressError }
export type { OutboundRequest }

export type Egress = {
  /**
   * Sends a request after checking where it goes. Every status is an answer; only refusals and failures throw, as
   * `EgressError`. An aborted `signal` throws its own reason. The body streams: read it to its end or cancel it, or the
   * connection stays in use.
   */
  send(request: OutboundRequest): Promise<Response>
  /** Why nothing is ever sent to a (valid) URL, as far as that can be said without asking a resolver. */
  refusal(url: string): string | undefined
  /** Closes idle connections and forgets names. Requests in flight finish. */
  close(): void
}

export type EgressOptions = {
  /** What the operator opened. */
  allow: AllowList
  /** Where this program listens; refused unless a list names the host or the very address. */
  own?: () => { address: string; port: number }[]
  /** Resolves a name to IP addresses. Default: the system's resolver. */
  lookup?: (host: string) => Promise<string[]>
  /** As in `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`. The environment itself is not read. */
  proxies?: { http?: string; https?: string; no?: string }
}

/**
 * Makes the gate through which every outgoing byte passes. A name is resolved here, each of its addresses is checked,
 * and the connection goes to a checked address, while Host header, SNI and certificate check keep the name: an answer
 * that changes later (DNS rebinding) changes nothing. Behind a proxy only names and literal addresses can be checked;
 * the proxy resolves.
 */
export function createEgress(options: EgressOptions): Egress {
  const guard = createGuard({
    allow: options.allow,
    own: options.own ?? (() => []),
    lookup: options.lookup,
    proxies: readProxies(options.proxies ?? {}),
  })
  const gate: Gate = { guard, session: new Bun.FetchSession({ keepAlive: { idleTimeout: 60 } }), lastGood: new Map() }
  return {
    send: (request) => sendThrough(gate, request),
    refusal: (url) => guard.refusal(new URL(url)),
    close: () => {
      gate.session.close()
      gate.lastGood.clear()
      guard.forget()
    },
  }
}

/** The URL that answered in the end, after redirects, with its name and not with the address that was used. */
export function finalUrlOf(response: Response): string {
  return response.url
}

type Gate = {
  guard: Guard
  session: Bun.FetchSession
  /** Host → the address that answered last. Going there again finds the pooled connection. */
  lastGood: Map<string, string>
}

async function sendThrough(gate: Gate, request: OutboundRequest): Promise<Response> {
  let hop = firstHop(request)
  const cancel = openCancel(request, hop.url.hostname)
  try {
    for (let redirects = 0; ; redirects++) {
      const checked = checkHop(gate, hop, request, redirects > 0)
      const target = checked instanceof Promise ? await untilAborted(checked, cancel.signal) : checked
      const response = await exchange(gate, hop, target, request, cancel.signal)
      if (request.redirect === "manual" || !isRedirect(response)) return await deliver(response, hop, request, cancel)
      await response.body?.cancel()
      if (redirects >= (request.maxRedirects ?? 5)) {
        throw new EgressError("too_many_redirects", `${hop.url.hostname} redirects too often.`, hop.url.hostname)
      }
      hop = nextHop(hop, response, request.forwardHeadersOnRedirect === true)
    }
  } catch (error) {
    // Nothing of a failed exchange may stay open, wherever it failed.
    const failure = cancel.signal.aborted ? cancel.signal.reason : error
    cancel.abort(failure)
    cancel.done()
    throw failure
  }
}

function checkHop(gate: Gate, hop: Hop, request: OutboundRequest, redirected: boolean): Target | Promise<Target> {
  const refuse = (error: unknown): never => {
    // The caller asked for another host: say that it was a redirect that led here.
    if (!redirected || !(error instanceof EgressError) || error.code !== "url_not_allowed") throw error
    throw new EgressError("proxy_redirect_to_denied_host", `A redirect was refused. ${error.message}`, error.host)
  }
  try {
    const target = gate.guard.check(hop.url, request.allow ? [request.allow] : [])
    return target instanceof Promise ? target.catch(refuse) : target
  } catch (error) {
    return refuse(error)
  }
}

/** Connection failures after which the next checked address of the same name is worth a try: nothing was sent yet. */
const UNREACHABLE = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"])

async function exchange(gate: Gate, hop: Hop, target: Target, request: OutboundRequest, signal: AbortSignal) {
  if (target.kind === "proxy") return sendOnce(gate, hop, { url: hop.url, proxy: target.proxy }, request, signal)
  const host = hop.url.hostname
  const addresses = orderAddresses(target.addresses, gate.lastGood.get(host))
  for (const [index, address] of addresses.entries()) {
    try {
      const response = await sendOnce(gate, hop, { url: pin(hop.url, address) }, request, signal)
      if (gate.lastGood.size >= 1_000) gate.lastGood.clear()
      gate.lastGood.set(host, address)
      return response
    } catch (error) {
      // Goes on to the next address, if there is one and this one was never reached.
      gate.lastGood.delete(host)
      const isLast = index === addresses.length - 1 || hop.body instanceof ReadableStream || signal.aborted
      if (isLast || !(error instanceof EgressError && UNREACHABLE.has(error.code))) throw error
    }
  }
  throw new EgressError("ENOTFOUND", `The host name ${host} has no address.`, host)
}

type Route = { url: URL; proxy?: string }

async function sendOnce(gate: Gate, hop: Hop, route: Route, request: OutboundRequest, signal: AbortSignal) {
  const { headers } = hop
  const host = hop.url.hostname
  if (route.proxy === undefined) headers.set("host", hop.url.host)
  else headers.delete("host")
  // Through a proxy the URL still holds the name, and this option would also be held against the proxy's certificate.
  const isSecure = hop.url.protocol === "https:" || route.proxy?.startsWith("https:") === true
  const isPinned = route.proxy === undefined && isIP(host) === 0 && !host.startsWith("[")
  try {
    return await gate.session.fetch(route.url, {
      method: hop.method,
      headers,
      body: hop.body,
      redirect: "manual",
      decompress: request.decompress !== false,
      // `false` keeps Bun from reading the proxy variables of the environment.
      proxy: route.proxy === undefined ? false : { url: route.proxy, respectNoProxy: false },
      tls: isSecure
        ? { rejectUnauthorized: true, serverName: isPinned ? host : undefined, cert: hop.tls?.cert, key: hop.tls?.key }
        : undefined,
      // Our own timers are in charge; Bun's, of five minutes of silence, ends a response that somebody forgot to read.
      timeout: Math.max(request.timeoutMs ?? 0, request.idleTimeoutMs ?? 0) < 300_000,
      signal,
    })
  } catch (error) {
    // Translates the runtime's codes and texts.
    throw networkFailure(error, host)
  }
}

function pin(url: URL, address: string): URL {
  if (url.hostname === address) return url
  const pinned = new URL(url)
  pinned.hostname = isIP(address) === 6 ? `[${address}]` : address
  // A URL ignores a host that it cannot parse; the name left in place would be resolved a second time, unchecked.
  if (isIP(pinned.hostname.replace(/^\[(.*)\]$/, "$1")) !== 0) return pinned
  throw new EgressError(
    "url_not_allowed",
    `Requests to ${url.hostname} are not allowed (invalid address).`,
    url.hostname,
  )
}

/** The address in use first, then IPv4 (it works on more machines), then the resolver's order. */
function orderAddresses(addresses: string[], last: string | undefined): string[] {
  if (addresses.length === 1) return addresses
  const rank = (address: string) => (address === last ? 0 : isIP(address) === 4 ? 1 : 2)
  return [...new Set(addresses)].toSorted((a, b) => rank(a) - rank(b))
}
