import type { JwtAlgorithm, JwtKey } from "../kit/jwt.ts"
import { signJwt } from "../kit/jwt.ts"
import { readPrivateKey } from "../kit/pem.ts"
import { renderTemplate, renderTree, type TemplateScope } from "../providers/template.ts"
import type { Provider } from "../providers/model.ts"
import { authFaults } from "./faults.ts"

/** Life of a token whose recipe does not say, in milliseconds. */
const defaultLifeMs = 5 * 60_000

/**
 * Signs the JWT that a provider's entry describes (`token`, `signature`): header and payload filled in, members that
 * cannot be left out, `iat` and `exp` added. Throws `invalid_signing_key`, without quoting the key.
 */
export function signRecipe(
  { token, signature }: Provider,
  scope: TemplateScope,
  now: Date,
): { token: string; expiresAt: number } {
  const { text: keyText, complete } = renderTemplate(token?.signing_key ?? "", scope, { engine: "string" })
  if (!complete || keyText === "")
    throw authFaults.invalid_signing_key({ message: "The credentials hold no private key." })
  const iat = Math.floor(now.getTime() / 1000)
  const lifeMs = token?.expires_in_ms ?? defaultLifeMs
  const header = renderJwtPart(token?.header, scope)
  const payload = { ...renderJwtPart(token?.payload, scope), iat, exp: iat + Math.floor(lifeMs / 1000) }
  const protocol = signature?.protocol ?? "RSA"
  const algorithm = protocol === "EC" ? "ES256" : protocol === "HMAC" ? "HS256" : "RS256"
  const key = algorithm === "HS256" ? hmacKey(keyText, signature?.hmac_secret_encoding) : asymmetricKey(keyText)
  return { token: sign(algorithm, key, header, payload), expiresAt: now.getTime() + lifeMs }
}

/** Signs with a key that a person typed. Throws `invalid_signing_key` when it is not of the algorithm's kind. */
export function sign(
  alg: JwtAlgorithm,
  key: JwtKey,
  header: Record<string, unknown>,
  payload: Record<string, unknown>,
): string {
  try {
    return signJwt(alg, key, { header: { ...header, alg }, payload })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw authFaults.invalid_signing_key({ message: error.message })
  }
}

export function asymmetricKey(text: string): JwtKey {
  const key = readPrivateKey(text)
  if (!key) throw authFaults.invalid_signing_key({ message: "The private key is not a key in PEM form." })
  return key
}

function hmacKey(text: string, encoding: "hex" | "utf8" = "hex"): Uint8Array {
  if (encoding === "hex" && (!/^[0-9a-f]+$/i.test(text) || text.length % 2 === 1)) {
    throw authFaults.invalid_signing_key({ message: "The secret is not hexadecimal." })
  }
  return Buffer.from(text, encoding)
}

/** Header or payload. A comma list that stands alone in a list (scopes) becomes the list. */
export function renderJwtPart(
  part: Record<string, unknown> | undefined,
  scope: TemplateScope,
): Record<string, unknown> {
  const filled = renderTree(part ?? {}, scope, { engine: "string" }) as Record<string, unknown>
  return Object.fromEntries(Object.entries(filled).map(([name, value]) => [name, splitList(value)]))
}

function splitList(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return value.flatMap((one) => (typeof one === "string" ? one.split(",").map((part) => part.trim()) : [one]))
}
