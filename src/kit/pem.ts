import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto"

/** PEM with its line breaks restored: one-line inputs turn them into spaces or into a backslash and an `n`. */
export function wrapPem(text: string): string {
  const plain = text.replaceAll("\\r", "").replaceAll("\\n", "\n")
  return plain.replace(/(-----BEGIN [A-Z0-9 ]+-----)([\s\S]*?)(-----END [A-Z0-9 ]+-----)/g, (_, begin, body, end) => {
    const lines =
      String(body)
        .replace(/\s+/g, "")
        .match(/.{1,64}/g) ?? []
    return [begin, ...lines, `${end}\n`].join("\n")
  })
}

/**
 * A private key in PEM (PKCS #1, PKCS #8 or SEC 1), as it is or as base64 of the PEM; undefined when it is none. The
 * reason is kept back, because the crypto library may quote the key.
 */
export function readPrivateKey(text: string): KeyObject | undefined {
  const pem = text.includes("-----BEGIN") ? text : Buffer.from(text, "base64").toString("utf8")
  try {
    return createPrivateKey(wrapPem(pem.trim()))
  } catch {
    // The question is whether it is a key.
    return undefined
  }
}

/** Whether a certificate and a private key (PEM with proper line breaks) belong together. */
export function isKeyPair(certificate: string, key: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
  } catch {
    // Either is not what it should be; the library's reason may quote it.
    return false
  }
}
