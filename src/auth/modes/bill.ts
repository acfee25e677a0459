import { z } from "zod"
import type { OtherCredentials } from "../credentials.ts"
import { isoExpiry } from "../expiry.ts"
import { authFaults } from "../faults.ts"
import type { AuthCtx, AuthTarget, Mode, Obtained } from "../mode.ts"
import { tokenUrlOf } from "../oauth2-exchange.ts"
import { renderUrl, scopeOf } from "../scope.ts"
import { textAt } from "../token-answer.ts"
import { refusal, requestToken } from "../token-request.ts"
import { readTyped } from "../typed.ts"

const Text = z.string().min(1).max(1024)
const Typed = z.object({ username: Text, password: Text, organization_id: Text, dev_key: Text })
type Typed = z.output<typeof Typed>

/** A session ends after 35 minutes without use. */
const sessionMs = 35 * 60_000

/** Login of bill.com: user, organization and developer key for a session. */
export const bill: Mode = {
  stores: ["BILL"],
  verified: false,
  open: ["username", "organization_id", "user_id"],
  typed: async (ctx, target, input) => logIn(ctx, target, readTyped(Typed, input)),
  renew: (ctx, target, stored) => logIn(ctx, target, stored as OtherCredentials & Typed),
}

async function logIn(ctx: AuthCtx, target: AuthTarget, typed: Typed): Promise<Obtained> {
  const { username, password, organization_id, dev_key } = typed
  const refused = authFaults.bill_credentials_fetch_error
  const secrets = [password, dev_key]
  const { status, body } = await requestToken(ctx, {
    url: renderUrl(tokenUrlOf(target.provider, "BILL"), scopeOf(ctx, target)).href,
    format: "json",
    params: { username, password, organizationId: organization_id, devKey: dev_key },
    secrets,
    refused,
  })
  const session_id = textAt(body, "sessionId")
  if (session_id === undefined) throw refusal({ secrets, refused }, status, body)
  const credentials = {
    type: "BILL" as const,
    username,
    password,
    organization_id,
    dev_key,
    session_id,
    user_id: textAt(body, "userId"),
    expires_at: isoExpiry(ctx.now().getTime() + sessionMs),
    raw: body,
  }
  return { credentials }
}
