import { challengeOf } from "./pkce.ts"
import { authFaults } from "./faults.ts"
import type { AuthCtx, AuthorizationRequest, AuthTarget } from "./mode.ts"
import { renderTexts, renderUrl, scopeOf } from "./scope.ts"

/**
 * The URL at which a person allows access: the provider's own parameters over the standard ones, the request's over both.
 * Throws `url_param_err` and `provider_config_err`.
 */
export function buildAuthorizeUrl(
  ctx: AuthCtx,
  target: AuthTarget,
  request: AuthorizationRequest & { clientId: string; codeVerifier?: string; more?: Record<string, string> },
): string {
  const { provider } = target
  if (!provider.authorization_url)
    throw authFaults.provider_config_err({ message: "The provider's entry has no authorization URL." })
  const skips = provider.authorization_url_skip_encode ?? []
  const scope = scopeOf(ctx, target, { more: { clientId: request.clientId } })
  const base = renderUrl(provider.authorization_url, scope, { raw: skips.includes("base_url") })
  const scopes = joinScopes(target, request.scopes)
  const params = new Map<string, string>([
    ...base.searchParams,
    ["response_type", "code"],
    ["client_id", request.clientId],
    ["redirect_uri", request.callbackUrl],
    ["scope", scopes],
    ["state", request.state],
    ...Object.entries(renderTexts(provider.authorization_params, scope)),
    ...Object.entries(request.more ?? {}),
  ])
  if (request.codeVerifier) {
    params.set("code_challenge", challengeOf(request.codeVerifier)).set("code_challenge_method", "S256")
  }
  if (request.userScopes) params.set("user_scope", request.userScopes)
  for (const [name, value] of Object.entries(request.params ?? {})) {
    if (value === "undefined") params.delete(name)
    else params.set(name, value)
  }
  // What binds the answer to this attempt and this server is nobody's to replace.
  params.set("state", request.state)
  return finish(target, base, params, skips.includes("scopes") ? scopes : undefined)
}

function finish(
  { provider }: AuthTarget,
  base: URL,
  params: Map<string, string>,
  rawScopes: string | undefined,
): string {
  if (rawScopes !== undefined) params.delete("scope")
  const kept = [...params].filter(([, value]) => !(provider.authorization_url_skip_empty && value === ""))
  const query = kept.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  if (rawScopes !== undefined && (rawScopes !== "" || !provider.authorization_url_skip_empty))
    query.push(`scope=${rawScopes}`)
  const fragment = provider.authorization_url_fragment?.replace(/^\/+/, "")
  const path = `${base.origin}${base.pathname}`
  let url = fragment === undefined ? `${path}?${query.join("&")}` : `${path}#/${fragment}?${query.join("&")}`
  for (const [from, to] of Object.entries(provider.authorization_url_replacements ?? {}))
    url = url.replace(from, () => to)
  return url
}

/** The integration's scopes, or those that replace them, as this provider writes a list. */
export function joinScopes(target: AuthTarget, override?: string): string {
  return listScopes(target, override).join(target.provider.scope_separator ?? " ")
}

export function listScopes(target: AuthTarget, override?: string): string[] {
  const own = target.connectionConfig.oauth_scopes_override ?? target.connectionConfig.oauth_scopes
  const app = target.app && "scopes" in target.app ? target.app.scopes : undefined
  const given = override ?? (Array.isArray(own) ? own.join(",") : typeof own === "string" ? own : undefined)
  const text = given ?? app ?? target.custom.oauth_scopes ?? ""
  return text
    .split(",")
    .map((scope) => scope.trim())
    .filter((scope) => scope !== "")
}
