import { z } from "zod"
import type { App } from "../app/context.ts"
import { openEndpoint } from "../http/endpoint.ts"
import { defineFaults } from "../kit/errors.ts"
import { type Asset, readAsset } from "./assets.ts"

const faults = defineFaults({ not_found: [404, "There is no such file. Reload the page: it may have been updated."] })

export const pageRoutes = [
  openEndpoint({
    method: "GET",
    path: "/",
    summary: "Leads to the Connect page whoever was given this address for it",
    ignoreQuery: true,
    handle: (_app, { request }) => {
      const { search, searchParams } = new URL(request.url)
      const isForPage = searchParams.has("apiURL") || searchParams.has("session_token")
      if (!isForPage) throw faults.not_found({ message: "There is no GET /." })
      return redirect(`connect/${search}`)
    },
  }),
  openEndpoint({
    method: "GET",
    path: "/connect",
    summary: "The page on which end users connect their accounts",
    ignoreQuery: true,
    handle: (app, { request }) => showPage(app, request),
  }),
  openEndpoint({
    method: "GET",
    path: "/connect/assets/:file",
    summary: "Scripts and styles of that page",
    ignoreQuery: true,
    params: z.object({ file: z.string() }),
    handle: async (_app, { params, request }) => {
      const asset = await readAsset(`connect/assets/${params.file}`, request.headers.get("accept-encoding"))
      if (!asset) throw faults.not_found()
      // The name changes with the content.
      return send(asset, { "cache-control": "public, max-age=31536000, immutable" })
    },
  }),
]

async function showPage(app: App, request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url)
  // The page's files are beside it, so it has to be a folder. Relative, because a proxy may have cut off part of the path.
  if (!pathname.endsWith("/")) {
    return redirect(`${pathname.slice(pathname.lastIndexOf("/") + 1)}/${search}`)
  }
  const page = await readAsset("connect/index.html", request.headers.get("accept-encoding"))
  if (!page) throw new Error("The build has no Connect page.")
  const etag = `W/"${new Bun.CryptoHasher("sha256").update(page.bytes).digest("hex").slice(0, 16)}"`
  const headers = { etag, "cache-control": "no-cache", "content-security-policy": policyOf(app) }
  const isKnown = request.headers.get("if-none-match")?.includes(etag) === true
  return isKnown ? new Response(null, { status: 304, headers: { ...headers, ...guarded } }) : send(page, headers)
}

/** The address of the page may hold a session token, so nobody is told where a visitor came from. */
const guarded = { "referrer-policy": "no-referrer", "x-content-type-options": "nosniff", vary: "accept-encoding" }

const redirect = (location: string): Response =>
  new Response(null, { status: 302, headers: { location, "cache-control": "no-store", ...guarded } })

const send = ({ bytes, encoding, type }: Asset, headers: Record<string, string>): Response =>
  new Response(bytes, {
    headers: { "content-type": type, ...(encoding ? { "content-encoding": encoding } : {}), ...guarded, ...headers },
  })

/**
 * What the page may load and who may frame it. Besides the daemon itself there is only the operator's logo. WebSockets are
 * named because older browsers do not count them as the page's own origin.
 */
function policyOf(app: App): string {
  const { connectLogoUrl, connectFrameAncestors } = app.config
  const images = ["'self'", "data:", ...(connectLogoUrl ? [new URL(connectLogoUrl).origin] : [])]
  const socket = new URL(app.serverUrl()).origin.replace(/^http/, "ws")
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src ${images.join(" ")}`,
    `connect-src 'self' ${socket}`,
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${connectFrameAncestors.join(" ")}`,
  ].join("; ")
}
