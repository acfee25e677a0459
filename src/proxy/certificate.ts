import { createPrivateKey, X509Certificate } from "node:crypto"
import type { Credentials } from "../auth/credentials.ts"
import type { Provider } from "../providers/model.ts"
import { faults } from "./model.ts"

/**
 * The client certificate of a connection whose provider wants one on every call (mutual TLS), as PEM. Throws
 * `invalid_certificate_or_key_format`, without quoting either.
 */
export function clientCertificate(
  provider: Provider,
  credentials: Credentials,
): { cert: string; key: string } | undefined {
  if (!provider.require_client_certificate || credentials.type !== "OAUTH2_CC") return undefined
  const { client_certificate: certificate, client_private_key: privateKey } = credentials
  if (!certificate || !privateKey) throw faults.invalid_certificate_or_key_format()
  const cert = wrapPem(certificate)
  const key = wrapPem(privateKey)
  try {
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw new Error("not a pair")
  } catch {
    // The reason of the crypto library may quote the key.
    throw faults.invalid_certificate_or_key_format()
  }
  return { cert, key }
}

/** PEM with its line breaks restored: one-line inputs turn them into spaces or into a backslash and an `n`. */
function wrapPem(text: string): string {
  const plain = text.replaceAll("\\r", "").replaceAll("\\n", "\n")
  return plain.replace(/(-----BEGIN [A-Z0-9 ]+-----)([\s\S]*?)(-----END [A-Z0-9 ]+-----)/g, (_, begin, body, end) => {
    const lines =
      String(body)
        .replace(/\s+/g, "")
        .match(/.{1,64}/g) ?? []
    return [begin, ...lines, `${end}\n`].join("\n")
  })
}
