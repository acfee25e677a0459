import type { Provider } from "../providers/model.ts"
import { isoExpiry, never99, notAfterClaim, readInstant, readSpan } from "./expiry.ts"
import { authFaults } from "./faults.ts"
import { type AnswerBody, memberAt, textAt } from "./token-answer.ts"

/**
 * Token, refresh token and end of a login's answer, where the entry says that they stand. Throws
 * `invalid_two_step_credentials` when there is no token, or an end that cannot be read.
 */
export function readTwoStep(
  provider: Provider,
  body: AnswerBody,
  now: Date,
): { token: string; refresh_token?: string; expires_at?: string } {
  const places = provider.token_response ?? { token: "token" }
  const token = textAt(body, places.token)
  if (token === undefined) throw authFaults.invalid_two_step_credentials()
  const refresh = places.refresh_token === undefined ? undefined : textAt(body, places.refresh_token)
  const expiresAt = endOf(provider, body, token, now)
  const ends = expiresAt === undefined ? undefined : notAfterClaim(expiresAt, refresh)
  return {
    token,
    ...(refresh === undefined ? {} : { refresh_token: refresh }),
    ...(ends === undefined ? {} : { expires_at: isoExpiry(ends) }),
  }
}

function endOf(provider: Provider, body: AnswerBody, token: string, now: Date): number | undefined {
  const { token_expiration: path, token_expiration_strategy: strategy } = provider.token_response ?? {}
  const value = path === undefined ? undefined : memberAt(body, path)
  if (value !== undefined && value !== null) {
    const span = strategy === "expireIn" ? readSpan(value) : undefined
    const at = strategy === "expireIn" ? span && now.getTime() + span : readInstant(value, now)
    if (at !== undefined) return at
    throw authFaults.invalid_two_step_credentials({
      message: "The provider's answer has an expiration that cannot be read.",
    })
  }
  const { token_expires_in_ms: life } = provider
  if (life === 0) return undefined
  return notAfterClaim(now.getTime() + (life ?? never99), token)
}

/** Headers of the answer that later requests need. Cookies become one member each, and `_cookies` for the header. */
export function capturedHeaders(headers: Headers, names: readonly string[] = []): Record<string, string> {
  const captured: Record<string, string> = {}
  for (const name of names.map((one) => one.toLowerCase())) {
    if (name !== "set-cookie") {
      const value = headers.get(name)
      if (value !== null) captured[name] = value
      continue
    }
    const pairs = headers.getSetCookie().map((cookie) => (cookie.split(";")[0] ?? "").trim())
    const named = pairs.filter((pair) => /^[^=]+=/.test(pair) && !pair.startsWith("__proto__="))
    for (const pair of named) captured[pair.slice(0, pair.indexOf("="))] = pair.slice(pair.indexOf("=") + 1)
    if (named.length > 0) captured._cookies = named.join("; ")
  }
  return captured
}
