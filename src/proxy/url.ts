import {
  chooseBaseUrl,
  isWholeUrl,
  missingPlaceholders,
  renderTemplate,
  unsafeHostValue,
  type TemplateScope,
} from "../providers/template.ts"
import { remember } from "../kit/remember.ts"
import { faults, type BuildInput } from "./model.ts"

export type QueryEntry = readonly [name: string, value: string]

/**
 * The URL of a call, without the provider's own query. Its origin is always that of the base URL: whatever the endpoint
 * says, credentials go nowhere else.
 */
export function buildUrl(input: BuildInput, scope: TemplateScope): URL {
  const { call } = input
  if (!call.endpoint && !call.baseUrlOverride) throw faults.missing_api_url()
  const base = resolveBase(input, scope)
  const endpoint = resolveEndpoint(input, base, scope)
  const slash = endpoint.text === "" || endpoint.glued ? "" : "/"
  const url = URL.parse(`${base.text}${slash}${endpoint.text}`)
  if (!url || !isSameTarget(url, base)) throw faults.invalid_endpoint()
  url.hash = ""
  if (call.query) url.search = url.search === "" ? call.query : `${url.search}&${call.query}`
  addParams(url, call.params)
  return url
}

/** Sets query entries by name, in place where a name exists, and leaves the text of all others as it was. */
export function setQuery(url: URL, entries: readonly QueryEntry[]): void {
  if (entries.length === 0) return
  let pairs = url.search
    .slice(1)
    .split("&")
    .filter((pair) => pair !== "")
  for (const [name, value] of entries) {
    const encoded = new URLSearchParams([[name.toWellFormed(), value.toWellFormed()]]).toString()
    const first = pairs.findIndex((pair) => nameOf(pair) === name)
    if (first < 0) pairs.push(encoded)
    else
      pairs = pairs
        .map((pair, at) => (at === first ? encoded : pair))
        .filter((pair, at) => at <= first || nameOf(pair) !== name)
  }
  url.search = pairs.join("&")
}

function addParams(url: URL, params: string | Record<string, unknown> | undefined): void {
  if (params === undefined) return
  if (typeof params === "string") {
    const text = params.replace(/^\?/, "")
    if (text === "") return
    if (url.href.includes("?")) throw faults.invalid_query_params()
    url.search = text
    return
  }
  const entries = Object.entries(params).filter(([, value]) => value !== undefined)
  setQuery(
    url,
    entries.map(([name, value]) => [name, String(value)]),
  )
}

type Target = { origin: string; username: string; password: string }
type BaseUrl = Target & {
  text: string
  /** What an endpoint that repeats the base begins with, scheme and host in lower case. */
  prefixes: string[]
}
type Base = BaseUrl & { template: string }

function resolveBase(input: BuildInput, scope: TemplateScope): Base {
  const { provider, call, connection, integration } = input
  const own = provider.auth_mode === "AWS_SIGV4" ? connection.connectionConfig["base_url"] : undefined
  const template =
    call.baseUrlOverride ||
    (typeof own === "string" && own) ||
    (provider.integration_config && integration.custom["baseUrl"]) ||
    provider.proxy?.base_url
  if (!template) throw faults.unsupported_provider()
  const chosen = chooseBaseUrl(template, connection.connectionConfig)
  const unsafe = isWholeUrl(chosen) ? undefined : unsafeHostValue(chosen, scope)
  if (unsafe) {
    throw faults.invalid_base_url({
      message: `The value of ${unsafe} must be a host name, without scheme, path or user`,
    })
  }
  const { text, complete } = renderTemplate(chosen, scope)
  if (!complete) {
    const missing = missingPlaceholders(chosen, scope).join(", ")
    throw faults.invalid_base_url({
      message: `The base URL needs values that the connection does not have: ${missing}`,
    })
  }
  // What was filled in may be a secret, which is not to be remembered.
  return { ...(text === chosen ? readFixedBase(text) : readBase(text)), template: chosen }
}

function readBase(filled: string): BaseUrl {
  const text = filled.trim().replace(/\/$/, "")
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) throw faults.invalid_base_url()
  const { origin, username, password, href } = url
  return { text, origin, username, password, prefixes: [text, href.replace(/\/$/, "")].map(lowerOrigin) }
}

const readFixedBase = remember(1_000, readBase)

/** `glued` text continues the base without a slash between. */
type Endpoint = { text: string; glued: boolean }

function resolveEndpoint({ call, provider }: BuildInput, base: Base, scope: TemplateScope): Endpoint {
  let text = call.endpoint.replace(/^\/+/, "")
  const templates = call.baseUrlOverride ? [] : [provider.proxy?.base_url ?? "", base.template]
  const repeated = templates.find((template) => template.includes("${") && text.startsWith(template))
  if (repeated !== undefined) text = text.slice(repeated.length)
  const relative = renderEndpoint(text, scope).replace(/^\/+/, "")
  const rest = stripBase(relative, base)
  if (rest === undefined && /^[a-z][a-z0-9+.-]*:[\\/]{2}/i.test(relative)) throw faults.invalid_endpoint()
  if (rest === undefined) return { text: relative, glued: false }
  return { text: rest.replace(/^\/+/, ""), glued: /^[?#]/.test(rest) }
}

/** What follows the base in an endpoint that repeats it; undefined when it does not. */
function stripBase(endpoint: string, base: Base): string | undefined {
  const text = lowerOrigin(endpoint)
  const prefix = base.prefixes.find((known) => text.startsWith(known))
  if (prefix === undefined) return undefined
  const rest = text.slice(prefix.length)
  return rest === "" || /^[/?#]/.test(rest) ? rest : undefined
}

/** Scheme and host do not depend on case; the path does. */
function lowerOrigin(url: string): string {
  return url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, (origin) => origin.toLowerCase())
}

/** Placeholders that the caller left in the endpoint; `||` has no meaning in one, so its parts are rendered alone. */
function renderEndpoint(endpoint: string, scope: TemplateScope): string {
  if (!endpoint.includes("${")) return endpoint
  return endpoint
    .split("||")
    .map((part) => renderTemplate(part, scope).text)
    .join("||")
}

function isSameTarget(url: Target, base: Target): boolean {
  return url.origin === base.origin && url.username === base.username && url.password === base.password
}

function nameOf(pair: string): string | undefined {
  return new URLSearchParams(pair).keys().next().value
}
