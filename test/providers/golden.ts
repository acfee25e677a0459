import { startAuthorization } from "../../src/auth/obtain.ts"
import { connectAuthorized, connectTyped } from "../../src/connections/connect.ts"
import { modes } from "../../src/auth/modes.ts"
import { findIntegration } from "../../src/integrations/integrations.ts"
import type { IntegrationRow } from "../../src/integrations/model.ts"
import type { OutboundRequest } from "../../src/kit/fetch.ts"
import { verificationOf } from "../../src/providers/exchange.ts"
import { lookupsOf } from "../../src/providers/lookup.ts"
import type { AuthMode, Provider } from "../../src/providers/model.ts"
import type { TestApp } from "../helpers/app.ts"
import { rsaKey, toldOf, valuesOf } from "./samples.ts"

/** One request as an expectation shows it: in a stable order, without what is new at each run. */
export type Shown = {
  method: string
  url: string
  query?: object
  headers?: object
  body?: unknown
  certificate?: true
}
export type Golden = {
  /** Where a browser is sent to. */
  authorize?: { url: string; query: object }
  /** Every request on the way to a connection: tokens, verification, look-ups. */
  connect?: Shown[]
  refresh?: Shown[]
  /** A GET of `/golden?x=1` through the proxy; a POST where the entry adds to bodies. */
  request: Shown[]
  /** What the connection knows in the end beside what was typed. */
  found?: object
}

type Json = Record<string, unknown>

/** Takes the place of the network: notes each request and answers with all that the provider's entry looks for. */
export function recordRequests(t: TestApp) {
  const sent: Shown[] = []
  let answer: Json = {}
  t.app.egress.send = async (request) => {
    sent.push(await show(request))
    return Response.json(answer, { headers: { "set-cookie": "session=fake-cookie" } })
  }
  return {
    answerWith: (body: Json) => void (answer = body),
    take: () => sent.splice(0),
  }
}

/** The answer that a provider of this entry gives to any request. */
export function answerOf(name: string, provider: Provider): Json {
  const standard = {
    // A second token is asked for with what the first one claims.
    access_token: provider.extra_token ? jwtOf({ tid: "acme", sub: "fake-access-token" }) : "fake-access-token",
    refresh_token: "fake-refresh-token",
    token_type: "bearer",
    expires_in: 3600,
    token: "fake-token",
    active: true,
    exp: 1_900_000_000,
  }
  const oauth1 = {
    oauth_token: "fake-oauth-token",
    oauth_token_secret: "fake-oauth-secret",
    oauth_callback_confirmed: true,
  }
  const body: Json = { ...standard, ...(provider.auth_mode === "OAUTH1" && oauth1) }
  const { token_response: response, alternate_access_token_response_path: alternate } = provider
  if (alternate) setAt(body, alternate, { ...standard })
  if (response?.token) setAt(body, response.token, "fake-token")
  if (response?.refresh_token) setAt(body, response.refresh_token, "fake-refresh-token")
  if (response?.token_expiration) {
    const isSpan = response.token_expiration_strategy === "expireIn"
    setAt(body, response.token_expiration, isSpan ? 3600 : "2030-01-01T00:00:00Z")
  }
  for (const knobs of [provider.token_exchange, provider.token_exchange?.then, provider.refresh_exchange]) {
    const at = knobs?.response_path
    if (at) setAt(body, at, { ...standard })
    for (const [standardName, place] of Object.entries(knobs?.response ?? {})) {
      setAt(body, [at, place].filter(Boolean).join("."), standard[standardName as keyof typeof standard] ?? "fake")
    }
  }
  if (provider.installation_proof) {
    setAt(body, provider.installation_proof.list, [{ [provider.installation_proof.id]: 77 }])
  }
  for (const key of provider.token_response_metadata ?? []) setAt(body, key, toldOf(name, provider, key))
  for (const { path, missing, matches } of verificationOf(provider)?.fail_if ?? []) {
    // "anything but …" is bad, so that is what must stand there.
    const wanted = missing ? "here" : /^\^\(\?!(.*)\$\)$/.exec(matches ?? "")?.[1]
    if (path && wanted !== undefined) setAt(body, path, wanted)
  }
  return body
}

const jwtOf = (claims: Json) =>
  [{ alg: "none" }, claims, {}].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".")

function setAt(body: Json, path: string, value: unknown): void {
  const parts = path.split(".")
  const last = parts.pop() as string
  let holder = body
  for (const part of parts) {
    const child: Json = { ...(holder[part] as Json | undefined) }
    holder[part] = child
    holder = child
  }
  holder[last] = value
}

