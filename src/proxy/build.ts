import { randomUUID } from "node:crypto"
import type { Provider } from "../providers/model.ts"
import { connectionScope, renderTemplate, renderTree, type TemplateScope } from "../providers/template.ts"
import { buildBody, type BodyResult } from "./body.ts"
import { clientCertificate } from "./certificate.ts"
import { buildHeaders, callerHeaders, type HeaderMap, holdsSecret, ownKey, providerHeader } from "./headers.ts"
import type { BuildInput, BuiltRequest, RequestBody } from "./model.ts"
import { sortedQuery } from "../kit/percent.ts"
import { rememberOf } from "../kit/remember.ts"
import { collectSecrets } from "./redact.ts"
import { signAws } from "./sign-aws.ts"
import { buildUrl, setQuery, type QueryEntry } from "./url.ts"

/**
 * The request that a call becomes with these credentials. Pure: the same input with `now` and `random` gives the same
 * request. Throws the faults of the room (`missing_api_url`, `unsupported_provider`, `invalid_endpoint`, …).
 */
export function buildRequest(input: BuildInput): BuiltRequest {
  const { call, provider, credentials, integration } = input
  const now = input.now ?? new Date()
  const random = input.random ?? randomUUID()
  const method = call.method.toUpperCase()
  const scope = scopeOf(input, now, random)
  const url = buildUrl(input, scope)
  const named = { endpoint: call.endpoint, method, host: url.host, path: url.pathname }
  const ownScope = withShared(input, { ...scope, ...clientNames(input), ...named })
  const query = providerQuery(input, ownScope)
  setQuery(url, query.entries)
  // AWS signs the encoded query; in any other spelling the service may see something else than was signed.
  if (credentials.type === "AWS_SIGV4") url.search = sortedQuery(url.search)
  const caller = callerHeaders(input)
  const built = buildOwnBody(input, { method, scope: ownScope, boundary: random, caller })
  const finalScope = { ...ownScope, ...requestNames(input, method, url, built) }
  const { headers, secrets } = buildHeaders({ input, method, url, scope: finalScope, now, random, caller })
  if (built.contentType) headers["content-type"] = built.contentType
  if (call.body.kind === "stream" && call.body.sizeBytes !== undefined && built.body !== null)
    headers["content-length"] = String(call.body.sizeBytes)
  const tls = clientCertificate(provider, credentials)
  Object.assign(headers, signAws({ credentials, method, url, headers, body: built.body, now }))
  return {
    method,
    url: url.href,
    headers,
    body: built.body,
    ...(tls && { tls }),
    decompress: call.decompress === true || provider.proxy?.decompress === true,
    forwardHeadersOnRedirect: call.forwardHeadersOnRedirect ?? provider.proxy?.forward_headers_on_redirect ?? false,
    redactions: collectSecrets(credentials, integration, [...secrets, ...query.secrets]),
  }
}

function scopeOf({ connection, credentials, integration }: BuildInput, now: Date, random: string): TemplateScope {
  const { connectionConfig, metadata, connectionId } = connection
  return {
    ...connectionScope({ connectionConfig, credentials: { ...credentials } }),
    connection_config: connectionConfig,
    metadata,
    connection_id: connectionId,
    provider_config_key: integration.uniqueKey,
    now,
    random,
  }
}

/** Fields that the owner fills in once for all connections stand among the credentials, for the provider's own templates. */
function withShared({ provider, integration, credentials }: BuildInput, scope: TemplateScope): TemplateScope {
  if (credentials.type !== "TWO_STEP") return scope
  const fields = Object.keys(provider.integration_config ?? {})
  const shared = fields.map((name) => [name, integration.custom[name]]).filter(([, value]) => value)
  return { ...scope, credentials: { ...(scope.credentials as object), ...Object.fromEntries(shared) } }
}

/** The OAuth client, for the provider's own templates only: in an endpoint, a function could send it anywhere. */
function clientNames({ integration, credentials }: BuildInput): Record<string, string> {
  const override = credentials.type === "OAUTH2" ? credentials.config_override : undefined
  const clientId = override?.client_id || integration.clientId
  const clientSecret = override?.client_secret || integration.clientSecret
  return { ...(clientId && { clientId }), ...(clientSecret && { clientSecret }) }
}

type BodyParts = { method: string; scope: TemplateScope; boundary: string; caller: HeaderMap }

function buildOwnBody(input: BuildInput, { method, scope, boundary, caller }: BodyParts): BodyResult {
  const { provider, call } = input
  const merge = provider.proxy?.body && (renderTree(provider.proxy.body, scope) as Record<string, unknown>)
  const contentType = caller["content-type"] || providerHeader(input, scope, "content-type")
  return buildBody({ method, body: call.body, contentType, merge, boundary })
}

function providerQuery(input: BuildInput, scope: TemplateScope): { entries: QueryEntry[]; secrets: string[] } {
  const templates = { ...input.provider.proxy?.query, ...ownKey(input, "query") }
  const entries: QueryEntry[] = []
  const secrets: string[] = []
  for (const [name, value] of Object.entries(templates)) {
    const { text, complete } = renderTemplate(String(value), scope)
    if (!complete) continue
    entries.push([name, text])
    if (holdsSecret(String(value))) secrets.push(text)
  }
  return { entries, secrets }
}

/** The names of the finished request that signing templates use. */
function requestNames(input: BuildInput, method: string, url: URL, { body, contentType }: BodyResult) {
  const query = sortedQuery(url.search)
  const text = signsBody(input.provider) ? textOfBody(body) : ""
  const asForm = contentType?.startsWith("application/x-www-form-urlencoded") ? sortedQuery(text) : text
  return {
    path: url.pathname,
    params: method === "POST" || method === "PUT" || method === "PATCH" ? asForm : query,
    urlCanonicalParams: query,
    bodyCanonicalParams: text,
    ...(contentType === undefined ? {} : { contentType }),
  }
}

/** Whether the body has a part in a header of the request. Turning it into text costs; nearly no provider needs it. */
export const signsBody = rememberOf((provider: Provider): boolean => {
  const templates = Object.values(provider.proxy?.headers ?? {})
  return templates.some((template) => /\$\{(params|bodyCanonicalParams|awsSigV4)\b/.test(String(template)))
})

/** The body as text; a stream has none, because it can be read once. */
function textOfBody(body: RequestBody): string {
  if (typeof body === "string") return body
  return body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8") : ""
}
