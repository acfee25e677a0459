import type { Credentials, OAuth2Credentials } from "../credentials.ts"
import { authFaults } from "../faults.ts"
import type { AuthCtx, AuthorizationAnswer, AuthTarget, Mode, Obtained, RenewOptions, RenewSubject } from "../mode.ts"
import { finishOAuth2, renewOAuth2 } from "./oauth2.ts"
import { app, install, installationIn, isJwtStale, startInstall } from "./app.ts"
import { readInstant } from "../expiry.ts"
import { proveInstallation } from "../installation-proof.ts"

/**
 * An app that is installed and also signs in the person who installs it (GitHub App with user tokens). The app's token is
 * what is stored; the person's tokens stand in `connection_config.userCredentials`.
 */
export const custom: Mode = {
  stores: ["APP", "OAUTH2"],
  verified: false,
  open: [],
  keeps: app.keeps,
  typed: app.typed,
  browser: { start: startInstall, finish },
  renew,
  canRenew: ({ connectionConfig }, stored) =>
    stored.type === "APP" || typeof connectionConfig.installation_id === "string" || "refresh_token" in stored,
  isStale: (target, stored, at) => isJwtStale(target, stored, at) || isUserStale(target, at.now, at.marginMs),
}

/**
 * With an installation and a code: both tokens. With a code alone: the person's, and the connection waits for the
 * installation. With an installation alone (an update of it): the app's, where the entry asks for no proof.
 */
async function finish(ctx: AuthCtx, target: AuthTarget, answer: AuthorizationAnswer): Promise<Obtained> {
  const { code, installation_id } = answer.query
  if (!code && !installation_id) throw authFaults.callback_err()
  const user = code ? await finishOAuth2(ctx, target, answer) : undefined
  const userCredentials = user ? { ...user.connectionConfig, userCredentials: user.credentials } : {}
  if (installation_id) {
    const installationId = installationIn(answer.query)
    if (!answer.signed)
      await proveInstallation(ctx, target, user?.credentials as OAuth2Credentials | undefined, installationId)
    const obtained = await install(ctx, target, installationId)
    return { ...obtained, connectionConfig: { ...userCredentials, ...obtained.connectionConfig, pending: false } }
  }
  const app_id = target.app && "app_id" in target.app ? target.app.app_id : undefined
  return {
    credentials: user?.credentials as Credentials,
    connectionConfig: { ...userCredentials, app_id, pending: true },
    pending: true,
  }
}

async function renew(ctx: AuthCtx, target: AuthTarget, stored: Credentials, _: RenewOptions): Promise<Obtained> {
  const user = userOf(target)
  const { installation_id } = target.connectionConfig
  if (typeof installation_id !== "string") {
    const renewed = await renewOAuth2(ctx, target, stored as OAuth2Credentials)
    return { ...renewed, connectionConfig: { userCredentials: renewed.credentials } }
  }
  // The person's last: nothing that can fail may come after a refresh token was rotated.
  const installed = await install(ctx, target, installation_id)
  if (!user?.refresh_token) return installed
  const renewed = await renewOAuth2(ctx, target, user)
  return { ...installed, connectionConfig: { ...installed.connectionConfig, userCredentials: renewed.credentials } }
}

function userOf({ connectionConfig }: RenewSubject): OAuth2Credentials | undefined {
  const user = connectionConfig.userCredentials as OAuth2Credentials | undefined
  return typeof user?.access_token === "string" ? user : undefined
}

function isUserStale(target: RenewSubject, now: number, marginMs: number): boolean {
  const user = userOf(target)
  if (!user?.refresh_token) return false
  const at = readInstant(user.expires_at, new Date(now))
  return at !== undefined && at - now < marginMs
}