const callbackUrl = "http://localhost:3003/oauth/callback"
const client = { client_id: "fake-client-id", client_secret: "fake-client-secret" }
const app = { app_id: "12345", app_link: "https://apps.example.com/fake-app", private_key: rsaKey }
const scopes = "scope.one,scope.two"

/** What the owner of an integration types in, by mode. */
const ownerOf = (mode: AuthMode): Json | undefined => {
  if (["OAUTH1", "OAUTH2", "TBA", "MCP_OAUTH2"].includes(mode)) return { type: mode, ...client, scopes }
  if (mode === "APP") return { type: mode, ...app }
  return mode === "CUSTOM" ? { type: mode, ...client, ...app } : undefined
}

/** What a person types, by mode; fields of the entry go over it. */
const typedOf = (mode: AuthMode, declared: boolean): Json => {
  if (mode === "API_KEY") return { apiKey: "fake-api-key" }
  if (mode === "BASIC") return declared ? {} : { username: "fake-user", password: "fake-password" }
  if (mode === "OAUTH2_CC") return client
  return mode === "TBA" ? { token_id: "fake-token-id", token_secret: "fake-token-secret" } : {}
}

/** Lives through one connection of a provider, from connecting to a request, and tells what was sent. */
export async function live(
  t: TestApp,
  recorder: ReturnType<typeof recordRequests>,
  name: string,
  bare: boolean,
): Promise<Golden> {
  const provider = t.app.catalogue.get(name)
  recorder.answerWith(answerOf(name, provider))
  const key = bare ? `${name}-bare` : name
  const integration = await integrate(t, provider, name, key)
  const config = { ...foundOf(name, provider, bare), ...valuesOf(provider, "connection_config", bare) }
  const authorize = await connect(t, integration, { name, provider, config, bare })
  const connected = recorder.take()
  const headers = { "connection-id": "golden", "provider-config-key": key }
  const at = `/connections/golden?provider_config_key=${key}`
  const { connection_config: kept } = (await read(t, "GET", at)) as { connection_config: Json }
  recorder.take()
  const canRenew = modes[provider.auth_mode].renew && !modes[provider.auth_mode].local
  if (canRenew) await read(t, "GET", `${at}&force_refresh=true`)
  const refresh = recorder.take()
  const base = provider.proxy?.base_url ? {} : { "base-url-override": "https://api.example.com" }
  await read(t, "GET", "/proxy/golden?x=1", { headers: { ...headers, ...base } })
  if (provider.proxy?.body) await read(t, "POST", "/proxy/golden", { headers: { ...headers, ...base }, body: { y: 1 } })
  const told = Object.fromEntries(Object.entries(kept).filter(([member]) => !(member in config)))
  return {
    ...(authorize && { authorize }),
    ...(connected.length > 0 && { connect: connected }),
    ...(refresh.length > 0 && { refresh }),
    request: recorder.take(),
    ...(Object.keys(told).length > 0 && { found: JSON.parse(steady(JSON.stringify(told))) as object }),
  }
}

async function read(t: TestApp, method: string, path: string, options = {}): Promise<unknown> {
  const answer = await t.request(method, path, options)
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
  return answer.body
}

async function integrate(t: TestApp, provider: Provider, name: string, key: string): Promise<IntegrationRow> {
  const owner = ownerOf(provider.auth_mode)
  const fields = valuesOf(provider, "integration_config", false)
  const body = {
    provider: name,
    unique_key: key,
    ...(owner && { credentials: owner }),
    ...(Object.keys(fields).length > 0 && { integration_config: fields }),
  }
  await read(t, "POST", "/integrations", { body })
  return (await findIntegration(t.ctx, key)) as IntegrationRow
}

/** Members that the server finds out after connecting, and that requests need. */
function foundOf(name: string, provider: Provider, bare: boolean): Json {
  const told = [...(provider.token_response_metadata ?? []), ...(provider.redirect_uri_metadata ?? [])]
  const automated = Object.entries(provider.connection_config ?? {})
    .filter(([member, field]) => field.automated && !told.includes(member) && !(bare && field.optional))
    .map(([member]) => member)
  // Without these there would be no address to ask.
  const base = provider.proxy?.base_url ?? ""
  const lookedUp = lookupsOf(provider)
    .flatMap(({ save = {} }) => Object.keys(save))
    .filter((member) => base.includes(`\${connectionConfig.${member}}`) && !base.includes("||"))
  return Object.fromEntries([...automated, ...lookedUp].map((member) => [member, toldOf(name, provider, member)]))
}

type Case = { name: string; provider: Provider; config: Json; bare: boolean }

