import { AppError } from "../kit/errors.ts"
import type { Provider } from "../providers/model.ts"
import type { Client } from "./client.ts"
import type { OAuth2Credentials } from "./credentials.ts"
import { isoExpiry, readInstant, readSpan } from "./expiry.ts"
import { authFaults } from "./faults.ts"
import type { AuthCtx, AuthTarget } from "./mode.ts"
import { exchangeToken } from "./oauth2-exchange.ts"
import { memberAt, textAt } from "./token-answer.ts"

type Kept = { access_token: string; expires_in?: number; expires_at?: string }

/**
 * The second token that an entry asks for, as the member of the connection's configuration that holds it. Where it cannot
 * be had the member is emptied: the first token is there, and with it the next refresh tries again.
 */
export async function extraToken(
  ctx: AuthCtx,
  target: AuthTarget,
  client: Client,
  { access_token: accessToken, refresh_token: refreshToken }: OAuth2Credentials,
): Promise<Record<string, Kept | undefined>> {
  const wanted = target.provider.extra_token
  if (!wanted) return {}
  const { save, url, client: proof = "body", params } = wanted
  const startedAt = ctx.now()
  try {
    const { body } = await exchangeToken(ctx, target, {
      client,
      params: {},
      url,
      knobs: { client: proof, format: "form", params },
      names: { accessToken, refreshToken },
      refused: authFaults.token_err,
    })
    const token = textAt(body, "access_token")
    const span = readSpan(memberAt(body, "expires_in"))
    if (token === undefined) return { [save]: undefined }
    const end = span === undefined ? {} : { expires_in: span / 1000, expires_at: isoExpiry(ctx.now().getTime() + span) }
    return { [save]: { access_token: token, ...end } }
  } catch (error) {
    // Whatever it was: the token that was given before may be the only one that is good from now on.
    const failure = error instanceof AppError ? error.message : "unexpected failure"
    ctx.exchanges.push({ message: `Token for ${save}`, startedAt, durationMs: 0, error: failure })
    return { [save]: undefined }
  }
}

/** Whether the second token of a connection ends before that moment. */
export function endsSoon(provider: Provider, connectionConfig: Record<string, unknown>, before: number): boolean {
  const kept = provider.extra_token && connectionConfig[provider.extra_token.save]
  const at = typeof kept === "object" ? readInstant(memberAt(kept, "expires_at"), new Date(before)) : undefined
  return at !== undefined && at < before
}
