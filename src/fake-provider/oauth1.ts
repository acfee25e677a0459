import { type SignatureMethod, signOAuth1 } from "../kit/oauth1.ts"
import type { Answer, Call } from "./answers.ts"
import { jsonAnswer, readText } from "./answers.ts"
import { makeToken, type OauthState } from "./grants.ts"

/** Answers `/oauth1/request_token`, `/oauth1/authorize` and `/oauth1/access_token` (RFC 5849 §2); else `undefined`. */
export function answerOauth1(state: OauthState, call: Call): Answer | undefined {
  if (call.path === "/oauth1/request_token") return answerRequest(state, call)
  if (call.path === "/oauth1/authorize") return answerAuthorize(state, call)
  if (call.path === "/oauth1/access_token") return answerAccess(state, call)
  return undefined
}

function answerRequest(state: OauthState, call: Call): Answer {
  const callback = membersOf(call).oauth_callback
  if (!callback || !checkSignature(state, call)) return refuse()
  const [token, secret] = [makeToken(state, "code"), makeToken(state, "code")]
  state.oauth1.set(token, { secret, callback, verifier: makeToken(state, "code"), kind: "request" })
  return form({ oauth_token: token, oauth_token_secret: secret, oauth_callback_confirmed: "true" })
}

function answerAuthorize(state: OauthState, call: Call): Answer {
  const token = call.query.get("oauth_token") ?? ""
  const known = state.oauth1.get(token)
  if (known?.kind !== "request") return refuse()
  const location = new URL(known.callback)
  location.searchParams.set("oauth_token", token)
  location.searchParams.set("oauth_verifier", known.verifier)
  return { status: 302, headers: { location: location.href } }
}

function answerAccess(state: OauthState, call: Call): Answer {
  const { oauth_token: old = "", oauth_verifier } = membersOf(call)
  const known = state.oauth1.get(old)
  if (known?.kind !== "request" || known.verifier !== oauth_verifier || !checkSignature(state, call)) return refuse()
  state.oauth1.delete(old)
  state.counters.tokenRequests++
  const [token, secret] = [makeToken(state, "access"), makeToken(state, "access")]
  state.oauth1.set(token, { ...known, secret, kind: "access" })
  return form({ oauth_token: token, oauth_token_secret: secret, user_id: state.options.user.id })
}

/** Whether the Authorization header is what the known client and token would have made of this request. */
export function checkSignature(state: OauthState, call: Call): boolean {
  const { realm, oauth_signature, ...members } = membersOf(call)
  const client = state.options.clients.find(({ id }) => id === members.oauth_consumer_key)
  if (!client?.secret || oauth_signature === undefined) return false
  const {
    oauth_consumer_key: _,
    oauth_nonce,
    oauth_signature_method,
    oauth_timestamp,
    oauth_token,
    oauth_version: __,
    ...extra
  } = members
  const isForm = (call.headers["content-type"] ?? "").startsWith("application/x-www-form-urlencoded")
  const expected = signOAuth1({
    method: call.method,
    url: new URL(call.url, call.base),
    consumerKey: client.id,
    consumerSecret: client.secret,
    token: oauth_token,
    tokenSecret: oauth_token === undefined ? undefined : state.oauth1.get(oauth_token)?.secret,
    signatureMethod: (oauth_signature_method ?? "") as SignatureMethod,
    nonce: oauth_nonce ?? "",
    timestamp: Number(oauth_timestamp),
    realm,
    extra,
    bodyParams: isForm ? [...new URLSearchParams(readText(call))] : [],
  })
  return readMembers(expected).oauth_signature === oauth_signature
}

const membersOf = (call: Call): Record<string, string> => readMembers(call.headers.authorization ?? "")

function readMembers(header: string): Record<string, string> {
  const pairs = [...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [
    name,
    decodeURIComponent(value),
  ])
  return Object.fromEntries(pairs)
}

const refuse = (): Answer =>
  jsonAnswer(401, { error: "invalid_signature", error_description: "The request is not signed as it must be." })

function form(fields: Record<string, string>): Answer {
  const headers = { "content-type": "application/x-www-form-urlencoded" }
  return { status: 200, headers, body: new URLSearchParams(fields).toString() }
}
