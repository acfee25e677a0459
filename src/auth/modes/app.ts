import { z } from "zod"
import { readClaims } from "../../kit/jwt.ts"
import { appOf, fetchAppToken } from "../app-token.ts"
import type { Credentials, OtherCredentials } from "../credentials.ts"
import { authFaults } from "../faults.ts"
import type {
  AuthCtx,
  Authorization,
  AuthorizationRequest,
  AuthTarget,
  Mode,
  Obtained,
  RenewSubject,
  StaleAt,
} from "../mode.ts"
import { renderUrl, scopeOf } from "../scope.ts"
import { withQuery } from "../token-request.ts"
import { readTyped } from "../typed.ts"

const Id = z.union([z.string(), z.number().transform(String)]).pipe(z.string().regex(/^[\w-]{1,255}$/))
const Typed = z.object({ installation_id: Id, app_id: z.union([z.string(), z.number()]).optional() })

/** An app that an account installs (GitHub App): its own key signs a JWT, which buys tokens of one installation. */
export const app: Mode = {
  stores: ["APP"],
  verified: false,
  open: [],
  keeps: ["installation_id", "app_id"],
  typed: (ctx, target, input) => install(ctx, target, readTyped(Typed, input).installation_id),
  browser: {
    start: startInstall,
    finish: async (ctx, target, { query }) => install(ctx, target, installationIn(query)),
  },
  renew: (ctx, target) => install(ctx, target, readTyped(Typed, target.connectionConfig).installation_id),
  isStale: isJwtStale,
}

export async function startInstall(
  ctx: AuthCtx,
  target: AuthTarget,
  request: AuthorizationRequest,
): Promise<Authorization> {
  const { appLink } = appOf(target)
  const template = target.provider.authorization_url ?? "${appPublicLink}/installations/new"
  const connectionConfig = { ...target.connectionConfig, appPublicLink: appLink }
  const scope = scopeOf(ctx, { ...target, connectionConfig }, { more: { appPublicLink: appLink } })
  // The link is the owner's own and a whole URL, wherever the entry puts it.
  const url = renderUrl(template, scope, { raw: true })
  return { url: withQuery(url.href, { state: request.state }), remembered: { callbackUrl: request.callbackUrl } }
}

/** Throws `wrong_auth_mode` when an administrator has yet to approve, and `callback_err`. */
export function installationIn(query: Record<string, string>): string {
  if (query.setup_action === "request") throw authFaults.wrong_auth_mode()
  const id = Id.safeParse(query.installation_id)
  if (id.success) return id.data
  throw authFaults.callback_err({ message: "The provider did not say which installation it is." })
}

export async function install(ctx: AuthCtx, target: AuthTarget, installationId: string): Promise<Obtained> {
  const { credentials, jwtToken } = await fetchAppToken(ctx, target, installationId)
  const config = { installation_id: installationId, app_id: appOf(target).appId, jwtToken }
  return { credentials: { ...credentials, jwtToken } as OtherCredentials, connectionConfig: config }
}

/** The app's own JWT, which a function may ask for, lives for ten minutes only. */
export function isJwtStale({ connectionConfig }: RenewSubject, _: Credentials, { appJwt, now }: StaleAt): boolean {
  if (!appJwt) return false
  const { jwtToken } = connectionConfig
  const exp = typeof jwtToken === "string" ? readClaims(jwtToken)?.exp : undefined
  return typeof exp !== "number" || exp * 1000 - now < 60_000
}
