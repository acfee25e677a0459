import { deferred } from "../shared/deferred.ts"
import { ConnectError, type Connected } from "./model.ts"

export type Result = { connected: Connected } | { error: ConnectError }
export type Socket = {
  /** How the daemon knows this socket; goes with the window as `ws_client_id`. */
  id: string
  isOpen: () => boolean
  onFrame: (listener: (frame: unknown) => void) => void
  close: () => void
}

/** Long enough for a slow line, short enough for somebody who looks at an empty window. */
const patienceMs = 5_000

/** A socket whose id has arrived; undefined where none can be had (proxies that do not pass them on). */
export function openSocket(url: URL, signal: AbortSignal): Promise<Socket | undefined> {
  const { promise, resolve } = deferred<Socket | undefined>()
  let listener: ((frame: unknown) => void) | undefined
  const raw = new WebSocket(url)
  const giveUp = () => {
    resolve(undefined)
    raw.close()
  }
  const timer = setTimeout(giveUp, patienceMs)
  signal.addEventListener("abort", giveUp, { once: true })
  raw.addEventListener("error", giveUp)
  raw.addEventListener("close", giveUp)
  raw.addEventListener("message", ({ data }) => {
    const frame = parse(data)
    if (frame.message_type !== "connection_ack") return listener?.(frame)
    if (typeof frame.ws_client_id !== "string") return
    clearTimeout(timer)
    resolve({
      id: frame.ws_client_id,
      isOpen: () => raw.readyState === WebSocket.OPEN,
      onFrame: (given) => void (listener = given),
      close: () => raw.close(),
    })
  })
  return promise.finally(() => clearTimeout(timer))
}

/** The daemon sends JSON objects; anything else is passed over. */
function parse(data: unknown): Record<string, unknown> {
  try {
    return (JSON.parse(String(data)) ?? {}) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** The frame that ends a flow; undefined for any other. */
export function readFrame(frame: unknown): Result | undefined {
  const { message_type, ...rest } = frame as Record<string, unknown>
  const text = (name: string) => (typeof rest[name] === "string" ? rest[name] : "")
  if (message_type === "success") {
    const isPending = rest.is_pending === true
    const [providerConfigKey, connectionId] = [text("provider_config_key"), text("connection_id")]
    return { connected: { providerConfigKey, connectionId, isPending } }
  }
  if (message_type !== "error") return undefined
  return { error: new ConnectError(text("error_type") || "unknown_error", text("error_desc")) }
}
