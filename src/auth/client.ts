import { createPrivateKey, type JsonWebKeyInput, type KeyObject } from "node:crypto"
import { signJwt } from "../kit/jwt.ts"
import { readPrivateKey } from "../kit/pem.ts"
import type { AuthTarget, ClientOverride } from "./mode.ts"
import { authFaults } from "./faults.ts"

/** The OAuth client that asks: the connection's own, a registered one, or the integration's. */
export type Client = { id: string; secret: string }

/** Throws `provider_config_err` when there is none. */
export function clientOf(target: AuthTarget, override: ClientOverride | StoredOverride = {}): Client {
  const own = toOverride(override)
  const registered = target.connectionConfig.oauth_client_info as
    { client_id?: unknown; client_secret?: unknown } | undefined
  const app = target.app && "client_id" in target.app ? target.app : undefined
  const id = own.clientId || text(registered?.client_id) || app?.client_id || ""
  const isRegistered = !own.clientId && text(registered?.client_id) !== ""
  // The secret of one client must not be sent with the id of another.
  const secret =
    own.clientSecret ||
    (isRegistered ? text(registered?.client_secret) : own.clientId ? "" : (app?.client_secret ?? ""))
  if (id === "") throw authFaults.provider_config_err({ message: "The integration has no client id." })
  return { id, secret }
}

type StoredOverride = { client_id?: string; client_secret?: string }

const toOverride = (given: ClientOverride | StoredOverride): ClientOverride =>
  "client_id" in given || "client_secret" in given
    ? { clientId: given.client_id, clientSecret: given.client_secret }
    : (given as ClientOverride)

const text = (value: unknown): string => (typeof value === "string" ? value : "")

/** Basic credentials as RFC 6749 §2.3.1 wants them: both parts form-encoded first. */
export const basicHeader = ({ id, secret }: Client): string => basicRaw(formEncode(id), formEncode(secret))

/** Basic credentials as they are, which most providers expect. */
export const basicRaw = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`

const formEncode = (value: string): string => new URLSearchParams({ v: value }).toString().slice(2)

/** A client assertion (RFC 7523 §2.2), good for five minutes. Claims given replace the usual ones. */
export function clientAssertion(input: {
  clientId: string
  audience: string
  key: KeyObject
  kid?: string
  now: Date
  claims?: Record<string, unknown>
}): string {
  const iat = Math.floor(input.now.getTime() / 1000)
  const payload = {
    iss: input.clientId,
    sub: input.clientId,
    aud: input.audience,
    iat,
    exp: iat + 300,
    jti: crypto.randomUUID(),
  }
  const header = input.kid === undefined ? {} : { kid: input.kid }
  return signJwt("RS256", input.key, { header, payload: { ...payload, ...input.claims } })
}

export const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/** An RSA key written as JWK. Throws `invalid_client_private_key_format`, without quoting it. */
export function readJwk(text: string): { key: KeyObject; kid?: string } {
  try {
    const jwk = JSON.parse(text) as JsonWebKeyInput["key"] & { kid?: unknown }
    const key = createPrivateKey({ key: jwk, format: "jwk" })
    if (key.asymmetricKeyType !== "rsa") throw new TypeError("not RSA")
    return { key, kid: typeof jwk.kid === "string" ? jwk.kid : undefined }
  } catch {
    // The library's reason may quote the key.
    throw authFaults.invalid_client_private_key_format()
  }
}

/** An RSA key in PEM. Throws `invalid_signing_key`. */
export function readRsaKey(text: string): KeyObject {
  const key = readPrivateKey(text)
  if (key?.asymmetricKeyType !== "rsa")
    throw authFaults.invalid_signing_key({ message: "The private key is not an RSA key in PEM form." })
  return key
}
