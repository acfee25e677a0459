import { createCipheriv, createDecipheriv, createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { defineFaults } from "./errors.ts"

export const cryptoFaults = defineFaults({
  invalid_encryption_key: [400, "The encryption key must be 32 bytes in base64."],
  wrong_encryption_key: [409, "The data was encrypted with another key."],
})

/** A master key. `id` is a short digest that is stored beside each ciphertext to tell which key made it. */
export type MasterKey = { id: string; bytes: Buffer }

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
export function seal(key: MasterKey, place: Place, plain: string): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv("aes-256-gcm", key.bytes, nonce)
  cipher.setAAD(aad(place))
  const sealed = Buffer.concat([cipher.update(plain, "utf8"), cipher.final(), cipher.getAuthTag()])
  return [version, key.id, nonce.toString("base64url"), sealed.toString("base64url")].join(".")
}

/** Opens what `seal` made. Throws `wrong_encryption_key` when the key, the place or the text do not belong together. */
export function unseal(key: MasterKey, place: Place, text: string): string {
  const [form, keyId, nonceText = "", body = ""] = text.split(".")
  const nonce = Buffer.from(nonceText, "base64url")
  const bytes = Buffer.from(body, "base64url")
  // A shorter tag would be accepted and could be guessed.
  const whole = nonce.length === nonceBytes && bytes.length >= tagBytes
  if (form !== version || keyId !== key.id || !whole) throw cryptoFaults.wrong_encryption_key()
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
