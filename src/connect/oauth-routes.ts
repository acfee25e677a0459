import { z } from "zod"
import type { App, SessionCtx } from "../app/context.ts"
import { clientMetadata, canDescribe } from "../auth/registration.ts"
import { targetOf } from "../auth/target.ts"
import { callbackUrlOf, listEnvironments } from "../environments/environments.ts"
import { openEndpoint, reply, sessionEndpoint } from "../http/endpoint.ts"
import { findIntegration } from "../integrations/integrations.ts"
import { AppError } from "../kit/errors.ts"
import { UniqueKey } from "../kit/shapes.ts"
import { openAttempt } from "./attempt.ts"
import { beginAuthorization } from "./authorize.ts"
import { authorizationLifeMs } from "./authorizations.ts"
import { finishReturn } from "./callback.ts"
import { type AuthorizeQuery as Query, AuthorizeQuery, connectFaults } from "./model.ts"
import { resultPage, showError } from "./result-page.ts"

const Params = z.object({ uniqueKey: UniqueKey })
const anyQuery = z.record(z.string(), z.unknown())

/** Errors that a program reads rather than a person. */
const asJson = new Set(["integration_not_allowed", "invalid_connection"])
export const oauthRoutes = [
  sessionEndpoint({
    method: "GET",
    path: "/oauth/connect/:uniqueKey",
    summary: "Sends an end user's browser to the provider to allow access",
    token: "query",
    params: Params,
    query: AuthorizeQuery,
    handle: (ctx, { params, query, request }) =>
      canonicalHop(ctx, request) ?? depart(ctx, request, params.uniqueKey, query),
  }),
  openEndpoint({
    method: "GET",
    path: "/oauth/callback",
    summary: "Where providers send browsers back to",
    points: 1,
    query: anyQuery,
    handle: (app, { request }) => comeBack(app, request),
  }),
  openEndpoint({
    method: "GET",
    path: "/app-auth/connect",
    summary: "Where a provider sends browsers back to after an app was installed",
    points: 1,
    query: anyQuery,
    handle: (app, { request }) => comeBack(app, request),
  }),
  openEndpoint({
    method: "GET",
    path: "/oauth/client-metadata/:environmentUuid/:uniqueKey",
    summary: "Describes this server as an OAuth client",
    points: 1,
    ignoreQuery: true,
    params: z.object({ environmentUuid: z.uuid(), uniqueKey: UniqueKey }),
    handle: (app, { params }) => describeClient(app, params),
  }),
]

/**
 * The cookie that binds the way back to this browser only reaches the host that set it. A browser that came by another
 * name of this server is sent to the name that providers send it back to, once.
 */
function canonicalHop(ctx: SessionCtx, request: Request): Response | undefined {
  const isPage = request.headers.get("sec-fetch-dest") === "document"
  const url = new URL(request.url)
  if (!ctx.config.bindBrowser || !isPage || url.searchParams.has("hop")) return undefined
  const own = new URL(ctx.serverUrl())
  if (own.host === (request.headers.get("host") ?? own.host)) return undefined
  url.searchParams.set("hop", "1")
  const target = `${own.origin}${own.pathname.replace(/\/$/, "")}${url.pathname}${url.search}`
  return new Response(null, { status: 302, headers: { location: target, "cache-control": "no-store" } })
}

async function depart(ctx: SessionCtx, request: Request, uniqueKey: string, query: Query): Promise<Response> {
  let connectionId: string | undefined
  try {
    const attempt = await openAttempt(ctx, uniqueKey, query.params)
    connectionId = attempt.connectionId
    const { url, state, browser } = await beginAuthorization(ctx, attempt, query)
    const headers = { location: url, "cache-control": "no-store", "set-cookie": bindingCookie(ctx, state, browser) }
    return new Response(null, { status: 302, headers })
  } catch (error) {
    if (!(error instanceof AppError))
      ctx.log.error({ err: error, url: new URL(request.url).pathname }, "no authorization")
    const shown = showError(error)
    ctx.browsers.tell(query.ws_client_id, {
      message_type: "error",
      provider_config_key: uniqueKey,
      ...(connectionId === undefined ? {} : { connection_id: connectionId }),
      error_type: shown.type,
      error_desc: shown.message,
    })
    if (error instanceof AppError && asJson.has(error.code)) throw error
    return resultPage({ error: shown })
  }
}

const stateForm = /^[\w-]{1,128}$/
const cookieName = (state: string): string => `oauth2-${state}`

/** Other sites send browsers back here: over https the cookie has to survive that in every kind of window. */
function bindingCookie(app: App, state: string, value: string): string {
  const secure = app.serverUrl().startsWith("https:") ? "SameSite=None; Secure" : "SameSite=Lax"
  const seconds = value === "" ? 0 : authorizationLifeMs / 1000
  return `${cookieName(state)}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; ${secure}`
}

/** States come back as `state`; a few providers only let another parameter through. */
const stateMembers = ["state", "payload", "customField"]

async function comeBack(app: App, request: Request): Promise<Response> {
  // RFC 9110 §9.2.1: whoever only looks, such as a checker of links, must not use the state up.
  if (request.method === "HEAD") return new Response(null, { headers: { "cache-control": "no-store" } })
  const query = Object.fromEntries(new URL(request.url).searchParams)
  const state = stateMembers.map((name) => query[name]).find((value) => value)
  if (!state) return withoutState(request, query)
  const cookies = new Bun.CookieMap(request.headers.get("cookie") ?? "")
  const result = await finishReturn(app, { query, state, cookie: cookies.get(cookieName(state)) ?? undefined })
  return resultPage(result, {
    cookie: stateForm.test(state) ? bindingCookie(app, state, "") : undefined,
    status: isInstall(request) && result.error?.type === "state_err" ? 404 : undefined,
  })
}

const isInstall = (request: Request): boolean => /\/app-auth\//i.test(new URL(request.url).pathname)

/** An app that is installed or changed from the provider's side: nobody here is waiting for it. */
function withoutState(request: Request, query: Record<string, string>): Response {
  const { installation_id, setup_action = "" } = query
  const isInstalled = isInstall(request) ? /^(install|update)$/.test(setup_action) : setup_action && installation_id
  if (!isInstalled) {
    return resultPage({ error: showError(connectFaults.state_err({ message: "The provider sent no state." })) })
  }
  const referer = request.headers.get("referer")
  const back = referer && /^https?:\/\//i.test(referer) ? referer : "https://github.com"
  return new Response(null, { status: 302, headers: { location: back } })
}

async function describeClient(app: App, params: { environmentUuid: string; uniqueKey: string }) {
  const { environmentUuid, uniqueKey } = params
  if (!canDescribe(app)) {
    throw connectFaults.feature_disabled({ message: "Set SLUICE_SERVER_URL to an https address first." })
  }
  const environment = (await listEnvironments(app)).find(({ uuid }) => uuid === environmentUuid)
  if (!environment) throw connectFaults.unknown_environment()
  const ctx = { ...app, environment }
  const integration = await findIntegration(ctx, uniqueKey)
  const mode = integration && ctx.catalogue.find(integration.provider)?.auth_mode
  if (!integration || !mode?.startsWith("MCP_OAUTH2")) throw connectFaults.unknown_provider_config()
  const document = clientMetadata(ctx, targetOf(ctx, integration, {}), callbackUrlOf(ctx))
  return reply(200, document, { "cache-control": "public, max-age=300" })
}
