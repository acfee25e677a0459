import { authFaults } from "../faults.ts"
import type { AuthCtx, Authorization, AuthorizationRequest, AuthTarget, Mode } from "../mode.ts"
import { canDescribe, clientMetadataUrl, clientName, registerClient } from "../registration.ts"
import { renderTexts, renderUrl, scopeOf } from "../scope.ts"
import { finishOAuth2, oauth2, startOAuth2 } from "./oauth2.ts"

/**
 * OAuth 2 of an MCP server whose endpoints the entry names. The client id comes from the owner, from a registration (kept
 * with the connection, because the tokens belong to that client), or is the address of our own description.
 */
export const mcpOAuth2: Mode = {
  ...oauth2,
  typed: undefined,
  browser: { start, finish: finishOAuth2 },
}

async function start(ctx: AuthCtx, target: AuthTarget, request: AuthorizationRequest): Promise<Authorization> {
  const client = await clientFor(ctx, target, request)
  const connectionConfig = client ? { oauth_client_info: client } : {}
  const known = { ...target, connectionConfig: { ...target.connectionConfig, ...connectionConfig } }
  const started = await startOAuth2(ctx, known, request)
  return { ...started, remembered: { ...started.remembered, connectionConfig } }
}

async function clientFor(ctx: AuthCtx, target: AuthTarget, request: AuthorizationRequest) {
  const { provider } = target
  if (request.override?.clientId || (target.app && "client_id" in target.app)) return undefined
  if (provider.client_registration === "cimd") {
    if (canDescribe(ctx)) return { client_id: clientMetadataUrl(ctx, target) }
    throw authFaults.provider_config_err({
      message: "This provider needs a server URL with https (SLUICE_SERVER_URL).",
    })
  }
  if (provider.client_registration !== "dynamic" || !provider.registration_url) return undefined
  const scope = scopeOf(ctx, target)
  const more = Object.entries(provider.registration_params ?? {}).map(([name, value]) => [
    name,
    typeof value === "string" ? renderTexts({ value }, scope).value : value,
  ])
  return registerClient(ctx, {
    url: renderUrl(provider.registration_url, scope).href,
    callbackUrl: request.callbackUrl,
    clientName: clientName(ctx, target),
    more: Object.fromEntries(more),
  })
}
