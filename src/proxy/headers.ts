import type { Credentials, TbaCredentials } from "../auth/credentials.ts"
import { placeholdersIn, renderTemplate, type TemplateScope } from "../providers/template.ts"
import type { Provider } from "../providers/model.ts"
import { faults, type BuildInput, type ProxyIntegration } from "./model.ts"
import { signOAuth1 } from "../kit/oauth1.ts"
import { rememberOf } from "../kit/remember.ts"

export type HeaderMap = Record<string, string>
export type HeaderInput = {
  input: BuildInput
  method: string
  url: URL
  scope: TemplateScope
  now: Date
  random: string
  /** The caller's headers, as `callerHeaders` gives them. */
  caller: HeaderMap
}

/** What the transport owns, and what would let a caller talk to another host behind the same address. */
const transportHeaders = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "proxy-authorization",
  "proxy-connection",
])

/**
 * All headers but the content type of the body. Later wins: defaults, authorization by kind of credentials, the
 * provider's, the caller's; only a provider's `user-agent` stays. `secrets` are the values that templates filled in.
 */
export function buildHeaders(request: HeaderInput): {
  headers: HeaderMap
  secrets: string[]
} {
  const { input } = request
  const own = providerHeaders(input, request.scope)
  const authorization = authorize(request)
  const headers: HeaderMap = {
    accept: "application/json, text/plain, */*",
    "user-agent": "sluice",
    ...(authorization === undefined ? {} : { authorization }),
    ...own.headers,
  }
  for (const [name, value] of Object.entries(request.caller)) {
    if (name === "user-agent" && own.headers["user-agent"] !== undefined) continue
    if (value === "" && headers[name] !== undefined) delete headers[name]
    else headers[name] = value
  }
  return { headers: checkHeaders(headers), secrets: own.secrets }
}

/** The caller's headers under lower-case names. */
export function callerHeaders(input: BuildInput): HeaderMap {
  return lowerNames(input.call.headers)
}

type HeaderTemplate = { name: string; template: string; isSecret: boolean }

const templatesIn = (headers: Record<string, string | number | boolean>): HeaderTemplate[] =>
  Object.entries(lowerNames(headers)).map(([name, template]) => ({ name, template, isSecret: holdsSecret(template) }))

const entryTemplates = rememberOf((provider: Provider) => templatesIn(provider.proxy?.headers ?? {}))

/** Those of the provider's entry and of an integration that names its own key header, which comes first. */
function headerTemplates(input: BuildInput): readonly HeaderTemplate[] {
  const entry = entryTemplates(input.provider)
  const own = templatesIn(ownKey(input, "header"))
  return own.length === 0 ? entry : [...entry.filter(({ name }) => own.every((key) => key.name !== name)), ...own]
}

/** A header that cannot be filled in completely is left out. */
function providerHeaders(input: BuildInput, scope: TemplateScope): { headers: HeaderMap; secrets: string[] } {
  const headers: HeaderMap = {}
  const secrets: string[] = []
  for (const { name, template, isSecret } of headerTemplates(input)) {
    const { text, complete } = renderTemplate(template, scope)
    if (!complete) continue
    headers[name] = text.trim()
    if (isSecret) secrets.push(text.trim())
  }
  return { headers, secrets }
}

/** One header of the provider's; undefined when it has none of this name, or one that cannot be filled in. */
export function providerHeader(input: BuildInput, scope: TemplateScope, wanted: string): string | undefined {
  const found = headerTemplates(input).find(({ name }) => name === wanted)
  const rendered = found && renderTemplate(found.template, scope)
  return rendered?.complete ? rendered.text.trim() : undefined
}

/** The key of an integration whose settings say how it is sent (`keyPlacement`, `keyName`, `valueTemplate`). */
export function ownKey({ provider, integration }: BuildInput, placement: "header" | "query"): HeaderMap {
  const { keyPlacement, keyName, valueTemplate } = integration.custom
  if (!provider.integration_config || !keyName || keyPlacement !== placement) return {}
  return { [keyName]: valueTemplate || "${apiKey}" }
}

