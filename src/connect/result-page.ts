import { createHash } from "node:crypto"
import { describeError } from "../auth/operations.ts"
import { AppError } from "../kit/errors.ts"

/** Which connection was made. */
type Connected = { providerConfigKey: string; connectionId: string }
/** What the page tells the window that opened it, and every other page of this origin that listens. */
type Message =
  | { type: "nango_oauth_callback_success"; payload?: Connected & { isPending: boolean } }
  | { type: "nango_oauth_callback_error"; payload: { message: string; errorType: string } }

const closesItselfAfterMs = 500

/**
 * Tells the opener and then closes: at once when the opener says that it has understood, and by itself after a success.
 * The message is told to whoever opened the page, of whatever origin, because it holds nothing secret.
 */
const script = `
const message = JSON.parse(document.getElementById("outcome").textContent);
if (window.opener) window.opener.postMessage(message, "*");
const channel = new BroadcastChannel("nango-oauth-callback");
channel.postMessage(message);
const onAck = (event) => { if (event.data && event.data.type === "nango_oauth_callback_ack") window.close(); };
window.addEventListener("message", onAck);
channel.addEventListener("message", onAck);
if (message.type === "nango_oauth_callback_success") setTimeout(() => window.close(), ${closesItselfAfterMs});
`

const style = `
:root { color-scheme: light dark; --text: #1c2024; --soft: #60646c; --ground: #fcfcfd; --mark: #18794e; }
:root[data-failed] { --mark: #c62a2f; }
@media (prefers-color-scheme: dark) {
  :root { --text: #edeef0; --soft: #b0b4ba; --ground: #111113; --mark: #3dd68c; }
  :root[data-failed] { --mark: #ff9592; }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 26rem; padding: 2rem; text-align: center; overflow-wrap: anywhere; }
svg { width: 48px; height: 48px; stroke: var(--mark); fill: none; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
h1 { font-size: 1.25rem; margin: 1rem 0 .5rem; }
p { margin: .5rem 0; color: var(--soft); }
p.reason { color: var(--text); }
`

const digest = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`
const policy = [
  "default-src 'none'",
  `script-src ${digest(script)}`,
  `style-src ${digest(style)}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ")

const tick =
  '<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/><path d="m8 12 3 3 5-6"/></svg>'
const cross =
  '<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/><path d="m9 9 6 6m0-6-6 6"/></svg>'

export type ShownError = { type: string; message: string }
/** `connected` tells a page that could not open a WebSocket what the socket would have told it. */
export type PageResult = { error?: ShownError; pending?: boolean; connected?: Connected }

/** Names that the official front end knows better. */
const knownTypes: Record<string, string> = {
  unknown_provider_config: "provider_config_err",
  unknown_provider_template: "unknown_config_key",
  invalid_auth_mode: "auth_mode_err",
}

/** An error as a person at a browser may see it. */
export function showError(error: unknown): ShownError {
  if (!(error instanceof AppError)) return { type: "unknown_err", message: "Something went wrong on our side." }
  const { type, message } = describeError(error)
  return { type: knownTypes[type] ?? type, message }
}

/** The page at which an authorization ends: 200 after a success, else 400 (or `status`) with the reason. */
export function resultPage(result: PageResult, more: { cookie?: string; status?: number } = {}): Response {
  const { error, pending, connected } = result
  const message: Message = error
    ? { type: "nango_oauth_callback_error", payload: { message: error.message, errorType: error.type } }
    : {
        type: "nango_oauth_callback_success",
        ...(connected ? { payload: { ...connected, isPending: pending === true } } : {}),
      }
  const title = error ? "The connection failed" : pending ? "Waiting for approval" : "Connected"
  const reason = error ? `<p class="reason">${escapeHtml(error.message)}</p>` : ""
  const note = pending
    ? "An administrator has to approve the installation. You can close this window."
    : error
      ? "Close this window and try again."
      : "You can close this window."
  const html = `<!doctype html>
<html lang="en"${error ? " data-failed" : ""}>
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${style}</style></head>
<body><main role="${error ? "alert" : "status"}">${error ? cross : tick}<h1>${title}</h1>${reason}<p>${note}</p></main>
<script type="application/json" id="outcome">${JSON.stringify(message).replaceAll("<", "\\u003c")}</script><script>${script}</script></body>
</html>
`
  return new Response(html, {
    status: more.status ?? (error ? 400 : 200),
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "cache-control": "no-store",
      ...(more.cookie ? { "set-cookie": more.cookie } : {}),
    },
  })
}

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" }
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
