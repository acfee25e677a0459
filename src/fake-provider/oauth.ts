import type { Answer, Call } from "./answers.ts"
import { jsonAnswer } from "./answers.ts"
import type { Code, Grant, OauthState } from "./grants.ts"
import { findGrant, makeToken } from "./grants.ts"
import { answerRevoke, answerToken } from "./tokens.ts"

const CODE_LIFE_MS = 10 * 60_000

/** Answers `/oauth/authorize`, `/oauth/token`, `/oauth/revoke` and `/oauth/userinfo`; else `undefined`. */
export function answerOauth(state: OauthState, call: Call): Answer | undefined {
  const isPost = call.method === "POST"
  if (call.path === "/oauth/authorize") return answerAuthorize(state, call)
  if (call.path === "/oauth/token") return isPost ? answerToken(state, call) : onlyPost()
  if (call.path === "/oauth/revoke") return isPost ? answerRevoke(state, call) : onlyPost()
  if (call.path === "/oauth/userinfo") return answerUserinfo(state, call)
  return undefined
}

function onlyPost(): Answer {
  return jsonAnswer(405, { error: "invalid_request", error_description: "Use POST." }, { allow: "POST" })
}

/** The grant of the bearer token of a call, or the answer that refuses it (RFC 6750 §3). */
export function checkBearer(state: OauthState, call: Call): Grant | Answer {
  const token = /^(?:bearer|token)\s+(\S+)$/i.exec(call.headers.authorization ?? "")?.[1]
  if (token === undefined) {
    const body = {
      error: "unauthorized",
      error_description: "A bearer token is needed.",
    }
    return jsonAnswer(401, body, { "www-authenticate": "Bearer" })
  }
  const body = {
    error: "invalid_token",
    error_description: "The token is unknown, expired or revoked.",
  }
  return (
    findGrant(state, token) ??
    jsonAnswer(401, body, {
      "www-authenticate": 'Bearer error="invalid_token"',
    })
  )
}

function answerUserinfo(state: OauthState, call: Call): Answer {
  const grant = checkBearer(state, call)
  if ("status" in grant) return grant
  const { id, name, email } = state.options.user
  return jsonAnswer(200, grant.hasUser ? { sub: id, name, email } : { sub: grant.clientId })
}

/**
 * RFC 6749 §4.1.1. A wrong client or redirect_uri is told to the person; every other mistake goes back to the client.
 * `auto=1` (or the option) answers at once; `decision=allow|deny` is what the buttons of the page send; `error=<code>`
 * asks for that error.
 */
function answerAuthorize(state: OauthState, call: Call): Answer {
  const { query } = call
  const client = state.options.clients.find((known) => known.id === query.get("client_id"))
  const redirectUri = query.get("redirect_uri") ?? ""
  if (!client) return page(400, "Unknown client", "<p>No client has this client_id.</p>")
  if (!isRedirect(redirectUri) || client.redirectUris?.includes(redirectUri) === false) {
    return page(400, "Wrong redirect", "<p>This redirect_uri is not allowed.</p>")
  }
  const wanted =
    state.options.authorizeError ?? query.get("error") ?? mistakeOf(state, query, client.secret === undefined)
  const decision = query.get("decision") ?? (state.options.auto || query.get("auto") === "1" ? "allow" : undefined)
  if (wanted !== undefined)
    return goBack(call, redirectUri, {
      error: wanted,
      error_description: `asked: ${wanted}`,
    })
  if (decision === undefined) return consentPage(call)
  if (decision !== "allow") return goBack(call, redirectUri, { error: "access_denied" })

  state.counters.authorizations++
  const code = makeToken(state, "code")
  const grant = {
    clientId: client.id,
    scope: query.get("scope") || query.get("user_scope") || "",
    hasUser: true,
    revoked: false,
  }
  state.codes.set(code, {
    grant,
    redirectUri,
    used: false,
    expiresMs: Date.now() + CODE_LIFE_MS,
    ...challengeOf(query),
  })
  return goBack(call, redirectUri, { code })
}

function isRedirect(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).hash === ""
}

function mistakeOf(state: OauthState, query: URLSearchParams, isPublic: boolean): string | undefined {
  if (query.get("response_type") !== "code") return "unsupported_response_type"
  const method = query.get("code_challenge_method") ?? "plain"
  if (method !== "plain" && method !== "S256") return "invalid_request"
  const needsPkce = state.options.requirePkce || isPublic
  return needsPkce && !query.has("code_challenge") ? "invalid_request" : undefined
}

function challengeOf(query: URLSearchParams): Pick<Code, "challenge" | "challengeMethod"> {
  const challengeMethod = query.get("code_challenge_method") === "S256" ? "S256" : "plain"
  return {
    challenge: query.get("code_challenge") ?? undefined,
    challengeMethod,
  }
}

function goBack(call: Call, redirectUri: string, answer: Record<string, string>): Answer {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value)
  const sent = call.query.get("state")
  if (sent !== null) url.searchParams.set("state", sent)
  return {
    status: 302,
    headers: { location: url.href, "cache-control": "no-store" },
  }
}

function consentPage(call: Call): Answer {
  const kept = [...call.query].map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  )
  const scope = call.query.get("scope") ?? ""
  const body = `<p><b>${escapeHtml(call.query.get("client_id") ?? "")}</b> asks for: <code>${escapeHtml(scope) || "no scope"}</code></p>
<form method="get">${kept.join("")}
<button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></form>`
  return page(200, "Allow access?", body)
}

function page(status: number, title: string, body: string): Answer {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>${body}</html>`
  return {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
    },
    body: html,
  }
}

function escapeHtml(text: string): string {
  const names: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  }
  return text.replace(/[&<>"']/g, (char) => names[char] ?? char)
}