/** Whether a template fills in anything but the connection's own configuration and facts of the request. */
export function holdsSecret(template: string): boolean {
  const plain = /^(connectionConfig\.|(endpoint|method|host|path|params|urlCanonicalParams|contentType)$)/
  return placeholdersIn(template).some((name) => !plain.test(name))
}

function authorize(request: HeaderInput): string | undefined {
  const { credentials } = request.input
  switch (credentials.type) {
    case "OAUTH2":
    case "APP":
      return bearer(credentials.access_token)
    case "OAUTH2_CC":
    case "JWT":
    case "SIGNATURE":
      return bearer(credentials.token)
    case "TWO_STEP":
      return sendsTokenItself(request.input) ? undefined : bearer(credentials.token)
    case "BASIC":
    case "INSTALL_PLUGIN":
      return basic(credentials)
    case "OAUTH1":
      return signOAuth1({
        ...signatureParts(request),
        ...consumerOf(request.input.integration),
        token: credentials.oauth_token,
        tokenSecret: credentials.oauth_token_secret,
        signatureMethod: request.input.provider.signature_method === "HMAC-SHA256" ? "HMAC-SHA256" : "HMAC-SHA1",
      })
    case "TBA":
      return signTba(request, credentials)
    case "API_KEY":
    case "CUSTOM":
    case "BILL":
    case "AWS_SIGV4":
    case undefined:
      return undefined
    default:
      throw faults.unsupported_auth()
  }
}

/** NetSuite's token-based authentication: OAuth 1.0a with SHA-256 and the account as realm (`123-sb1` → `123_SB1`). */
function signTba(request: HeaderInput, credentials: TbaCredentials): string {
  const { connectionConfig } = request.input.connection
  const override = credentials.config_override ?? {}
  const consumer = consumerOf(request.input.integration)
  const account = textOf(connectionConfig["accountId"])
  return signOAuth1({
    ...signatureParts(request),
    consumerKey: override.client_id || textOf(connectionConfig["oauth_client_id"]) || consumer.consumerKey,
    consumerSecret:
      override.client_secret || textOf(connectionConfig["oauth_client_secret"]) || consumer.consumerSecret,
    token: credentials.token_id,
    tokenSecret: credentials.token_secret,
    signatureMethod: "HMAC-SHA256",
    ...(account === "" ? {} : { realm: account.replace("-", "_").toUpperCase() }),
  })
}

function signatureParts({ method, url, now, random }: HeaderInput) {
  return {
    method,
    url,
    nonce: random.replace(/[^A-Za-z0-9]/g, ""),
    timestamp: Math.floor(now.getTime() / 1000),
  }
}

function consumerOf(integration: ProxyIntegration) {
  return {
    consumerKey: integration.clientId ?? "",
    consumerSecret: integration.clientSecret ?? "",
  }
}

function sendsTokenItself({ provider }: BuildInput): boolean {
  return entryTemplates(provider).some(
    ({ name, template }) =>
      template.includes("${accessToken}") || (name === "cookie" && template.includes("${credentials._cookies}")),
  )
}

function bearer(token: unknown): string | undefined {
  return typeof token === "string" && token !== "" ? `Bearer ${token}` : undefined
}

function basic(credentials: Extract<Credentials, { type: "BASIC" }> | Record<string, unknown>): string {
  return `Basic ${Buffer.from(`${textOf(credentials.username)}:${textOf(credentials.password)}`).toString("base64")}`
}

function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : ""
}

function lowerNames(headers: Record<string, string | number | boolean>): HeaderMap {
  const lower: HeaderMap = {}
  for (const name of Object.keys(headers)) lower[name.toLowerCase()] = String(headers[name])
  return lower
}

/** Drops what the transport owns; throws `invalid_headers`, naming the header and never its value. */
function checkHeaders(headers: HeaderMap): HeaderMap {
  const kept: HeaderMap = {}
  for (const [name, value] of Object.entries(headers)) {
    if (transportHeaders.has(name)) continue
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,256}$/.test(name))
      throw faults.invalid_headers({ message: "A header name is not valid" })
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      throw faults.invalid_headers({
        message: `The value of the header ${name} has characters that a header cannot carry`,
      })
    }
    kept[name] = value
  }
  return kept
}
