import { deferred } from "../shared/deferred.ts"
import type { Api } from "./api.ts"
import { ConnectError, type Connected } from "./model.ts"
import { openSocket, readFrame, type Result, type Socket } from "./socket.ts"
import type { Ask } from "./submit.ts"

const size = { width: 500, height: 640 }
/** How often a window is looked at; no event says that it was closed. */
const lookEveryMs = 500
/**
 * The last page closes itself. It is helped only later: Chromium leaves a window open for good that is closed from outside
 * at the moment at which it changes to another page, and the result arrives just then.
 */
const closesItselfMs = 1_500
const channelName = "nango-oauth-callback"
const acknowledged = { type: "nango_oauth_callback_ack" }

/** Opens an empty window. Must be called from a click, or browsers block it: then it is null. */
export function openWindow(): Window | null {
  const left = Math.max(0, Math.round(window.screenX + (window.outerWidth - size.width) / 2))
  const top = Math.max(0, Math.round(window.screenY + (window.outerHeight - size.height) / 2))
  return window.open("about:blank", "_blank", `popup,width=${size.width},height=${size.height},left=${left},top=${top}`)
}

type Flow = {
  win: Window | null
  api: Api
  ask: Ask & { how: "window" }
  socketUrl: URL
  integrationKey: string
  detectsClosed: boolean
  signal: AbortSignal
}

/**
 * Leads a person through the provider's window and resolves with the connection, or rejects with a ConnectError:
 * `blocked_by_browser`, `window_closed`, or what the daemon says. The daemon answers by WebSocket; where none can be
 * opened, the last page of the window answers itself, by message or by BroadcastChannel.
 */
export async function connectInWindow({ win, signal, ...flow }: Flow): Promise<Connected> {
  if (!win || win.closed) throw new ConnectError("blocked_by_browser", "")
  const socket = await openSocket(flow.socketUrl, signal)
  try {
    // Nothing was opened in it yet, so here it is certain.
    if (signal.aborted || win.closed) throw closed()
    const result = waitForResult({ win, socket, signal, ...flow })
    win.location.replace(flow.api.windowUrl(flow.ask, socket?.id))
    return await result
  } finally {
    socket?.close()
    if (signal.aborted) win.close()
    else setTimeout(() => win.close(), closesItselfMs)
  }
}

function waitForResult(flow: Omit<Flow, "win"> & { win: Window; socket: Socket | undefined }): Promise<Connected> {
  const { win, socket, integrationKey, signal } = flow
  const { promise, resolve, reject } = deferred<Connected>()
  const over = new AbortController()
  const channel = new BroadcastChannel(channelName)
  const settle = (result: Result) => {
    if ("connected" in result) resolve(result.connected)
    else reject(result.error)
  }
  socket?.onFrame((frame) => {
    const result = readFrame(frame)
    if (result) settle(result)
  })
  const origin = window.location.origin
  window.addEventListener(
    "message",
    ({ source, origin: from, data }) => {
      if (source !== win || from !== origin) return
      const result = readCallback(data, integrationKey)
      if (!result) return
      win.postMessage(acknowledged, origin)
      if (!socket?.isOpen() || "error" in result) settle(result)
    },
    { signal: over.signal },
  )
  // Everybody of this origin hears the channel: it counts only while nothing better is there.
  channel.onmessage = ({ data }) => {
    const result = socket?.isOpen() ? undefined : readCallback(data, integrationKey)
    if (!result) return
    channel.postMessage(acknowledged)
    settle(result)
  }
  signal.addEventListener("abort", () => reject(closed()), { signal: over.signal })
  const look = flow.detectsClosed ? watchClosing(win, () => reject(closed())) : undefined
  return promise.finally(() => {
    over.abort()
    clearInterval(look)
    channel.close()
  })
}

/** A window that closes by itself after its last message is seen closed a moment before the message is heard. */
function watchClosing(win: Window, onClosed: () => void) {
  let wasClosed = false
  return setInterval(() => {
    if (win.closed && wasClosed) onClosed()
    wasClosed = win.closed
  }, lookEveryMs)
}

const closed = () => new ConnectError("window_closed", "")

/** What the last page of the window says. A message about another integration is somebody else's. */
function readCallback(data: unknown, integrationKey: string): Result | undefined {
  const { type, payload } = (data ?? {}) as Record<string, unknown>
  const details = (payload ?? {}) as Record<string, unknown>
  if (type === "nango_oauth_callback_success") {
    const key = details.providerConfigKey ?? integrationKey
    if (key !== integrationKey) return undefined
    const connectionId = typeof details.connectionId === "string" ? details.connectionId : ""
    return { connected: { providerConfigKey: integrationKey, connectionId, isPending: details.isPending === true } }
  }
  if (type !== "nango_oauth_callback_error") return undefined
  const message = typeof details.message === "string" ? details.message : ""
  return {
    error: new ConnectError(typeof details.errorType === "string" ? details.errorType : "unknown_error", message),
  }
}
