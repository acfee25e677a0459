import { loadConfig } from "../../src/app/config.ts"
import type { Endpoint } from "../../src/http/endpoint.ts"
import { pageRoutes } from "../../src/pages/routes.ts"

export type Seen = { method: string; path: string; query: Record<string, string>; headers: Headers; body: any }
type Answer = { status: number; body: unknown }

export type Script = {
  session?: Record<string, unknown>
  integrations?: Record<string, unknown>[]
  providers?: Record<string, Record<string, unknown>>
  /** Answers of the routes that make connections, one after the other. */
  answers?: (Answer | Promise<Answer>)[]
  /** Path that a reverse proxy has put before everything. */
  below?: string
  /** What the provider's window shows, and what the daemon says on the socket then. */
  window?: { html?: string; frame?: Record<string, unknown>; noSocket?: boolean }
}

export const token = `nango_connect_session_${"a".repeat(64)}`
export const settings = {
  showWatermark: true,
  defaultTheme: "light",
  theme: { light: { primary: "#00B2E3" }, dark: { primary: "#00B2E3" } },
}

/** A daemon that says what the script says, with the real page and its headers before it. */
export async function startScripted(script: Script) {
  const seen: Seen[] = []
  const below = script.below ?? ""
  const sockets = new Set<Bun.ServerWebSocket>()
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request, server) {
      const url = new URL(request.url)
      if (!url.pathname.startsWith(`${below}/`)) return new Response("not ours", { status: 404 })
      const path = url.pathname.slice(below.length)
      if (request.headers.get("upgrade") === "websocket") {
        if (script.window?.noSocket || path !== "/") return new Response("", { status: 400 })
        return server.upgrade(request, { data: undefined }) ? undefined : new Response("", { status: 400 })
      }
      if (/^\/connect(\/|\/assets\/.+)?$/.test(path)) {
        return showPage(new Request(`http://127.0.0.1:${server.port}${path}${url.search}`, request))
      }
      const body = await request.text()
      const query = Object.fromEntries(url.searchParams)
      const { method, headers } = request
      seen.push({ method, path, query, headers, body: body === "" ? undefined : JSON.parse(body) })
      if (path.startsWith("/oauth/connect/")) return showWindow()
      const { status, body: said } = await answerOf(method, path, headers)
      return Response.json(said, { status })
    },
    websocket: {
      open: (socket) => {
        sockets.add(socket)
        socket.send(JSON.stringify({ message_type: "connection_ack", ws_client_id: "socket-1" }))
      },
      message: () => undefined,
      close: (socket) => void sockets.delete(socket),
    },
  })
  const showWindow = () => {
    const { html = "<h1>Provider</h1>", frame } = script.window ?? {}
    if (frame) for (const socket of sockets) socket.send(JSON.stringify(frame))
    return new Response(html, { headers: { "content-type": "text/html" } })
  }
  const answerOf = async (method: string, path: string, headers: Headers): Promise<Answer> => {
    if (method === "POST") return (await script.answers?.shift()) ?? { status: 200, body: connected }
    if (headers.get("authorization") !== `Bearer ${token}`) return refused
    if (path === "/connect/session") {
      return { status: 200, body: { data: { endUser: null, connectUISettings: settings, ...script.session } } }
    }
    if (path === "/integrations") return { status: 200, body: { data: script.integrations ?? [] } }
    const provider = script.providers?.[decodeURIComponent(path.split("/")[2] ?? "")]
    return provider ? { status: 200, body: { data: provider } } : notFound
  }
  return {
    url: `http://127.0.0.1:${server.port}${below}`,
    link: (query = "") => `http://127.0.0.1:${server.port}${below}/connect/?session_token=${token}${query}`,
    seen,
    posted: () => seen.filter(({ method, path }) => method === "POST" && path !== "/connect/telemetry"),
    /** What the daemon says to whoever waits on a socket. */
    say: (frame: Record<string, unknown>) => sockets.forEach((socket) => socket.send(JSON.stringify(frame))),
    async [Symbol.asyncDispose]() {
      await server.stop(true)
    },
  }
}

/** The route's own answer, without everything else that a daemon is. */
async function showPage(request: Request): Promise<Response> {
  const { origin, pathname } = new URL(request.url)
  const file = /\/assets\/(.+)/.exec(pathname)?.[1]
  const wanted = file === undefined ? "/connect" : "/connect/assets/:file"
  const route = pageRoutes.find(({ path }) => path === wanted) as Endpoint
  const app = { config: loadConfig({ flags: {}, env: {} }), serverUrl: () => origin }
  return (await route.handle(app as never, { request, params: { file } } as never)) as Response
}

export const connected = { connectionId: "c-1", providerConfigKey: "one" }
const refused = { status: 401, body: { error: { code: "unknown_connect_session_token", message: "It has expired." } } }
const notFound = { status: 404, body: { error: { code: "not_found", message: "There is none." } } }

/** One integration with one provider, the most usual case. */
export const only = (provider: Record<string, unknown>, integration: Record<string, unknown> = {}): Script => ({
  integrations: [{ unique_key: "one", provider: "acme", display_name: "Acme", ...integration }],
  providers: { acme: { name: "acme", display_name: "Acme", docs: "https://example.com", ...provider } },
})

/**
 * A page of another site (`localhost` beside `127.0.0.1`) that frames the Connect page as `openConnectUI` does and keeps
 * what it hears in `window.heard`. `answers` is what it says when the frame is ready.
 */
export function startOwner(frameUrl: string, answers: unknown[] = [{ type: "session_token", sessionToken: token }]) {
  const html = `<!doctype html><title>Owner</title><body style="margin:0;background:#fff;font-family:sans-serif">
<h1>The owner's app</h1><p>${"Some text of the page behind. ".repeat(40)}</p>
<iframe id="connect-ui" style="position:fixed;inset:0;width:100%;height:100%;border:0;z-index:9999" src="${frameUrl}"></iframe>
<script>
window.heard = []
const frame = document.getElementById("connect-ui")
addEventListener("message", ({ source, origin, data }) => {
  if (source !== frame.contentWindow || origin !== ${JSON.stringify(new URL(frameUrl).origin)}) return
  heard.push(data)
  if (data.type === "ready") for (const answer of ${JSON.stringify(answers)}) source.postMessage(answer, "*")
})
</script></body>`
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response(html, { headers: { "content-type": "text/html; charset=utf-8" } }),
  })
  return { url: `http://localhost:${server.port}/`, [Symbol.asyncDispose]: () => server.stop(true) }
}
