import { randomUUID } from "node:crypto"
import type { JwtAlgorithm } from "../kit/jwt.ts"
import { jwtAlgorithms, readClaims } from "../kit/jwt.ts"
import { renderTemplate, renderTree } from "../providers/template.ts"
import { readRsaKey } from "./client.ts"
import { authFaults } from "./faults.ts"
import { asymmetricKey, renderJwtPart, sign } from "./jwt-recipe.ts"
import type { AuthCtx, AuthTarget } from "./mode.ts"
import { scopeOf } from "./scope.ts"
import { signSaml } from "./saml.ts"

/** An assertion is made again when it has less than this left. */
const marginMs = 60_000

/**
 * The assertion of a token request as the entry's recipe describes it: the stored one while it is good, else a new one.
 * `options` are values that are used once and never stored (a private key); when a new assertion needs them and they are
 * gone, this throws `assertion_expired`.
 */
export function makeAssertion(
  ctx: AuthCtx,
  target: AuthTarget,
  inputs: Record<string, unknown>,
  options: Record<string, unknown> | undefined,
): string | undefined {
  const recipe = target.provider.assertion
  if (!recipe) return undefined
  const stored = typeof inputs.assertion === "string" ? inputs.assertion : undefined
  if (stored !== undefined && endOf(stored) - ctx.now().getTime() > marginMs) return stored
  const asksOnce = JSON.stringify(recipe).includes("${assertionOption.")
  if (asksOnce && !options) throw authFaults.assertion_expired()
  const scope = scopeOf(ctx, target, { credentials: inputs, more: { assertionOption: options ?? {} } })
  const text = (name: string) => renderTemplate(String(recipe[name] ?? ""), scope, { engine: "string" }).text
  const lifetimeSeconds = Number(text("lifetimeInSeconds")) || 300
  if (recipe.type === "saml") {
    return signSaml({
      key: readRsaKey(text("key")),
      issuer: text("issuer"),
      lifetimeSeconds,
      audience: text("audiences"),
      recipient: text("recipient"),
      nameIdentifier: text("nameIdentifier"),
      sessionIndex: text("sessionIndex"),
      attributes: renderTree(recipe.attributes ?? {}, scope, { engine: "string" }) as Record<string, unknown>,
      id: `_${randomUUID()}`,
      now: ctx.now(),
    })
  }
  const header = renderJwtPart(recipe.header as Record<string, unknown>, scope)
  const iat = Math.floor(ctx.now().getTime() / 1000)
  const payload = {
    ...renderJwtPart(recipe.payload as Record<string, unknown>, scope),
    iat,
    exp: iat + lifetimeSeconds,
  }
  return sign(algorithmOf(header.alg), asymmetricKey(text("key")), header, payload)
}

function algorithmOf(value: unknown): JwtAlgorithm {
  const found = jwtAlgorithms.find((one) => one === value && one !== "HS256")
  if (found) return found
  throw authFaults.invalid_signing_key({ message: "The provider's entry asks for a signature that is not known." })
}

/** When an assertion ends, in milliseconds; never, as far as can be seen, for one that is neither JWT nor SAML. */
function endOf(assertion: string): number {
  const exp = readClaims(assertion)?.exp
  if (typeof exp === "number") return exp * 1000
  const until = /<saml:Conditions [^>]*NotOnOrAfter="([^"]+)"/.exec(
    Buffer.from(assertion, "base64").toString("utf8"),
  )?.[1]
  const at = until === undefined ? Number.NaN : Date.parse(until)
  return Number.isNaN(at) ? Number.POSITIVE_INFINITY : at
}
