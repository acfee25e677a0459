import type { Client } from "./client.ts"
import type { OAuth2Credentials } from "./credentials.ts"
import { isoExpiry } from "./expiry.ts"
import { authFaults } from "./faults.ts"
import type { AuthCtx, AuthTarget } from "./mode.ts"
import { scopeOf } from "./scope.ts"
import { memberAt } from "./token-answer.ts"
import { tokenUrl } from "./token-hosts.ts"
import { requestToken } from "./token-request.ts"

/** Until then a token counts as good whose provider would not say. */
const guessMs = 30 * 60_000

/**
 * Asks the provider how long a token lives (RFC 7662) when its answer did not say and the entry names where to ask. A
 * provider that does not tell gets asked for a new token soon: that is worse than a known end, and better than none.
 */
export async function withIntrospection<C extends OAuth2Credentials>(
  ctx: AuthCtx,
  target: AuthTarget,
  client: Client,
  credentials: C,
): Promise<C> {
  const { introspection_url: template } = target.provider
  if (!template || credentials.expires_at !== undefined) return credentials
  const now = ctx.now().getTime()
  const params = { token: credentials.access_token, client_id: client.id, client_secret: client.secret }
  const secrets = [credentials.access_token, client.secret]
  let exp: unknown
  try {
    const url = tokenUrl(ctx, target, template, scopeOf(ctx, target))
    const answer = await requestToken(ctx, { url: url.href, params, secrets, refused: authFaults.token_err })
    exp = memberAt(answer.body, "active") === true ? memberAt(answer.body, "exp") : undefined
  } catch (error) {
    // The token itself is there; not knowing its end must not lose it. The exchange is in the log.
    if (ctx.signal.aborted) throw error
  }
  return { ...credentials, expires_at: isoExpiry(typeof exp === "number" ? exp * 1000 : now + guessMs) }
}
