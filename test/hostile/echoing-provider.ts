/** What the provider was asked, and what it shall answer at the paths of tokens. */
export type EchoingProvider = {
  url: string
  asked: { path: string; query: URLSearchParams; headers: Record<string, string>; body: string }[]
  /** The next answers of `/token` and `/login`, in order; when there is none, they refuse and repeat what they got. */
  tokens: Record<string, unknown>[]
  stop: () => Promise<void>
}

/**
 * A provider that repeats what it is told wherever an answer can hold it: body, error texts, headers, the reason of a
 * redirect. `/fail/<status>` answers with that status, `/redirect` sends on to `/landed` with a secret in the query;
 * everything else is 200.
 */
export function startEchoingProvider(extra: { cookie: string; location: string }): EchoingProvider {
  const asked: EchoingProvider["asked"] = []
  const tokens: EchoingProvider["tokens"] = []
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    async fetch(request) {
      const url = new URL(request.url)
      const headers = Object.fromEntries(request.headers)
      const one = { path: url.pathname, query: url.searchParams, headers, body: await request.text() }
      asked.push(one)
      const echo = { method: request.method, url: request.url, headers, body: one.body }
      if (/^\/(token|login|oauth1)/.test(url.pathname)) {
        const next = tokens.shift()
        if (next) return Response.json(next)
        const said = JSON.stringify(echo)
        return Response.json({ error: "invalid_grant", error_description: said, message: said, echo }, { status: 400 })
      }
      const status = Number(/^\/fail\/(\d+)/.exec(url.pathname)?.[1] ?? 200)
      if (url.pathname === "/redirect") {
        return new Response(null, { status: 302, headers: { location: `/landed?access_token=${extra.location}` } })
      }
      return Response.json(
        { error: { message: JSON.stringify(echo) }, echo },
        {
          status,
          headers: { "set-cookie": `session=${extra.cookie}; Path=/`, "x-echo": headers.authorization ?? "none" },
        },
      )
    },
  })
  return { url: `http://127.0.0.1:${server.port}`, asked, tokens, stop: () => server.stop(true) }
}
