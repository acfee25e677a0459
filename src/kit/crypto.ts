import { createCipheriv, createDecipheriv, createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { defineFaults } from "./errors.ts"

export const cryptoFaults = defineFaults({
  invalid_encryption_key: [400, "The encryption key must be 32 bytes in base64."],
  wrong_encryption_key: [409, "The data was encrypted with another key."],
})

/** A master key. `id` is a short digest that is stored beside each ciphertext to tell which key made it. */
export type MasterKey = { id: string; bytes: Buffer }

/** The keys of a store: one seals what is written, and each opens what it has sealed. `sealing` changes when keys are rotated. */
export type KeyRing = { sealing: MasterKey; readonly opening: Map<string, MasterKey> }

export const createKeyRing = (sealing: MasterKey, retired: readonly MasterKey[] = []): KeyRing => ({
  sealing,
  opening: new Map([...retired, sealing].map((key) => [key.id, key])),
})

/** Where a ciphertext lives. It is bound to that place, so a stored value cannot be moved to another row. */
export type Place = { table: string; column: string; row: string | number }

/** Reads a key given as base64 of 32 bytes. Throws `invalid_encryption_key`. */
export function parseMasterKey(text: string): MasterKey {
  const trimmed = text.trim()
  const bytes = Buffer.from(trimmed, "base64")
  // Node skips what is no base64; a key with a slip in it must not pass as another key.
  if (bytes.length !== 32 || !/^[A-Za-z0-9+/_-]+=?$/.test(trimmed)) {
    throw cryptoFaults.invalid_encryption_key({ hint: "Make one with: openssl rand -base64 32" })
  }
  return { id: createHash("sha256").update("sluice-key-id").update(bytes).digest("hex").slice(0, 12), bytes }
}

/** A new key as base64 text. */
export const generateMasterKey = (): string => randomBytes(32).toString("base64")

const version = "v1"
const nonceBytes = 12
const tagBytes = 16
const aad = (place: Place) => Buffer.from(`${place.table}\0${place.column}\0${place.row}`)

/** AES-256-GCM with a random nonce: `v1.<key id>.<nonce>.<ciphertext + tag>`, parts in base64url. */
export function seal({ sealing: key }: KeyRing, place: Place, plain: string): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv("aes-256-gcm", key.bytes, nonce)
  cipher.setAAD(aad(place))
  const sealed = Buffer.concat([cipher.update(plain, "utf8"), cipher.final(), cipher.getAuthTag()])
  return [version, key.id, nonce.toString("base64url"), sealed.toString("base64url")].join(".")
}

/** The id of the key that made a ciphertext; undefined when it is none. */
export function keyIdOf(text: string): string | undefined {
  const [form, keyId] = text.split(".", 2)
  return form === version ? keyId : undefined
}

/** Opens what `seal` made. Throws `wrong_encryption_key` when no key of the ring, the place and the text belong together. */
export function unseal(ring: KeyRing, place: Place, text: string): string {
  const [form, keyId = "", nonceText = "", body = ""] = text.split(".")
  const key = ring.opening.get(keyId)
  const nonce = Buffer.from(nonceText, "base64url")
  const bytes = Buffer.from(body, "base64url")
  // A shorter tag would be accepted and could be guessed.
  const whole = nonce.length === nonceBytes && bytes.length >= tagBytes
  if (form !== version || !key || !whole) throw cryptoFaults.wrong_encryption_key()
  const decipher = createDecipheriv("aes-256-gcm", key.bytes, nonce, { authTagLength: tagBytes })
  decipher.setAAD(aad(place))
  decipher.setAuthTag(bytes.subarray(-tagBytes))
  try {
    return decipher.update(bytes.subarray(0, -tagBytes), undefined, "utf8") + decipher.final("utf8")
  } catch (cause) {
    throw cryptoFaults.wrong_encryption_key({ cause })
  }
}

export const sha256Hex = (text: string): string => createHash("sha256").update(text).digest("hex")

/** Compares two texts in a time that does not depend on where they differ. */
export function equalInConstantTime(a: string, b: string): boolean {
  const left = createHash("sha256").update(a).digest()
  const right = createHash("sha256").update(b).digest()
  return timingSafeEqual(left, right)
}
