import type { Credentials } from "../auth/credentials.ts"
import { isKeyPair, wrapPem } from "../kit/pem.ts"
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
  if (!isKeyPair(cert, key)) throw faults.invalid_certificate_or_key_format()
  return { cert, key }
}
