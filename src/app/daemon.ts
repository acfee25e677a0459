import type { Logger } from "pino"
import { defineFaults } from "../kit/errors.ts"
import { waitAtMost } from "../kit/wait.ts"
import { createApi } from "../http/api.ts"
import { openApp, type OpenApp } from "./app.ts"
import type { Config } from "./config.ts"

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
  let server: Bun.Server<undefined> | undefined
  const open = await openApp({
    ...options,
    address: () => (server?.port === undefined ? undefined : { host: config.host, port: server.port }),
  })
  try {
    server = listen(config, createApi(open.app))
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

function listen(config: Config, fetch: Fetch): Bun.Server<undefined> {
  try {
    return Bun.serve({
      hostname: config.host,
      port: config.port,
      // The door counts bytes itself: its refusal is JSON like every other, and what is streamed on has no limit.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      idleTimeout: 255,
      // In development mode Bun prints what breaks a streamed answer, with the URL that it came from and its secrets.
      development: false,
      fetch: withoutTimeout(fetch),
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

/** An action may take fifteen minutes, and a provider's stream be silent; Bun would close the connection long before. */
const withoutTimeout = (fetch: Fetch) => (request: Request, server: Bun.Server<undefined>) => {
  if (/\/(action|proxy|v1|mcp|sluice\/(dryruns|logs|records))\b/i.test(request.url)) server.timeout(request, 0)
  return fetch(request, () => server.requestIP(request)?.address)
}
