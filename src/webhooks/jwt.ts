import { createPublicKey, type KeyObject, verify as verifyBytes } from "node:crypto"
import type { App } from "../app/context.ts"
import type { Egress } from "../kit/fetch.ts"
import type { WebhookVerify } from "../providers/webhook-recipe.ts"
import { type Parsed, textOf, valueAt } from "./incoming.ts"
import type { Verdict } from "./verify.ts"

type Keys = { fetchedAt: number; byId: Map<string, KeyObject> }
type Claims = { iss?: unknown; aud?: unknown; exp?: unknown; iat?: unknown }

const keepMs = 60 * 60_000
/** A token with an unknown key makes us ask again, but not more often than this. */
const askAgainMs = 60_000
const clockSkewSeconds = 300

/** Keys of issuers, as long as the gate that they were fetched through. */
const caches = new WeakMap<Egress, Map<string, Promise<Keys>>>()

/** A bearer token that an issuer signed for this very address (RFC 7519, RS256). */
export async function verifyJwt(app: App, parsed: Parsed, verify: WebhookVerify, audience: string): Promise<Verdict> {
  const header = textOf(valueAt(parsed, verify.signature ?? "header.authorization"))
  const token = /^bearer\s+(\S+)$/i.exec(header ?? "")?.[1]
  if (token === undefined) return verify.require === "always" ? "missing" : "open"
  const [head = "", payload = "", signature = ""] = token.split(".")
  const { alg, kid } = decode<{ alg?: unknown; kid?: unknown }>(head)
  if (alg !== "RS256" || typeof kid !== "string" || verify.jwks_url === undefined) return "invalid"
  const key = await findKey(app, verify.jwks_url, kid)
  if (!key) return "invalid"
  const isSigned = verifyBytes("sha256", Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, "base64url"))
  return isSigned && isMeant(decode<Claims>(payload), parsed, verify, audience) ? "ok" : "invalid"
}

function isMeant(
  { iss, aud, exp, iat }: Claims,
  { receivedAt }: Parsed,
  verify: WebhookVerify,
  audience: string,
): boolean {
  const now = receivedAt.getTime() / 1000
  const isFresh =
    typeof exp === "number" && exp > now - clockSkewSeconds && (typeof iat !== "number" || iat < now + clockSkewSeconds)
  return isFresh && typeof iss === "string" && (verify.issuers ?? []).includes(iss) && [aud].flat().includes(audience)
}

function decode<T extends object>(part: string): T {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString())
    return (value !== null && typeof value === "object" ? value : {}) as T
  } catch {
    // Not a token: it has no members that anybody could trust.
    return {} as T
  }
}

async function findKey(app: App, url: string, id: string): Promise<KeyObject | undefined> {
  const cache = caches.get(app.egress) ?? new Map<string, Promise<Keys>>()
  caches.set(app.egress, cache)
  const now = app.now().getTime()
  const known = await cache.get(url)
  const age = known ? now - known.fetchedAt : Number.POSITIVE_INFINITY
  if (known && age < keepMs && (known.byId.has(id) || age < askAgainMs)) return known.byId.get(id)
  const asked = fetchKeys(app, url, now)
  cache.set(url, asked)
  try {
    return (await asked).byId.get(id)
  } catch (error) {
    cache.delete(url)
    throw error
  }
}

async function fetchKeys(app: App, url: string, fetchedAt: number): Promise<Keys> {
  const response = await app.egress.send({ url, timeoutMs: 10_000, maxBytes: 1_000_000 })
  const text = await response.text()
  if (!response.ok) throw new Error(`The keys at ${new URL(url).host} could not be read (${response.status}).`)
  const { keys = [] } = JSON.parse(text) as { keys?: { kid?: string; kty?: string }[] }
  const rsa = keys.filter(({ kid, kty }) => typeof kid === "string" && kty === "RSA")
  return {
    fetchedAt,
    byId: new Map(rsa.map((jwk) => [jwk.kid as string, createPublicKey({ key: jwk, format: "jwk" })])),
  }
}
