import { lookup as dnsLookup } from "node:dns/promises"
import { isIP } from "node:net"
import { networkInterfaces } from "node:os"
import type { AllowList } from "./address.ts"
import { canonicalAddress, classifyAddress, isAddressAllowed, isAddressNamed, isNameAllowed } from "./address.ts"
import { EgressError, lookupFailure } from "./egress-error.ts"
import type { ProxySettings } from "./egress-proxy.ts"
import { proxyFor } from "./egress-proxy.ts"

/**
 * Where a request may go: over checked addresses (tried in order), or through the proxy, which resolves the name
 * itself.
 */
export type Target = { kind: "direct"; addresses: string[] } | { kind: "proxy"; proxy: string }

export type Guard = {
  /**
   * Checks one hop; at once, where no resolver has to be asked. Throws, or rejects with, `url_not_allowed`, or
   * `ENOTFOUND` / `EAI_AGAIN` when the name has no answer.
   */
  check(url: URL, allow: readonly AllowList[]): Target | Promise<Target>
  /** Why nothing is sent to a URL, as far as that can be said without asking a resolver. */
  refusal(url: URL): string | undefined
  forget(): void
}

type Own = { address: string; port: number }
export type GuardOptions = {
  allow: AllowList
  own: () => Own[]
  lookup?: ((host: string) => Promise<string[]>) | undefined
  proxies: ProxySettings
}

/** Names that mean this machine or a cloud's metadata service, whatever a resolver (ours or a proxy's) says. */
const DENIED_NAMES = new Set([
  "metadata",
  "metadata.google.internal",
  "metadata.goog",
  "instance-data",
  "instance-data.ec2.internal",
])
const LOOPBACK_NAMES = new Set(["localhost", "localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback"])
const LOOPBACK = ["127.0.0.1", "::1"]

export function createGuard(options: GuardOptions): Guard {
  const resolver = createResolver(options.lookup ?? lookupAll)
  return {
    forget: resolver.clear,
    check: (url, extra) => {
      const { rules, target } = decide(options, url, extra)
      if (target) return target
      const answer = resolver.resolve(rules.host)
      return answer instanceof Promise
        ? answer.then((addresses) => checkAll(rules, addresses))
        : checkAll(rules, answer)
    },
    refusal: (url) => {
      try {
        decide(options, url, [])
        return undefined
      } catch (error) {
        if (error instanceof EgressError) return error.message
        throw error
      }
    },
  }
}

/** What the URL itself says: a refusal is thrown; without a target, its name has to be resolved. */
function decide(options: GuardOptions, url: URL, extra: readonly AllowList[]): { rules: Rules; target?: Target } {
  const lists = [options.allow, ...extra]
  const host = checkUrl(url)
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80))
  const named = lists.some((list) => isNameAllowed(list, host))
  const rules: Rules = { lists, host, port, own: options.own, named }
  const literal = isIP(host) !== 0
  if (literal) checkAddress(rules, host)
  if (DENIED_NAMES.has(host) && !named) throw denied(host, "metadata service")
  const proxy = proxyFor(options.proxies, url, host)
  if (proxy !== undefined) {
    if (isLoopbackName(host)) openLoopback(rules)
    return { rules, target: { kind: "proxy", proxy } }
  }
  if (literal) return { rules, target: { kind: "direct", addresses: [host] } }
  if (isLoopbackName(host)) return { rules, target: { kind: "direct", addresses: openLoopback(rules) } }
  return { rules }
}

/**
 * The host of a URL in the one spelling that is checked, resolved and verified: no brackets. Throws `url_not_allowed`.
 */
function checkUrl(url: URL): string {
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new EgressError(
      "url_not_allowed",
      `Only http and https URLs may be requested, not ${url.protocol.slice(0, 20)}`,
    )
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1")
  if (url.username !== "" || url.password !== "") {
    const message = `The URL of ${host} carries a user name or password. Send them in an Authorization header.`
    throw new EgressError("url_not_allowed", message, host)
  }
  if (host === "" || (isIP(host) === 0 && host.split(".").includes(""))) throw denied(host, "invalid host name")
  return host
}

