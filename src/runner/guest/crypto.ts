import type { BinaryLike, Cipheriv, Decipheriv, Encoding, Hash, Hmac } from "node:crypto"

const { getBuiltinModule } = process

/**
 * `crypto` for functions: what computes, and nothing that reads the machine. Hashes and ciphers come as plain objects,
 * because the module's own are streams and hang on to half of Node.
 */
export function cryptoModule(): Record<string, unknown> {
  // Only when a function asks: it would be a fifth of what makes a Worker ready (2.7 of 14 ms of processor time, Bun 1.4).
  const crypto = getBuiltinModule("node:crypto")
  return {
    ...passed(crypto, [
      ...["randomBytes", "randomUUID", "randomInt", "randomFillSync", "getRandomValues", "timingSafeEqual", "hash"],
      ...["pbkdf2Sync", "scryptSync", "hkdfSync", "getHashes", "getCiphers", "getCurves", "sign", "verify"],
      ...["createPrivateKey", "createPublicKey", "createSecretKey", "generateKeyPairSync", "generateKeySync"],
      ...["publicEncrypt", "publicDecrypt", "privateEncrypt", "privateDecrypt"],
    ]),
    constants: Object.freeze({ ...crypto.constants }),
    createHash: (algorithm: string) => wrapHash(crypto.createHash(algorithm)),
    createHmac: (algorithm: string, key: BinaryLike) => wrapHmac(crypto.createHmac(algorithm, key)),
    createCipheriv: (...args: Parameters<typeof crypto.createCipheriv>) => wrapCipher(crypto.createCipheriv(...args)),
    createDecipheriv: (...args: Parameters<typeof crypto.createDecipheriv>) =>
      wrapCipher(crypto.createDecipheriv(...args)),
    createSign: (algorithm: string) => wrapSigner(crypto.createSign(algorithm)),
    createVerify: (algorithm: string) => wrapSigner(crypto.createVerify(algorithm)),
    webcrypto: webCrypto(),
  }
}

/** The global `crypto` of the web platform. */
export function webCrypto(): Record<string, unknown> {
  const { subtle } = crypto
  const names = [
    "encrypt",
    "decrypt",
    "sign",
    "verify",
    "digest",
    "generateKey",
    "deriveKey",
    "deriveBits",
    "importKey",
  ]
  const methods = [...names, "exportKey", "wrapKey", "unwrapKey"].map((name) => {
    const method = (subtle as unknown as Record<string, (...args: unknown[]) => unknown>)[name]
    return [name, (...args: unknown[]) => method?.apply(subtle, args)] as const
  })
  return {
    randomUUID: () => crypto.randomUUID(),
    getRandomValues: (into: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(into),
    subtle: Object.fromEntries(methods),
  }
}

function passed(module: object, names: string[]): Record<string, unknown> {
  const table = module as Record<string, ((...args: unknown[]) => unknown) | undefined>
  const present = names.filter((name) => typeof table[name] === "function")
  return Object.fromEntries(present.map((name) => [name, (...args: unknown[]) => table[name]?.(...args)]))
}

function wrapHash(hash: Hash): Record<string, unknown> {
  return { ...wrapHmac(hash), copy: () => wrapHash(hash.copy()) }
}

function wrapHmac(hash: Hash | Hmac): Record<string, unknown> {
  const wrapped = {
    update(data: string, encoding?: Encoding) {
      if (encoding === undefined) hash.update(data)
      else hash.update(data, encoding)
      return wrapped
    },
    digest: (encoding?: "hex") => (encoding === undefined ? hash.digest() : hash.digest(encoding)),
  }
  return wrapped
}

function wrapCipher(cipher: Cipheriv | Decipheriv): Record<string, unknown> {
  const inner = cipher as unknown as Record<string, (...args: unknown[]) => unknown>
  const wrapped: Record<string, unknown> = {}
  for (const name of ["update", "final", "getAuthTag"]) wrapped[name] = (...args: unknown[]) => inner[name]?.(...args)
  for (const name of ["setAutoPadding", "setAuthTag", "setAAD"]) {
    wrapped[name] = (...args: unknown[]) => {
      inner[name]?.(...args)
      return wrapped
    }
  }
  return wrapped
}

function wrapSigner(signer: unknown): Record<string, unknown> {
  const inner = signer as Record<string, (...args: unknown[]) => unknown>
  const wrapped: Record<string, unknown> = {
    update(...args: unknown[]) {
      inner.update?.(...args)
      return wrapped
    },
  }
  for (const name of ["sign", "verify"]) {
    if (typeof inner[name] === "function") wrapped[name] = (...args: unknown[]) => inner[name]?.(...args)
  }
  return wrapped
}
