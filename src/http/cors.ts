const allowedHeaders =
  "Authorization, Content-Type, Accept, Origin, X-Requested-With, Nango-Activity-Log-Id, Nango-Is-Dry-Run, Nango-Is-Sync, Provider-Config-Key, Connection-Id, Sentry-Trace, Baggage"
const exposedHeaders =
  "Authorization, Etag, Content-Type, Content-Length, X-Nango-Signature, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"

/** What every answer carries, so that pages of any origin can read it and none can be framed or sniffed. */
export function cors(response: Response): Response {
  response.headers.set("access-control-allow-origin", "*")
  response.headers.set("access-control-expose-headers", exposedHeaders)
  response.headers.set("x-content-type-options", "nosniff")
  response.headers.set("x-frame-options", "SAMEORIGIN")
  response.headers.set("referrer-policy", "strict-origin")
  return response
}

export function preflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "GET,HEAD,PUT,PATCH,POST,DELETE",
      "access-control-allow-headers": allowedHeaders,
      "access-control-max-age": "600",
    },
  })
}