type Rules = {
  lists: AllowList[]
  host: string
  port: number
  own: () => Own[]
  named: boolean
}

function checkAddress(rules: Rules, address: string): void {
  const reason = refusalOf(rules, address)
  if (reason !== undefined) throw denied(rules.host, reason)
}

function checkAll(rules: Rules, addresses: string[]): Target {
  for (const address of addresses) checkAddress(rules, address)
  return { kind: "direct", addresses }
}

function refusalOf({ lists, port, own, named }: Rules, address: string): string | undefined {
  if (isIP(address) === 0 || address.includes("%")) return "invalid address"
  if (named || lists.some((list) => isAddressNamed(list, address))) return undefined
  if (isOwn(own(), address, port)) return "own address"
  const reason = classifyAddress(address)
  if (reason === "public" || lists.some((list) => isAddressAllowed(list, address))) return undefined
  return reason
}

/** `localhost` is never asked of a resolver (RFC 6761 §6.3); of its two addresses the allowed ones are used. */
function openLoopback(rules: Rules): string[] {
  const open = LOOPBACK.filter((address) => refusalOf(rules, address) === undefined)
  if (open.length === 0) throw denied(rules.host, refusalOf(rules, "127.0.0.1") ?? "loopback")
  return open
}

function isLoopbackName(host: string): boolean {
  return LOOPBACK_NAMES.has(host) || host.endsWith(".localhost")
}

function isOwn(own: Own[], address: string, port: number): boolean {
  const listening = own.filter((listen) => listen.port === port)
  if (listening.length === 0) return false
  const wanted = canonicalAddress(address)
  return listening.some((listen) => addressesOf(listen.address).includes(wanted))
}

/** A listener on "every address" is reachable by each address of the machine. */
function addressesOf(listen: string): string[] {
  const address = canonicalAddress(listen)
  if (LOOPBACK_NAMES.has(address)) return LOOPBACK
  if (address !== "0.0.0.0" && address !== "::" && address !== "") return [address]
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return [...LOOPBACK, "0.0.0.0", "::", ...interfaces.map((item) => canonicalAddress(item.address))]
}

function denied(host: string, reason: string): EgressError {
  return new EgressError("url_not_allowed", `Requests to ${host} are not allowed (${reason}).`, host)
}

const CACHE_MS = 5_000
const CACHE_SIZE = 1_000

/** Answers are kept for five seconds, and concurrent questions for one name are one question. Failures are not kept. */
function createResolver(lookup: (host: string) => Promise<string[]>) {
  const known = new Map<string, { until: number; answer: string[] | Promise<string[]> }>()
  const ask = async (host: string) => {
    try {
      const addresses = await lookup(host)
      if (addresses.length > 0) return addresses
    } catch (error) {
      // Translates the resolver's codes.
      throw lookupFailure(error, host)
    }
    throw new EgressError("ENOTFOUND", `The host name ${host} has no address.`, host)
  }
  const resolve = (host: string): string[] | Promise<string[]> => {
    const hit = known.get(host)
    if (hit && hit.until > performance.now()) return hit.answer
    if (known.size >= CACHE_SIZE) known.clear()
    const asked = ask(host)
    const entry: { until: number; answer: string[] | Promise<string[]> } = {
      until: performance.now() + CACHE_MS,
      answer: asked,
    }
    known.set(host, entry)
    const keep = (addresses: string[]) => void (entry.answer = addresses)
    const forget = () => known.get(host) === entry && known.delete(host)
    asked.then(keep, forget)
    return asked
  }
  return { resolve, clear: () => known.clear() }
}

async function lookupAll(host: string): Promise<string[]> {
  const answers = await dnsLookup(host, { all: true, verbatim: true })
  return answers.map((answer) => answer.address)
}
