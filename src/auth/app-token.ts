import { signJwt } from "../kit/jwt.ts"
import { readRsaKey } from "./client.ts"
import type { OtherCredentials } from "./credentials.ts"
import { isoExpiry, readInstant } from "./expiry.ts"
import { authFaults } from "./faults.ts"
import type { AuthCtx, AuthTarget } from "./mode.ts"
import { tokenUrlOf } from "./oauth2-exchange.ts"
import { renderUrl, scopeOf } from "./scope.ts"
import { memberAt, textAt } from "./token-answer.ts"
import { refusal, requestToken } from "./token-request.ts"

const jwtLifeSeconds = 600
/** Installation tokens live for an hour; an answer that does not say gets less. */
const defaultLifeMs = 55 * 60_000

/** The owner's app. Throws `provider_config_err` when the integration has none. */
export function appOf(target: AuthTarget): { appId: string; appLink: string; privateKey: string } {
  const { app } = target
  if (app?.type !== "APP" && app?.type !== "CUSTOM") throw authFaults.provider_config_err()
  return { appId: app.app_id, appLink: app.app_link, privateKey: app.private_key }
}

/** The JWT with which an app speaks for itself. Source: docs.github.com/apps (generating a JWT). */
export function signAppJwt(ctx: AuthCtx, target: AuthTarget): string {
  const { appId, privateKey } = appOf(target)
  const iat = Math.floor(ctx.now().getTime() / 1000)
  return signJwt("RS256", readRsaKey(privateKey), { payload: { iat, exp: iat + jwtLifeSeconds, iss: appId } })
}

/** A token of one installation of the app (POST /app/installations/:id/access_tokens). */
export async function fetchAppToken(
  ctx: AuthCtx,
  target: AuthTarget,
  installationId: string,
): Promise<{ credentials: OtherCredentials; jwtToken: string }> {
  const connectionConfig = { ...target.connectionConfig, installation_id: installationId, app_id: appOf(target).appId }
  const url = renderUrl(tokenUrlOf(target.provider, "APP"), scopeOf(ctx, { ...target, connectionConfig }))
  const jwtToken = signAppJwt(ctx, target)
  const refused = authFaults.app_token_fetch_error
  const secrets = [jwtToken]
  const { status, body } = await requestToken(ctx, {
    url: url.href,
    headers: { authorization: `Bearer ${jwtToken}`, accept: "application/vnd.github.v3+json" },
    secrets,
    refused,
  })
  const token = textAt(body, "token") ?? textAt(body, "access_token")
  if (token === undefined) throw refusal({ secrets, refused }, status, body)
  const expiresAt = readInstant(memberAt(body, "expires_at"), ctx.now()) ?? ctx.now().getTime() + defaultLifeMs
  return { credentials: { type: "APP", access_token: token, expires_at: isoExpiry(expiresAt), raw: body }, jwtToken }
}
