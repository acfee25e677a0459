import { isIP } from "node:net"
import type { AllowList } from "./address.ts"
import { isAddressAllowed, isNameAllowed, parseAllowList } from "./address.ts"
import { EgressError } from "./egress-error.ts"

export type ProxySettings = {
  http?: string | undefined
  https?: string | undefined
  none: readonly { allow: AllowList; port: string | undefined }[]
  never: boolean
}

/**
 * Reads proxy settings as `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` hold them. `no` is a list with commas of host
 * names (each also covers the names below it), addresses, CIDR ranges, each with an optional `:port`; `*` means no
 * proxy at all. Throws `invalid_proxy` for a proxy that is no http(s) URL, without quoting it, because it may hold a
 * password.
 */
export function readProxies(options: { http?: string; https?: string; no?: string }): ProxySettings {
  const items = (options.no ?? "").split(/[\s,]+/).filter((item) => item !== "")
  return {
    http: readProxy("HTTP_PROXY", options.http),
    https: readProxy("HTTPS_PROXY", options.https),
    never: items.includes("*"),
    none: items.filter((item) => item !== "*").map(readExemption),
  }
}

/** The proxy for a URL, or nothing when the request goes out directly. `host` is the URL's host without brackets. */
export function proxyFor(proxies: ProxySettings, url: URL, host: string): string | undefined {
  const proxy = url.protocol === "https:" ? proxies.https : proxies.http
  if (proxy === undefined || proxies.never) return undefined
  const port = url.port || (url.protocol === "https:" ? "443" : "80")
  const exempt = proxies.none.some(
    (entry) =>
      (entry.port === undefined || entry.port === port) &&
      (isIP(host) === 0 ? isNameAllowed(entry.allow, host) : isAddressAllowed(entry.allow, host)),
  )
  return exempt ? undefined : proxy
}

function readProxy(setting: string, value: string | undefined): string | undefined {
  if (value === undefined || value.trim() === "") return undefined
  const text = value.trim()
  const url = URL.parse(text.includes("://") ? text : `http://${text}`)
  if (url && (url.protocol === "http:" || url.protocol === "https:") && url.hostname !== "") return url.href
  throw new EgressError("invalid_proxy", `${setting} is not an http or https URL.`)
}

function readExemption(item: string): ProxySettings["none"][number] {
  const [, host = item, port] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(item) ?? []
  const name = host.replace(/^\*?\./, "")
  const isName = /[a-z]/i.test(name) && !name.includes(":")
  return { allow: parseAllowList(isName ? [name, `*.${name}`] : [name]), port }
}
