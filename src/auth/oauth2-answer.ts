import type { OAuth2Credentials } from "./credentials.ts"
import type { AppError, FaultDetails } from "../kit/errors.ts"
import type { TokenExchange } from "../providers/exchange.ts"
import type { Provider } from "../providers/model.ts"
import { isoExpiry, readInstant, readSpan } from "./expiry.ts"
import { authFaults } from "./faults.ts"
import { pickAnswer } from "./oauth2-exchange.ts"
import { type AnswerBody, memberAt, textAt } from "./token-answer.ts"
import { refusal } from "./token-request.ts"

type Reading = {
  provider: Provider
  knobs: TokenExchange | undefined
  now: Date
  refused: (details?: FaultDetails) => AppError
  secrets: readonly (string | undefined)[]
}
type Tokens = { access: string; refresh?: string; expiresAt?: number; scope: unknown }

/**
 * Reads an OAuth 2 token answer (RFC 6749 §5.1) with the provider's own names and places. An answer without a token that
 * tells of an error is the provider's refusal whatever its status; any other is `incomplete_raw_credentials`.
 */
export function readOAuth2(body: AnswerBody, reading: Reading): OAuth2Credentials {
  const tokens = findTokens(body, reading)
  if (!tokens) {
    const error = memberAt(body, "error")
    if (error !== undefined && error !== null && error !== false) throw refusal(reading, 200, body)
    throw authFaults.incomplete_raw_credentials()
  }
  return {
    type: "OAUTH2",
    access_token: tokens.access,
    ...(tokens.refresh === undefined ? {} : { refresh_token: tokens.refresh }),
    ...(tokens.expiresAt === undefined ? {} : { expires_at: isoExpiry(tokens.expiresAt) }),
    raw: typeof body === "object" && !Array.isArray(body) ? body : { body },
  }
}

function findTokens(body: AnswerBody, { provider, knobs, now }: Reading): Tokens | undefined {
  const names = { access_token: "access_token", refresh_token: "refresh_token", ...knobs?.response }
  const path = provider.alternate_access_token_response_path
  let source = pickAnswer(body, knobs)
  let access = textAt(source, names.access_token)
  if (access === undefined && path !== undefined) {
    const other = memberAt(body, path)
    source = typeof other === "object" ? other : source
    access = typeof other === "object" ? textAt(other, names.access_token) : textAt(body, path)
  }
  if (access === undefined) return undefined
  const expiresAt = expiryIn(source, { ...names, knobs, now, unit: provider.expires_in_unit })
  return { access, refresh: textAt(source, names.refresh_token), expiresAt, scope: memberAt(source, "scope") }
}

function expiryIn(
  source: unknown,
  options: { expires_at?: string; expires_in?: string; knobs?: TokenExchange; now: Date; unit?: string },
): number | undefined {
  const { now, knobs } = options
  if (knobs?.expires_in !== undefined) return now.getTime() + knobs.expires_in * 1000
  const at = readInstant(memberAt(source, options.expires_at ?? "expires_at"), now)
  if (at !== undefined) return at
  const span = readSpan(
    memberAt(source, options.expires_in ?? "expires_in"),
    options.unit === "milliseconds" ? 1 : 1000,
  )
  return span === undefined ? undefined : now.getTime() + span
}

/**
 * What a refresh makes of stored credentials: what the answer leaves out stays. A life time that is no longer told is
 * taken to be the one told before. `keepRaw` names members of the raw answer that stay as well.
 */
export function mergeRefreshed(
  old: OAuth2Credentials,
  fresh: OAuth2Credentials,
  now: Date,
  keepRaw: readonly string[] = [],
): OAuth2Credentials {
  const span = fresh.expires_at === undefined ? readSpan(old.raw?.expires_in) : undefined
  const refresh = fresh.refresh_token ?? old.refresh_token
  const kept = Object.entries(old.raw ?? {}).filter(([name]) => keepRaw.includes(name))
  return {
    ...fresh,
    raw: { ...Object.fromEntries(kept), ...fresh.raw },
    ...(refresh === undefined ? {} : { refresh_token: refresh }),
    ...(span === undefined ? {} : { expires_at: isoExpiry(now.getTime() + span) }),
    ...(old.config_override ? { config_override: old.config_override } : {}),
  }
}
