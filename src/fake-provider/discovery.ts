import type { Answer, Call } from "./answers.ts"
import { jsonAnswer, readObject } from "./answers.ts"
import { findGrant, makeToken, type OauthState } from "./grants.ts"

/**
 * Answers what a client can find out by itself: the descriptions of RFC 8414 and RFC 9728, `/oauth/register` (RFC 7591) and
 * `/oauth/introspect` (RFC 7662); else `undefined`. The origin in a description is that of the `x-forwarded-origin`
 * header, when there is one: so the fake can stand behind another name.
 */
export function answerDiscovery(state: OauthState, call: Call): Answer | undefined {
  const origin = call.headers["x-forwarded-origin"] ?? call.base
  if (call.path === "/mcp") return answerMcp(state, call, origin)
  if (call.path === "/.well-known/oauth-protected-resource/mcp") {
    return jsonAnswer(200, { resource: `${origin}/mcp`, authorization_servers: [origin], scopes_supported: ["mcp"] })
  }
  if (call.path === "/.well-known/oauth-authorization-server") return jsonAnswer(200, describeServer(origin))
  if (call.path === "/oauth/register" && call.method === "POST") return answerRegister(state, call)
  if (call.path === "/oauth/introspect" && call.method === "POST") return answerIntrospect(state, call)
  return undefined
}

const describeServer = (origin: string) => ({
  issuer: origin,
  authorization_endpoint: `${origin}/oauth/authorize`,
  token_endpoint: `${origin}/oauth/token`,
  registration_endpoint: `${origin}/oauth/register`,
  code_challenge_methods_supported: ["S256"],
  grant_types_supported: ["authorization_code", "refresh_token"],
})

function answerMcp(state: OauthState, call: Call, origin: string): Answer {
  const token = /^bearer (\S+)$/i.exec(call.headers.authorization ?? "")?.[1]
  if (token !== undefined && findGrant(state, token)) return jsonAnswer(200, { jsonrpc: "2.0", result: {}, id: 1 })
  const challenge = `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`
  return jsonAnswer(401, { error: "unauthorized" }, { "www-authenticate": challenge })
}

function answerRegister(state: OauthState, call: Call): Answer {
  const { redirect_uris } = readObject(call)
  if (!Array.isArray(redirect_uris) || redirect_uris.length === 0) {
    return jsonAnswer(400, { error: "invalid_redirect_uri", error_description: "redirect_uris is required" })
  }
  const id = makeToken(state, "code")
  state.options.clients.push({ id, redirectUris: redirect_uris.map(String) })
  return jsonAnswer(201, { client_id: id, redirect_uris })
}

function answerIntrospect(state: OauthState, call: Call): Answer {
  const token = new URLSearchParams(new TextDecoder().decode(call.body)).get("token") ?? ""
  const known = state.access.get(token)
  if (!known || !findGrant(state, token)) return jsonAnswer(200, { active: false })
  return jsonAnswer(200, { active: true, exp: Math.floor(known.expiresMs / 1000), scope: known.grant.scope })
}
