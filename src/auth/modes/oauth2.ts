import type { RefreshExchange } from "../../providers/exchange.ts"
import { missingPlaceholders, renderTree } from "../../providers/template.ts"
import { buildAuthorizeUrl } from "../authorize-url.ts"
import { clientOf } from "../client.ts"
import type { Credentials, OAuth2Credentials } from "../credentials.ts"
import { isoExpiry } from "../expiry.ts"
import { endsSoon, extraToken } from "../extra-token.ts"
import { authFaults } from "../faults.ts"
import { withIntrospection } from "../introspection.ts"
import type {
  AuthCtx,
  Authorization,
  AuthorizationAnswer,
  AuthorizationRequest,
  AuthTarget,
  Mode,
  Obtained,
} from "../mode.ts"
import { mergeRefreshed, readOAuth2 } from "../oauth2-answer.ts"
import { exchangeToken, tokenUrlOf } from "../oauth2-exchange.ts"
import { newVerifier } from "../pkce.ts"
import { scopeOf } from "../scope.ts"
import { metadataOf } from "../token-answer.ts"
import { tokenUrl } from "../token-hosts.ts"

/** Authorization code with PKCE (RFC 6749 §4.1, RFC 7636), and refresh tokens (§6). */
export const oauth2: Mode = {
  stores: ["OAUTH2"],
  verified: false,
  open: [],
  typed: startOutbound,
  browser: { start: startOAuth2, finish: finishOAuth2 },
  renew: (ctx, target, stored) => renewOAuth2(ctx, target, stored as OAuth2Credentials),
  canRenew: ({ provider }, stored) =>
    hasRefreshToken(stored) || provider.refresh_exchange?.without_refresh_token === true,
  isStale: ({ provider, connectionConfig }, stored, { now, marginMs }) =>
    stored.type === "OAUTH2" &&
    ((provider.introspection_url !== undefined && stored.expires_at === undefined) ||
      endsSoon(provider, connectionConfig, now + marginMs)),
}

const hasRefreshToken = (stored: Credentials) => "refresh_token" in stored && typeof stored.refresh_token === "string"

/** The connection begins at the provider, whose webhook will bring the code. */
async function startOutbound(_: AuthCtx, { provider }: AuthTarget): Promise<Obtained> {
  if (provider.installation !== "outbound") throw authFaults.invalid_auth_mode()
  return { credentials: { type: "OAUTH2" } as Credentials, connectionConfig: { pending: true }, pending: true }
}

/** Throws `grant_type_err`, `provider_config_err`, `url_param_err` before anybody is sent anywhere. */
export async function startOAuth2(
  ctx: AuthCtx,
  target: AuthTarget,
  request: AuthorizationRequest & { more?: Record<string, string> },
): Promise<Authorization> {
  const { provider } = target
  const grant = provider.token_exchange?.params?.grant_type === undefined && provider.token_params?.grant_type
  if (grant && grant !== "authorization_code") throw authFaults.grant_type_err()
  checkTokenUrl(ctx, target)
  const { id: clientId } = clientOf(target, request.override)
  const codeVerifier = provider.disable_pkce ? undefined : newVerifier()
  const url = buildAuthorizeUrl(ctx, target, { ...request, clientId, codeVerifier })
  return { url, remembered: { callbackUrl: request.callbackUrl, codeVerifier, override: request.override } }
}

/** What only the callback will tell may still be missing in the token URL, on one side of `A || B`; nothing else may. */
function checkTokenUrl(ctx: AuthCtx, target: AuthTarget): void {
  const { provider, connectionConfig } = target
  const template = provider.token_exchange?.url ?? tokenUrlOf(provider, "OAUTH2")
  const scope = scopeOf(ctx, target)
  const told = Object.fromEntries((provider.redirect_uri_metadata ?? []).map((name) => [name, "told"]))
  const code = provider.token_exchange?.url === undefined ? {} : { code: "told" }
  const later = scopeOf(ctx, { ...target, connectionConfig: { ...told, ...connectionConfig } }, { more: code })
  if (missingPlaceholders(template, scope).length > 0 && missingPlaceholders(template, later).length === 0) return
  tokenUrl(ctx, target, template, scope)
}

export async function finishOAuth2(ctx: AuthCtx, target: AuthTarget, answer: AuthorizationAnswer): Promise<Obtained> {
  const { provider } = target
  const { query, remembered } = answer
  const code = query[provider.authorization_code_param_in_callback ?? "code"]
  if (!code) throw authFaults.callback_err()
  const callback = metadataOf(query, provider.redirect_uri_metadata)
  const obtained = await redeemCode(
    ctx,
    { ...target, connectionConfig: { ...callback, ...target.connectionConfig } },
    {
      code,
      state: query.state,
      redirectUri: remembered.callbackUrl,
      codeVerifier: remembered.codeVerifier,
      override: remembered.override,
    },
  )
  return { ...obtained, connectionConfig: { ...obtained.connectionConfig, ...callback } }
}

