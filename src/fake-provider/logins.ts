import { createHash } from "node:crypto"
import { readClaims } from "../kit/jwt.ts"
import { readXml } from "../kit/xml.ts"
import type { Answer, Call } from "./answers.ts"
import { jsonAnswer, readText } from "./answers.ts"
import type { Grant, OauthState } from "./grants.ts"
import { findGrant, issueTokens } from "./grants.ts"
import { checkSignature } from "./oauth1.ts"

type Params = Record<string, unknown>
type Handler = (state: OauthState, call: Call, params: Params) => Answer

/**
 * Answers the logins that are not OAuth 2: `/login` (JSON, form, XML, query or Basic), `/login/refresh`,
 * `/login/exchange` (a second step), `/login/cookie`, `/bill/login`, `/app/installations/:id/access_tokens`, `/sts`, and
 * `/whoami`, which says how the caller proved itself; else `undefined`.
 */
export function answerLogins(state: OauthState, call: Call): Answer | undefined {
  const installation = /^\/app\/installations\/([\w-]+)\/access_tokens$/.exec(call.path)?.[1]
  if (installation !== undefined) return answerInstallation(state, call, installation)
  const handler = Object.hasOwn(HANDLERS, call.path) ? HANDLERS[call.path] : undefined
  return handler?.(state, call, readParams(call))
}

const HANDLERS: Record<string, Handler> = {
  "/login": (state, call, params) => (isPerson(state, call, params) ? tokenAnswer(state, call, params) : refused()),
  "/login/refresh": (state, call, params) => {
    const known = state.refresh.get(String(params.refresh_token ?? bearerOf(call) ?? ""))
    if (!known || known.grant.revoked) return refused()
    return tokenAnswer(state, call, params)
  },
  "/login/exchange": (state, call, params) => {
    const first = String(params.token ?? bearerOf(call) ?? "")
    return findGrant(state, first) ? jsonAnswer(200, { session: { id: newToken(state) } }) : refused()
  },
  "/login/cookie": (state, call, params) => {
    if (!isPerson(state, call, params)) return refused()
    const token = newToken(state)
    const cookies = [`session=${token}; Path=/; HttpOnly`, "route=n1; Path=/"]
    return jsonAnswer(200, { SessionId: token }, { "set-cookie": cookies })
  },
  "/bill/login": (state, call, params) => {
    const isKnown = isPerson(state, call, params) && params.devKey === state.options.login.apiKey
    return isKnown ? jsonAnswer(200, { sessionId: newToken(state), userId: "u1" }) : refused()
  },
  "/sts": (state, _, params) => answerSts(state, params),
  "/whoami": (state, call) => {
    const how = proofOf(state, call)
    return how === undefined ? refused() : jsonAnswer(200, { auth: how })
  },
}

function readParams(call: Call): Params {
  const query = Object.fromEntries(call.query)
  const text = readText(call)
  try {
    if (text.trimStart().startsWith("<")) return { ...query, ...(readXml(text).login as Params) }
    if (text.startsWith("{")) return { ...query, ...(JSON.parse(text) as Params) }
  } catch {
    // What cannot be read is a login without a name.
    return query
  }
  return { ...query, ...Object.fromEntries(new URLSearchParams(text)) }
}

const basicOf = (call: Call): string | undefined => {
  const text = /^basic (.+)$/i.exec(call.headers.authorization ?? "")?.[1]
  return text === undefined ? undefined : Buffer.from(text, "base64").toString()
}
const bearerOf = (call: Call): string | undefined => /^bearer (\S+)$/i.exec(call.headers.authorization ?? "")?.[1]

function isPerson({ options }: OauthState, call: Call, params: Params): boolean {
  const { username, password } = options.login
  return (params.username === username && params.password === password) || basicOf(call) === `${username}:${password}`
}

function newGrant(): Grant {
  return { clientId: "login", scope: "", hasUser: true, revoked: false }
}

const newToken = (state: OauthState): string => issueTokens(state, newGrant(), false).accessToken

