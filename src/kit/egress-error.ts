/**
 * A request that the gate refused or that the network failed. `code` is one of `url_not_allowed`,
 * `proxy_redirect_to_denied_host`, `too_many_redirects`, `invalid_redirect`, `invalid_request`, `response_too_large`,
 * or the code of the network or TLS failure (`ECONNREFUSED`, `ECONNRESET`, `ETIMEDOUT`, `ENOTFOUND`, `EAI_AGAIN`,
 * `EHOSTUNREACH`, `UND_ERR_SOCKET`, `ERR_TLS_CERT_ALTNAME_INVALID`, `CERT_HAS_EXPIRED`, …). The message names the host,
 * never path, query or header.
 */
export class EgressError extends Error {
  readonly code: string
  readonly host: string | undefined

  constructor(code: string, message: string, host?: string) {
    super(message)
    this.name = "EgressError"
    this.code = code
    this.host = host
  }
}

const DNS_CODES: Record<string, string> = {
  ENODATA: "ENOTFOUND",
  ENONAME: "ENOTFOUND",
  ESERVFAIL: "EAI_AGAIN",
  ETIMEOUT: "EAI_AGAIN",
  ECONNREFUSED: "EAI_AGAIN",
  EREFUSED: "EAI_AGAIN",
}

/**
 * A failed name lookup as an `EgressError`: `ENOTFOUND` when the name does not exist, `EAI_AGAIN` when asking again may
 * help.
 */
export function lookupFailure(error: unknown, host: string): EgressError {
  const code = (codeOf(error) ?? "EAI_AGAIN").replace(/^DNS_/, "")
  const known = DNS_CODES[code] ?? code
  return new EgressError(known, `The host name ${host} could not be resolved (${known}).`, host)
}

/**
 * A failure of the network as an `EgressError`. The runtime's own text quotes the whole URL, which may hold a secret,
 * so only its code is kept. What the gate raised itself, and what the caller's body stream threw, passes as it is.
 */
export function networkFailure(error: unknown, host: string): unknown {
  if (error instanceof EgressError) return error
  const code = codeOf(error)
  if (!(error instanceof TypeError) && !/^[A-Z][A-Z0-9_]+$/.test(code ?? "")) return error
  const known = code ?? "UND_ERR_SOCKET"
  return new EgressError(known, `The request to ${host} failed (${known}).`, host)
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof DOMException || !("code" in error)) return undefined
  return typeof error.code === "string" && error.code !== "" ? error.code : undefined
}
