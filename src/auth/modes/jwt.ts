import { isoExpiry } from "../expiry.ts"
import type { AuthCtx, AuthTarget, Mode, Obtained } from "../mode.ts"
import { signRecipe } from "../jwt-recipe.ts"
import { scopeOf } from "../scope.ts"
import { readFields } from "../typed.ts"

/** A token that is signed here with the person's key (RFC 7519), and signed again whenever it is about to end. */
export const jwt: Mode = {
  stores: ["JWT"],
  verified: true,
  local: true,
  open: [],
  typed: async (ctx, target, input) => makeToken(ctx, target, splitKeys(target, readFields(target, input))),
  async renew(ctx, target, { type: _, ...stored }) {
    const { token: __, expires_at: ___, ...inputs } = stored as Record<string, unknown>
    return makeToken(ctx, target, inputs)
  },
}

function makeToken(ctx: AuthCtx, target: AuthTarget, inputs: Record<string, unknown>): Obtained {
  const { token, expiresAt } = signRecipe(target.provider, scopeOf(ctx, target, { credentials: inputs }), ctx.now())
  return { credentials: { ...inputs, type: "JWT", token, expires_at: isoExpiry(expiresAt) } }
}

/** A key that is written as `id:secret` where the entry wants both parts by name. */
function splitKeys({ provider }: AuthTarget, inputs: Record<string, unknown>): Record<string, unknown> {
  const recipe = JSON.stringify(provider.token ?? {})
  const split = Object.entries(inputs).map(([name, value]) => {
    const wanted = recipe.includes(`${name}.id}`) || recipe.includes(`${name}.secret}`)
    if (!wanted || typeof value !== "string" || !value.includes(":")) return [name, value]
    const at = value.indexOf(":")
    return [name, { id: value.slice(0, at), secret: value.slice(at + 1) }]
  })
  return Object.fromEntries(split)
}