async function connect(t: TestApp, integration: IntegrationRow, { name, provider, config, bare }: Case) {
  const saving = {
    connectionId: "golden",
    connectionConfig: config,
    metadata: {},
    endUser: null,
    tags: {},
    webhookUrlOverride: null,
  }
  if (!modes[provider.auth_mode].browser) {
    const once = valuesOf(provider, "assertion_option", bare)
    const typed = {
      ...typedOf(provider.auth_mode, provider.credentials !== undefined),
      ...valuesOf(provider, "credentials", bare),
      ...(Object.keys(once).length > 0 && { assertionOption: once }),
    }
    await connectTyped(t.ctx, integration, { ...saving, typed })
    return undefined
  }
  const state = "fake-state"
  const started = await startAuthorization(t.ctx, integration, { state, callbackUrl, connectionConfig: config })
  const query: Record<string, string> = {
    state,
    [provider.authorization_code_param_in_callback ?? "code"]: "fake-code",
    oauth_token: "fake-oauth-token",
    oauth_verifier: "fake-verifier",
    installation_id: "77",
    setup_action: "install",
  }
  for (const member of provider.redirect_uri_metadata ?? []) query[member] = toldOf(name, provider, member)
  await connectAuthorized(t.ctx, integration, { ...saving, query, remembered: started.remembered })
  return splitUrl(steady(started.url))
}

const sorted = (entries: Iterable<readonly [string, unknown]>): object =>
  Object.fromEntries([...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)))

function splitUrl(text: string): { url: string; query: object } {
  const at = text.indexOf("?")
  if (at === -1) return { url: text, query: {} }
  return { url: text.slice(0, at), query: sorted(new URLSearchParams(text.slice(at + 1))) }
}

async function show({ method = "GET", url, headers, body, tls }: OutboundRequest & { tls?: unknown }): Promise<Shown> {
  const target = splitUrl(steady(String(url)))
  const usual = /^(accept-encoding|content-length): |^user-agent: sluice$/
  const list = [...new Headers(headers)].filter(([header, value]) => !usual.test(`${header}: ${value}`))
  const text = body === undefined || body === null ? "" : await new Response(body as string).text()
  const type = new Headers(headers).get("content-type") ?? ""
  return {
    method,
    url: target.url,
    ...(Object.keys(target.query).length > 0 && { query: target.query }),
    ...(list.length > 0 && { headers: sorted(list.map(([header, value]) => [header, steady(value)])) }),
    ...(text !== "" && { body: steadyTree(readBody(text, type)) }),
    ...(tls ? { certificate: true as const } : {}),
  }
}

function readBody(text: string, type: string): unknown {
  if (type.includes("json")) return JSON.parse(text) as unknown
  return type.includes("x-www-form-urlencoded") ? sorted(new URLSearchParams(text)) : text
}

const steadyTree = (body: unknown): unknown =>
  JSON.parse(JSON.stringify(body), (_, value: unknown) =>
    typeof value === "string" ? steady(value) : value,
  ) as unknown

/** A SAML assertion as XML, without what its key makes of it. */
const readAssertion = (base64: string): string =>
  Buffer.from(base64, "base64")
    .toString()
    .replace(/<ds:(Digest|Signature)Value>[^<]*/g, "<ds:$1Value>")

/** What is new at each run has a name in its place; of a signed token its claims are shown. */
function steady(text: string): string {
  return text
    .replace(/PHNhbW[A-Za-z0-9+/]{200,}=*/g, (assertion) => steady(readAssertion(assertion)))
    .replace(/eyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]*/g, (_, payload: string) => {
      const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Json
      return `<jwt ${JSON.stringify(claims).replaceAll('"', "'")}>`
    })
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<uuid>")
    .replace(/SHA256:[A-Za-z0-9+/]{43}=/g, "<fingerprint>")
    .replace(/(code_challenge=)[\w-]+/g, "$1challenge")
    .replace(/\b[0-9a-f]{48}\b/g, "<verifier>")
    .replace(/(oauth_(?:nonce|signature)=)(?:"[^"]*"|[^&",]*)/g, '$1"<new>"')
}

/** The variants of a provider: with all that can be typed, and with as little as possible where that is less. */
export function variantsOf(provider: Provider): ("full" | "bare")[] {
  const sections = ["credentials", "connection_config", "assertion_option"] as const
  const isLess = sections.some(
    (section) =>
      Object.keys(valuesOf(provider, section, true)).length < Object.keys(valuesOf(provider, section, false)).length,
  )
  return isLess ? ["full", "bare"] : ["full"]
}
