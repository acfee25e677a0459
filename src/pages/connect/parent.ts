import type { Connected, UiSettings } from "./model.ts"

/** What the owner's page hears, in the words of `openConnectUI`. */
export type PageEvent =
  | { type: "ready" }
  | { type: "close" }
  | { type: "connect"; payload: Connected }
  | { type: "error"; payload: { errorType: string; errorMessage: string } }
  | { type: "settings_changed"; payload: UiSettings }

type Listener = (event: { source: unknown; origin: string; data: unknown }) => void
/** The part of `window` that messages need. */
export type Frame = {
  parent: { postMessage: (message: unknown, target: string) => void }
  addEventListener: (name: "message", listener: Listener) => void
}

export type Parent = { tell: (event: PageEvent) => void }

/**
 * The page that framed this one. It may be of any origin, so the first messages, which hold nothing secret, go to
 * whoever it is; once it has given the token, the rest goes to that origin only. Nobody but it is listened to.
 */
export function listenToParent(frame: Frame, onToken: (token: string) => void): Parent {
  let target = "*"
  frame.addEventListener("message", ({ source, origin, data }) => {
    if (source !== frame.parent) return
    const { type, sessionToken } = (data ?? {}) as Record<string, unknown>
    if (type !== "session_token" || typeof sessionToken !== "string" || sessionToken === "") return
    // Pages from files and sandboxes have no origin that could be named.
    target = origin === "" || origin === "null" ? "*" : origin
    onToken(sessionToken)
  })
  const tell = (event: PageEvent) => frame.parent.postMessage(event, target)
  return { tell }
}
