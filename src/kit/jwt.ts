import { constants, createHmac, type KeyObject, sign } from "node:crypto"

export const jwtAlgorithms = ["RS256", "PS256", "ES256", "HS256", "EdDSA"] as const
export type JwtAlgorithm = (typeof jwtAlgorithms)[number]

/** A secret for HS256, a private key for the others. */
export type JwtKey = KeyObject | Uint8Array

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")

/**
 * A signed JWT (RFC 7515, RFC 7519, RFC 8037): members of header and payload in the order given, `alg` and `typ` first
 * where the header does not name them. Throws a TypeError when the key is not of the algorithm's kind.
 */
export function signJwt(
  algorithm: JwtAlgorithm,
  key: JwtKey,
  input: { header?: Record<string, unknown>; payload: Record<string, unknown> },
): string {
  const text = `${part({ alg: algorithm, typ: "JWT", ...input.header })}.${part(input.payload)}`
  return `${text}.${signatureOf(algorithm, key, Buffer.from(text)).toString("base64url")}`
}

function signatureOf(algorithm: JwtAlgorithm, key: JwtKey, text: Buffer): Buffer {
  if (algorithm === "HS256") {
    if (!(key instanceof Uint8Array)) throw new TypeError("HS256 wants a secret.")
    return createHmac("sha256", key).update(text).digest()
  }
  if (key instanceof Uint8Array || key.asymmetricKeyType !== kinds[algorithm]) {
    throw new TypeError(`${algorithm} wants another kind of key.`)
  }
  if (algorithm === "EdDSA") return sign(null, text, key)
  if (algorithm === "PS256") {
    // The salt has the length of the digest: RFC 7518 §3.5.
    return sign("sha256", text, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
  }
  if (algorithm === "RS256") return sign("sha256", text, key)
  if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1") throw new TypeError("ES256 wants a key on P-256.")
  // Two numbers of fixed length, not the ASN.1 form: RFC 7518 §3.4.
  return sign("sha256", text, { key, dsaEncoding: "ieee-p1363" })
}

const kinds = { RS256: "rsa", PS256: "rsa", ES256: "ec", EdDSA: "ed25519" } as const

/** The claims of a JWT, not verified; undefined for text that is none. */
export function readClaims(token: string): Record<string, unknown> | undefined {
  const [, payload, signature, more] = token.split(".")
  if (!payload || signature === undefined || more !== undefined) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"))
    return typeof claims === "object" && claims !== null && !Array.isArray(claims) ? { ...claims } : undefined
  } catch {
    // Many tokens have dots and are no JWT.
    return undefined
  }
}
