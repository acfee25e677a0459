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
      await waitAtMost(Promise.resolve(server?.stop(false)), drainMs)
      await server?.stop(true)
      await open.close()
    },
  }
}

function listen(config: Config, fetch: (request: Request) => Promise<Response>): Bun.Server<undefined> {
  try {
    return Bun.serve({
      hostname: config.host,
      port: config.port,
      maxRequestBodySize: config.bodyLimitBytes,
      idleTimeout: 255,
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

/** An action may take fifteen minutes to answer; Bun would close the silent connection long before. */
const withoutTimeout =
  (fetch: (request: Request) => Promise<Response>) => (request: Request, server: Bun.Server<undefined>) => {
    if (request.url.includes("/action/")) server.timeout(request, 0)
    return fetch(request)
  }
