import { createHash, randomBytes } from "node:crypto"
import { z } from "zod"
import type { OtherCredentials } from "../credentials.ts"
import { isoExpiry } from "../expiry.ts"
import type { AuthCtx, AuthTarget, Mode, Obtained } from "../mode.ts"
import { readTyped } from "../typed.ts"

const Typed = z.object({ username: z.string().min(1).max(1024), password: z.string().min(1).max(1024) })
type Typed = z.output<typeof Typed>

const defaultLifeMs = 300_000

/** WSSE: a digest of the password that is good for some minutes, made anew from the stored password. */
export const signature: Mode = {
  stores: ["SIGNATURE"],
  verified: true,
  local: true,
  open: ["username"],
  typed: async (ctx, target, input) => makeToken(ctx, target, readTyped(Typed, input)),
  renew: async (ctx, target, stored) => makeToken(ctx, target, stored as OtherCredentials & Typed),
}

function makeToken(ctx: AuthCtx, { provider }: AuthTarget, { username, password }: Typed): Obtained {
  const now = ctx.now()
  const token = wsseToken({ username, password, nonce: randomBytes(16).toString("hex"), created: now.toISOString() })
  const expires_at = isoExpiry(now.getTime() + (provider.token?.expires_in_ms ?? defaultLifeMs))
  return { credentials: { type: "SIGNATURE", username, password, token, expires_at } }
}

/**
 * The value of `X-WSSE`. The digest is the base64 of the hex form of SHA-1 over nonce, time and password.
 * Source: dev.emarsys.com/docs/core-api-reference (authentication).
 */
export function wsseToken(input: { username: string; password: string; nonce: string; created: string }): string {
  const hex = createHash("sha1").update(`${input.nonce}${input.created}${input.password}`).digest("hex")
  const digest = Buffer.from(hex).toString("base64")
  // A quote in the name would end the value; HTTP has no way to write it.
  const name = input.username.replace(/["\\\r\n]/g, "")
  return `UsernameToken Username="${name}", PasswordDigest="${digest}", Nonce="${input.nonce}", Created="${input.created}"`
}
