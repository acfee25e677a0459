import type { Logger } from "pino"
import { defineFaults } from "../kit/errors.ts"
import { waitAtMost } from "../kit/wait.ts"
import { createApi } from "../http/api.ts"
import { openApp, type OpenApp } from "./app.ts"
import type { Config } from "./config.ts"
import type { App } from "./context.ts"

const faults = defineFaults({ port_in_use: [409, "The port is in use."] })

export type Daemon = { url: string; port: number; newKeys: OpenApp["newKeys"]; stop: () => Promise<void> }

/** Time that open requests get when the daemon stops, before they are cut. */
const drainMs = 3_000

/** Opens everything, listens, and starts the queue last, so that nothing runs before somebody can look. */
export async function startDaemon(options: {
  config: Config
  log: Logger
  onFatal?: (error: Error) => void
}): Promise<Daemon> {
  const { config, log } = options
  let server: Server | undefined
  // Held here because every outgoing request asks, and `server.port` is a call into the runtime.
  let address: { host: string; port: number } | undefined
  const open = await openApp({ ...options, address: () => address })
  try {
    server = listen(open.app, createApi(open.app))
    if (server.port !== undefined) address = { host: config.host, port: server.port }
    await open.start()
  } catch (error) {
    await open.close()
    throw error
  }
  const { port = config.port } = server
  const host = config.host.includes(":") ? `[${config.host}]` : config.host
  log.info({ url: `http://${host}:${port}`, dataDir: config.dataDir }, "sluice is ready")
  return {
    url: `http://${host}:${port}`,
    port,
    newKeys: open.newKeys,
    async stop() {
      open.beginStop()
      await waitAtMost(Promise.resolve(server?.stop(false)), drainMs)
      await server?.stop(true)
      await open.close()
    },
  }
}

type Fetch = (request: Request, peer?: () => string | undefined) => Promise<Response>
type Server = Bun.Server<Waiting>
/** A browser that waits on a WebSocket: its id, once it has joined. */
type Waiting = { id?: string }

function listen(app: App, fetch: Fetch): Server {
  const { config, browsers } = app
  try {
    return Bun.serve<Waiting>({
      hostname: config.host,
      port: config.port,
      // The door counts bytes itself: its refusal is JSON like every other, and what is streamed on has no limit.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      idleTimeout: 255,
      // In development mode Bun prints what breaks a streamed answer, with the URL that it came from and its secrets.
      development: false,
      fetch: withSockets(app, withoutTimeout(fetch)),
      websocket: {
        // What browsers send is not read, and a person may take minutes at the provider: pings keep the line open.
        maxPayloadLength: 1024,
        idleTimeout: 120,
        sendPings: true,
        open: (socket) => void (socket.data.id = browsers.join(socket)),
        message: () => undefined,
        close: ({ data }) => browsers.leave(data.id),
      },
    })
  } catch (cause) {
    if ((cause as { code?: string }).code !== "EADDRINUSE") throw cause
    throw faults.port_in_use({
      message: `Port ${config.port} on ${config.host} is in use.`,
      hint: "Stop what uses it, or choose another one with --port.",
      cause,
    })
  }
}

type Listen = (request: Request, server: Server) => Promise<Response> | Response | undefined

/** Takes WebSockets at their path; everything else is a request. */
function withSockets({ config, browsers }: App, fetch: Listen): Listen {
  return (request, server) => {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") return fetch(request, server)
    if (URL.parse(request.url)?.pathname !== config.websocketsPath) return fetch(request, server)
    if (browsers.isFull()) return new Response("Too many browsers are waiting.", { status: 503 })
    if (server.upgrade(request, { data: {} })) return undefined
    return new Response("This is no WebSocket.", { status: 400 })
  }
}

/** An action may take fifteen minutes, and a provider's stream be silent; Bun would close the connection long before. */
const withoutTimeout =
  (fetch: Fetch): Listen =>
  (request, server) => {
    if (/\/(action|proxy|v1|mcp|sluice\/(dryruns|logs|records))\b/i.test(request.url)) server.timeout(request, 0)
    return fetch(request, () => server.requestIP(request)?.address)
  }
