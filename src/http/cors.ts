const allowedHeaders =
  "Authorization, Content-Type, Accept, Origin, X-Requested-With, Nango-Activity-Log-Id, Nango-Is-Dry-Run, Nango-Is-Sync, Provider-Config-Key, Connection-Id, Sentry-Trace, Baggage"
const exposedHeaders =
  "Authorization, Etag, Content-Type, Content-Length, X-Nango-Signature, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"

type Rules = { preflight: Record<string, string>; answer: Record<string, string> }

const everywhere: Rules = {
  preflight: {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET,HEAD,PUT,PATCH,POST,DELETE",
    "access-control-allow-headers": allowedHeaders,
    "access-control-max-age": "600",
  },
  answer: { "access-control-allow-origin": "*", "access-control-expose-headers": exposedHeaders },
}

/** The Connect page reports with `sendBeacon`, which always sends cookies along: an origin must be named for that. */
function forConnectPage(origin: string): Rules {
  const both = { "access-control-allow-origin": origin, "access-control-allow-credentials": "true" }
  return {
    preflight: {
      ...both,
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "Authorization, Content-type",
      "access-control-max-age": "36000",
    },
    answer: { ...both, "access-control-expose-headers": "content-type" },
  }
}

const telemetry = /^(?:[a-z]+:\/\/[^/?#]*)?\/connect\/telemetry\/?(?:[?#]|$)/i

/** The page is served by this daemon, so its origin is where the daemon is reached. */
const rulesOf = (url: string, serverUrl: () => string): Rules =>
  telemetry.test(url) ? forConnectPage(new URL(serverUrl()).origin) : everywhere

const guards = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "SAMEORIGIN",
  "referrer-policy": "strict-origin",
}

const guardEntries = Object.entries(guards)
const answerEntries = Object.entries(everywhere.answer)

/** Pages say themselves what they need; a policy of theirs also says who may frame them. */
function frame(headers: Headers): void {
  for (const [name, value] of guardEntries) {
    const isSaid = name === "x-frame-options" && headers.get("content-security-policy")?.includes("frame-ancestors")
    if (!headers.has(name) && !isSaid) headers.set(name, value)
  }
}

/** Sixty days. Said only by a server that is reached over TLS (RFC 6797 §7.2); elsewhere it would mean nothing. */
const onlySecure = "max-age=5184000"

/** What every answer carries, so that pages of any origin can read it and none can be framed or sniffed. */
export function cors(response: Response, url: string, serverUrl: () => string): Response {
  for (const [name, value] of Object.entries(rulesOf(url, serverUrl).answer)) response.headers.set(name, value)
  if (serverUrl().startsWith("https:")) response.headers.set("strict-transport-security", onlySecure)
  frame(response.headers)
  return response
}

export const preflight = (url: string, serverUrl: () => string): Response =>
  new Response(null, { status: 204, headers: rulesOf(url, serverUrl).preflight })

const foreign = ["access-control-allow-credentials", "access-control-allow-methods", "access-control-allow-headers"]

/** The same for an answer that somebody else made: who may read it is ours to say, the rest only where it says nothing. */
export function corsOver(response: Response): Response {
  const { headers } = response
  for (const name of foreign) headers.delete(name)
  for (const [name, value] of answerEntries) headers.set(name, value)
  for (const [name, value] of guardEntries) if (!headers.has(name)) headers.set(name, value)
  return response
}
