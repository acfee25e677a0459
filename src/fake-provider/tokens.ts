import { createHash, timingSafeEqual } from "node:crypto"
import type { Answer, Call } from "./answers.ts"
import { jsonAnswer, readText } from "./answers.ts"
import type { Grant, Issued, OauthState } from "./grants.ts"
import { issueTokens, revokeToken } from "./grants.ts"

type Params = Record<string, string>
type Refusal = { error: string; description: string; status?: 401 }
type Outcome = Issued | Refusal

/** Answers `POST /oauth/token` (RFC 6749 §5). */
export function answerToken(state: OauthState, call: Call): Answer {
  state.counters.tokenRequests++
  const params = readParams(call)
  const outcome = params
    ? exchange(state, call, params)
    : refuse("invalid_request", "the body is neither form nor JSON")
  if ("error" in outcome) state.counters.tokenFailures++
  return "error" in outcome ? refusalAnswer(state, call, outcome) : tokenAnswer(state, outcome)
}

/** Answers `POST /oauth/revoke` (RFC 7009). */
export function answerRevoke(state: OauthState, call: Call): Answer {
  const params = readParams(call) ?? {}
  const client = checkClient(state, call, params)
  if (typeof client !== "string") return refusalAnswer(state, call, client)
  revokeToken(state, params.token ?? "")
  return { status: 200 }
}

function readParams(call: Call): Params | undefined {
  const text = readText(call)
  if (!(call.headers["content-type"] ?? "").includes("json")) return Object.fromEntries(new URLSearchParams(text))
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, String(member)]))
  } catch {
    // A broken body is the client's mistake and is answered as one.
    return undefined
  }
}

function refuse(error: string, description: string, status?: 401): Refusal {
  return { error, description, status }
}

function exchange(state: OauthState, call: Call, params: Params): Outcome {
  const kind = params.grant_type ?? ""
  const client = checkClient(state, call, params)
  if (typeof client !== "string") return client
  const redeem = GRANTS.get(kind)
  if (!redeem) return refuse("unsupported_grant_type", `"${kind}" is not a grant type here`)
  state.counters.byGrant[kind] = (state.counters.byGrant[kind] ?? 0) + 1
  return redeem(state, params, client)
}

/** The client id, when the client proved itself as §2.3.1 says. */
function checkClient(state: OauthState, call: Call, params: Params): string | Refusal {
  const basic = /^basic\s+(.+)$/i.exec(call.headers.authorization ?? "")?.[1]
  const { clientAuth, clients } = state.options
  if (basic !== undefined && clientAuth === "body") return refuse("invalid_client", "send the client in the body", 401)
  if (basic === undefined && clientAuth === "basic") return refuse("invalid_client", "send the client as Basic", 401)
  const [id, secret] = basic === undefined ? [params.client_id, params.client_secret] : readBasic(basic)
  const client = clients.find((known) => known.id === id)
  if (!client || (client.secret !== undefined && !isEqual(client.secret, secret ?? ""))) {
    return refuse("invalid_client", "unknown client or wrong secret", 401)
  }
  return client.id
}

function readBasic(text: string): [string, string] {
  const [id = "", ...rest] = Buffer.from(text, "base64").toString().split(":")
  return [unescapeForm(id), unescapeForm(rest.join(":"))]
}

function unescapeForm(text: string): string {
  return new URLSearchParams(`v=${text.replaceAll("&", "%26")}`).get("v") ?? ""
}

function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(hash(a), hash(b))
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest()
}

function redeemCode(state: OauthState, params: Params, clientId: string): Outcome {
  const code = state.codes.get(params.code ?? "")
  if (!code || code.grant.clientId !== clientId) return refuse("invalid_grant", "the code is not known")
  if (code.used) {
    // RFC 6749 §4.1.2: a code that comes twice may be stolen, so what it gave is taken back.
    code.grant.revoked = true
    return refuse("invalid_grant", "the code was used before")
  }
  if (code.expiresMs <= Date.now()) return refuse("invalid_grant", "the code has expired")
  if (code.redirectUri !== params.redirect_uri)
    return refuse("invalid_grant", "redirect_uri is not that of the request")
  if (!isVerified(code, params.code_verifier)) return refuse("invalid_grant", "code_verifier does not fit")
  code.used = true
  return issueTokens(state, code.grant, true)
}

/** RFC 7636 §4.6; a verifier without challenge is refused too (RFC 9700 §2.1.1, PKCE downgrade). */
function isVerified(code: { challenge?: string; challengeMethod: string }, verifier: string | undefined): boolean {
  if (code.challenge === undefined) return verifier === undefined
  if (verifier === undefined) return false
  const isPlain = code.challengeMethod === "plain"
  return isEqual(code.challenge, isPlain ? verifier : hash(verifier).toString("base64url"))
}

function refreshTokens(state: OauthState, params: Params, clientId: string): Outcome {
  const refresh = state.refresh.get(params.refresh_token ?? "")
  if (!refresh || refresh.grant.clientId !== clientId || refresh.grant.revoked) {
    return refuse("invalid_grant", "the refresh token is not known")
  }
  if (refresh.rotated) {
    if (state.options.revokeOnReuse) refresh.grant.revoked = true
    return refuse("invalid_grant", "the refresh token was used before")
  }
  if (!state.options.rotate) return issueTokens(state, refresh.grant, false)
  refresh.rotated = true
  return issueTokens(state, refresh.grant, true)
}

function grantClient(state: OauthState, params: Params, clientId: string): Outcome {
  const grant: Grant = {
    clientId,
    scope: params.scope ?? "",
    hasUser: false,
    revoked: false,
  }
  return issueTokens(state, grant, false)
}

const GRANTS = new Map([
  ["authorization_code", redeemCode],
  ["refresh_token", refreshTokens],
  ["client_credentials", grantClient],
])

const NO_STORE = { "cache-control": "no-store", pragma: "no-cache" }

function tokenAnswer(state: OauthState, issued: Issued): Answer {
  const { answer, user } = state.options
  const fields = {
    access_token: issued.accessToken,
    ...(issued.expiresIn === null ? {} : { expires_in: issued.expiresIn }),
    ...(issued.refreshToken === undefined ? {} : { refresh_token: issued.refreshToken }),
    scope: issued.grant.scope,
  }
  if (answer === "slack") {
    // https://docs.slack.dev/reference/methods/oauth.v2.access: user tokens stand under `authed_user` only.
    const authed = { id: user.id, token_type: "user", ...fields }
    return jsonAnswer(
      200,
      {
        ok: true,
        app_id: "A0FAKE",
        team: { id: "T0FAKE", name: "Fake team" },
        authed_user: authed,
      },
      NO_STORE,
    )
  }
  if (answer === "json") return jsonAnswer(200, { token_type: "bearer", ...fields }, NO_STORE)
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries({ token_type: "bearer", ...fields })) form.set(name, String(value))
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    ...NO_STORE,
  }
  return { status: 200, headers, body: form.toString() }
}

function refusalAnswer(state: OauthState, call: Call, refusal: Refusal): Answer {
  if (state.options.answer === "slack") return jsonAnswer(200, { ok: false, error: refusal.error }, NO_STORE)
  const body = { error: refusal.error, error_description: refusal.description }
  const asked = refusal.status === 401 && call.headers.authorization !== undefined
  const headers: Record<string, string> = asked ? { "www-authenticate": 'Basic realm="fake provider"' } : {}
  return jsonAnswer(refusal.status ?? 400, body, { ...NO_STORE, ...headers })
}