/** Exchanges a code for tokens. Throws `token_err` and `incomplete_raw_credentials`. */
export async function redeemCode(
  ctx: AuthCtx,
  target: AuthTarget,
  input: {
    code: string
    state?: string
    redirectUri: string
    codeVerifier?: string
    override?: AuthorizationRequest["override"]
    more?: Record<string, string>
  },
): Promise<Obtained> {
  const { provider } = target
  const { override, more, ...names } = input
  const client = clientOf(target, override)
  const refused = authFaults.token_err
  const own = renderTree(provider.token_params ?? {}, scopeOf(ctx, target)) as Record<string, unknown>
  const standard = { grant_type: "authorization_code", code: input.code, redirect_uri: input.redirectUri }
  const params = { ...standard, ...own, code_verifier: input.codeVerifier, ...more }
  const url = tokenUrlOf(provider, "OAUTH2")
  const knobs = provider.token_exchange
  const { body, firstRefreshToken } = await exchangeToken(ctx, target, { client, params, url, knobs, names, refused })
  const secrets = [client.secret, input.code, input.codeVerifier]
  const reading = { provider, knobs: knobs?.then ?? knobs, now: ctx.now(), refused, secrets }
  const read = withRefreshToken(readOAuth2(body, reading), firstRefreshToken)
  const config = metadataOf(body, provider.token_response_metadata)
  const known = { ...target, connectionConfig: { ...config, ...target.connectionConfig } }
  const credentials = withOverride(await withIntrospection(ctx, known, client, read), override)
  const extra = await extraToken(ctx, known, client, credentials)
  return { credentials, connectionConfig: { ...config, ...extra } }
}

const withRefreshToken = (read: OAuth2Credentials, first: string | undefined): OAuth2Credentials =>
  read.refresh_token === undefined && first !== undefined ? { ...read, refresh_token: first } : read

function withOverride(credentials: OAuth2Credentials, override: AuthorizationRequest["override"]): OAuth2Credentials {
  if (!override?.clientId) return credentials
  const { clientId, clientSecret, refreshToken } = override
  const config_override = { client_id: clientId, ...(clientSecret ? { client_secret: clientSecret } : {}) }
  if (!refreshToken) return { ...credentials, config_override }
  return {
    ...credentials,
    refresh_token: refreshToken,
    raw: { ...credentials.raw, refresh_token: refreshToken },
    config_override,
  }
}

/** RFC 6749 §6. The old refresh token stays when the answer brings none. */
export async function renewOAuth2(
  ctx: AuthCtx,
  target: AuthTarget,
  stored: OAuth2Credentials,
  more: Record<string, string> = {},
): Promise<Obtained> {
  const { provider } = target
  const client = clientOf(target, stored.config_override)
  const refused = authFaults.refresh_token_external_error
  const scope = scopeOf(ctx, target)
  const own = renderTree(provider.refresh_params ?? provider.token_params ?? {}, scope) as Record<string, unknown>
  // Parameters that were written for the code must not ask for another code.
  if (!provider.refresh_params) delete own.grant_type
  const params = { grant_type: "refresh_token", refresh_token: stored.refresh_token, ...own, ...more }
  const knobs = provider.refresh_exchange ?? refreshKnobs(target)
  const url = provider.refresh_url ?? tokenUrlOf(provider, "OAUTH2")
  const names = { accessToken: stored.access_token, refreshToken: stored.refresh_token }
  const unreadable = authFaults.refresh_token_parsing_error
  const answer = await exchangeToken(ctx, target, { client, params, url, knobs, names, refused, unreadable })
  const secrets = [client.secret, stored.refresh_token, stored.access_token]
  const now = ctx.now()
  const fresh = knobs?.same_token
    ? { ...stored, expires_at: isoExpiry(now.getTime() + (knobs.expires_in ?? 0) * 1000) }
    : readOAuth2(answer.body, { provider, knobs: knobs?.then ?? knobs, now, refused, secrets })
  const merged = mergeRefreshed(stored, withRefreshToken(fresh, answer.firstRefreshToken), now, knobs?.keep_raw)
  const credentials = await withIntrospection(ctx, target, client, merged)
  return { credentials, connectionConfig: await extraToken(ctx, target, client, credentials) }
}

/** Without an exchange of its own, a refresh differs from the standard as the first exchange does. */
function refreshKnobs({ provider }: AuthTarget): RefreshExchange | undefined {
  if (!provider.token_exchange) return undefined
  const { url: _, then: __, params: ___, query: ____, omit: _____, sign: ______, ...kept } = provider.token_exchange
  return kept
}
