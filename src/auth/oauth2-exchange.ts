import { createHmac } from "node:crypto"
import type { AppError, FaultDetails } from "../kit/errors.ts"
import { readClaims } from "../kit/jwt.ts"
import type { RefreshExchange, TokenExchange } from "../providers/exchange.ts"
import type { Provider } from "../providers/model.ts"
import { renderTemplate, renderTree, type TemplateScope } from "../providers/template.ts"
import { joinScopes } from "./authorize-url.ts"
import { assertionType, basicHeader, basicRaw, type Client, clientAssertion, readRsaKey } from "./client.ts"
import { authFaults } from "./faults.ts"
import type { AuthCtx, AuthTarget } from "./mode.ts"
import { findOutcome } from "./outcome.ts"
import { renderTexts, scopeOf } from "./scope.ts"
import { tokenUrl } from "./token-hosts.ts"
import type { AnswerBody } from "./token-answer.ts"
import { memberAt, textAt } from "./token-answer.ts"
import { refusal, requestToken, withQuery } from "./token-request.ts"

export type ExchangeInput = {
  client: Client
  /** Standard parameters; the provider's own have been put over them. */
  params: Record<string, unknown>
  /** Where to ask when the exchange names no URL of its own. */
  url: string
  knobs: TokenExchange | RefreshExchange | undefined
  /** `code`, `redirectUri`, `codeVerifier`, `state`, `accessToken`, `refreshToken`. */
  names: Record<string, string | undefined>
  refused: (details?: FaultDetails) => AppError
  unreadable?: (details?: FaultDetails) => AppError
}

/**
 * Asks the token endpoint as this provider wants to be asked, twice where it gives a short-lived token first. Answers the
 * last body, and the refresh token that only the first one may have held.
 */
export async function exchangeToken(
  ctx: AuthCtx,
  target: AuthTarget,
  input: ExchangeInput,
): Promise<{ body: AnswerBody; firstRefreshToken?: string }> {
  const body = await ask(ctx, target, input)
  const { then: next, response } = input.knobs ?? {}
  if (!next) return { body }
  const first = pickAnswer(body, input.knobs)
  const accessToken = textAt(first, response?.access_token ?? "access_token")
  const names = { ...input.names, accessToken }
  return {
    body: await ask(ctx, target, { ...input, knobs: next, names, params: {} }),
    firstRefreshToken: textAt(first, response?.refresh_token ?? "refresh_token"),
  }
}

const headLength = 20

/** The names that templates of a token request may use beside those of the connection. */
function exchangeNames(ctx: AuthCtx, target: AuthTarget, { client, names }: ExchangeInput): Record<string, unknown> {
  const callbackHost = URL.parse(names.redirectUri ?? ctx.callbackUrl())?.hostname
  return {
    ...names,
    clientId: client.id,
    clientSecret: client.secret,
    clientSecretHead: client.secret.slice(0, headLength),
    callbackHost,
    scopes: joinScopes(target),
    claims: readClaims(names.accessToken ?? ""),
  }
}

/** The object of an answer that holds the token. */
export const pickAnswer = (body: AnswerBody, knobs: Pick<TokenExchange, "response_path"> | undefined): unknown =>
  knobs?.response_path === undefined ? body : memberAt(body, knobs.response_path)

async function ask(ctx: AuthCtx, target: AuthTarget, input: ExchangeInput): Promise<AnswerBody> {
  const { client, knobs = {}, names } = input
  const scope = scopeOf(ctx, target, { more: exchangeNames(ctx, target, input) })
  const url = tokenUrl(ctx, target, knobs.url ?? input.url, scope)
  const proof = proveClient(ctx, target.provider, input, scope, url)
  const standard = omit({ ...input.params, ...proof.params }, knobs.omit)
  const params = { ...rename(standard, knobs.rename), ...(renderTree(knobs.params ?? {}, scope) as object) }
  const secrets = [client.secret, client.secret.slice(0, headLength), ...Object.values(names)]
  const { refused, unreadable } = input
  const headers = { ...proof.headers, ...renderTexts(knobs.headers, scope) }
  if (knobs.sign) {
    const body = knobs.format === "json" && Object.keys(params).length > 0 ? JSON.stringify(params) : ""
    const { text } = renderTemplate(knobs.sign.of, { ...scope, body })
    headers[knobs.sign.header] = createHmac("sha256", client.secret).update(text).digest("hex")
  }
  const answer = await requestToken(ctx, {
    url: withQuery(url.href, renderTexts(knobs.query, scope)),
    method: knobs.method,
    format: knobs.format ?? target.provider.body_format,
    params: Object.keys(params).length > 0 ? params : undefined,
    headers,
    secrets,
    refused,
    unreadable,
  })
  const bad = findOutcome(answer.body, knobs.fail_if)
  if (bad) throw refusal({ secrets, refused }, answer.status, answer.body)
  return answer.body
}

type Proof = { headers: Record<string, string>; params: Record<string, unknown> }

/** How the client proves itself: by the provider's own exchange, else by the two settings of the public format. */
function proveClient(ctx: AuthCtx, provider: Provider, input: ExchangeInput, scope: TemplateScope, url: URL): Proof {
  const { client, knobs } = input
  const inBody = { client_id: client.id, ...(client.secret === "" ? {} : { client_secret: client.secret }) }
  switch (knobs?.client) {
    case "body":
      return { headers: {}, params: inBody }
    case "none":
      return { headers: {}, params: { client_id: client.id } }
    case "basic":
      return { headers: { authorization: basicRaw(client.id, client.secret) }, params: {} }
    case "basic_secret":
      return { headers: { authorization: basicRaw(client.secret, "") }, params: {} }
    case "assertion": {
      const claims = renderTree(knobs.assertion ?? {}, scope) as Record<string, unknown>
      const key = readRsaKey(client.secret)
      const assertion = clientAssertion({ clientId: client.id, audience: url.href, key, now: ctx.now(), claims })
      return { headers: {}, params: { client_assertion_type: assertionType, client_assertion: assertion } }
    }
  }
  if (provider.authorization_method === "header") return { headers: { authorization: basicHeader(client) }, params: {} }
  const isBasic = provider.token_request_auth_method === "basic"
  return { headers: isBasic ? { authorization: basicRaw(client.id, client.secret) } : {}, params: inBody }
}

const omit = (params: Record<string, unknown>, names: readonly string[] = []) =>
  Object.fromEntries(Object.entries(params).filter(([name, value]) => !names.includes(name) && value !== undefined))

const rename = (params: Record<string, unknown>, names: Record<string, string> = {}) =>
  Object.fromEntries(Object.entries(params).map(([name, value]) => [names[name] ?? name, value]))

/** The token URL of an entry; `mode` picks from a map of several. Throws `missing_token_url`. */
export function tokenUrlOf({ token_url: url }: Provider, mode: string): string {
  const found = typeof url === "object" ? url[mode] : url
  if (!found) throw authFaults.missing_token_url()
  return found
}
