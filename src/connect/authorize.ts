import type { SessionCtx } from "../app/context.ts"
import { startAuthorization } from "../auth/obtain.ts"
import { newState } from "../auth/pkce.ts"
import type { ClientOverride } from "../auth/mode.ts"
import { callbackUrlOf } from "../environments/environments.ts"
import { announceFailure, type Attempt, ownerOf } from "./attempt.ts"
import { newSecret, rememberAuthorization } from "./authorizations.ts"
import { type AuthorizeQuery, connectFaults } from "./model.ts"

/** Where to send the browser, and the secret that its cookie must bring back. */
export type Departure = { url: string; state: string; browser: string }

/**
 * Begins an authorization: what the owner has set wins over what the browser asks for. Throws what `openAttempt` and
 * `startAuthorization` throw; `attempt` tells the caller whom a failure was about, as soon as that is known.
 */
export async function beginAuthorization(ctx: SessionCtx, attempt: Attempt, query: AuthorizeQuery): Promise<Departure> {
  const { integration, connectionId, connectionConfig, defaults } = attempt
  if (attempt.provider.installation === "outbound") {
    throw connectFaults.invalid_auth_mode({
      message: "This connection begins at the provider: send the installation route instead of opening a popup.",
    })
  }
  const owner = ownerOf(ctx.session)
  const state = newState()
  const browser = newSecret()
  const userScopes = defaults.user_scopes
  const config = userScopes ? { ...connectionConfig, user_scope: userScopes } : connectionConfig
  try {
    const { url, remembered } = await startAuthorization(ctx, integration, {
      state,
      callbackUrl: callbackUrlOf(ctx),
      connectionConfig: config,
      scopes: defaults.connection_config?.oauth_scopes_override,
      userScopes,
      params: defaults.authorization_params ?? query.authorization_params,
      override: overrideOf(query.credentials),
    })
    const { reconnect } = ctx.session
    const details = { remembered, connectionConfig: config, owner, reconnect, socket: query.ws_client_id }
    await rememberAuthorization(ctx, { state, browser, integrationId: integration.id, connectionId, details })
    return { url, state, browser }
  } catch (error) {
    await announceFailure(ctx, { integration, connectionId, owner }, error)
    throw error
  }
}

/** The connection's own client. A refresh token is only taken along with one. */
function overrideOf(credentials: AuthorizeQuery["credentials"]): ClientOverride | undefined {
  const clientId = credentials?.oauth_client_id_override
  if (!clientId) return undefined
  return {
    clientId,
    clientSecret: credentials?.oauth_client_secret_override,
    refreshToken: credentials?.oauth_refresh_token_override,
  }
}