function tokenAnswer(state: OauthState, call: Call, params: Params): Answer {
  const { accessToken, refreshToken, expiresIn } = issueTokens(state, newGrant(), true)
  state.counters.tokenRequests++
  const format = call.query.get("answer") ?? params.answer
  if (format === "text") return { status: 200, headers: { "content-type": "text/plain" }, body: accessToken }
  if (format === "xml") {
    const body = `<response><result><sessionid>${accessToken}</sessionid></result></response>`
    return { status: 200, headers: { "content-type": "application/xml" }, body }
  }
  const life = expiresIn === null ? {} : { expires_in: expiresIn }
  return jsonAnswer(200, { data: { token: accessToken, refresh: refreshToken, ...life }, instance: "n1" })
}

function refused(): Answer {
  return jsonAnswer(401, { error: "invalid_login", error_description: "The name or the password is wrong." })
}

/** docs.github.com/rest/apps (create an installation access token): the app speaks with its own JWT. */
function answerInstallation(state: OauthState, call: Call, id: string): Answer {
  const claims = readClaims(bearerOf(call) ?? "")
  if (call.method !== "POST" || claims?.iss === undefined) return jsonAnswer(401, { message: "A JWT is needed" })
  if (id === "404") return jsonAnswer(404, { message: "Not Found" })
  const { accessToken, expiresIn } = issueTokens(state, newGrant(), false)
  state.counters.tokenRequests++
  const expires_at = new Date(Number(claims.iat) * 1000 + (expiresIn ?? 3600) * 1000).toISOString()
  return jsonAnswer(201, { token: accessToken, expires_at, installation: id })
}

/** docs.aws.amazon.com/STS/latest/APIReference: AssumeRole and GetCallerIdentity, in XML as AWS answers. */
function answerSts(state: OauthState, params: Params): Answer {
  const xml = (body: string): Answer => ({ status: 200, headers: { "content-type": "text/xml" }, body })
  const role = String(params.RoleArn ?? "")
    .split("/")
    .at(-1)
  if (params.Action === "GetCallerIdentity") {
    const arn = `arn:aws:sts::123456789012:assumed-role/${state.options.login.role}/session`
    return xml(
      `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>${arn}</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`,
    )
  }
  if (params.Action !== "AssumeRole" || role !== state.options.login.role) {
    const error =
      "<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized to assume the role</Message></Error></ErrorResponse>"
    return { status: 403, headers: { "content-type": "text/xml" }, body: error }
  }
  state.counters.tokenRequests++
  const keys = `<AccessKeyId>ASIAFAKE${state.counters.tokenRequests}</AccessKeyId><SecretAccessKey>${newToken(state)}</SecretAccessKey><SessionToken>${newToken(state)}</SessionToken>`
  return xml(
    `<AssumeRoleResponse><AssumeRoleResult><Credentials>${keys}</Credentials></AssumeRoleResult></AssumeRoleResponse>`,
  )
}

/** How a request proved who it is, in one word. */
function proofOf(state: OauthState, call: Call): string | undefined {
  const { apiKey } = state.options.login
  const { headers } = call
  if (headers["x-api-key"] === apiKey || call.query.get("api_key") === apiKey) return "api_key"
  if (isPerson(state, call, {})) return "basic"
  if (headers.authorization?.startsWith("OAuth ")) return checkSignature(state, call) ? "oauth1" : undefined
  if (headers.authorization?.startsWith("AWS4-HMAC-SHA256 ")) return headers["x-amz-security-token"] ? "aws" : undefined
  if (headers["x-wsse"]) return isWsse(state, headers["x-wsse"]) ? "wsse" : undefined
  const cookie = /session=(\S+?)(?:;|$)/.exec(headers.cookie ?? "")?.[1]
  if (cookie !== undefined) return findGrant(state, cookie) ? "cookie" : undefined
  const token = bearerOf(call) ?? headers["x-session"]
  return token !== undefined && findGrant(state, token) ? "bearer" : undefined
}

function isWsse({ options }: OauthState, value: string): boolean {
  const member = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(value)?.[1] ?? ""
  const text = `${member("Nonce")}${member("Created")}${options.login.password}`
  const digest = Buffer.from(createHash("sha1").update(text).digest("hex")).toString("base64")
  return member("Username") === options.login.username && member("PasswordDigest") === digest
}
