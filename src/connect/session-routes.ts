import type { App } from "../app/context.ts"
import { keyEndpoint, reply, sessionEndpoint } from "../http/endpoint.ts"
import { connectUiSettings } from "../pages/settings.ts"
import { type ConnectSession, NewReconnectSession, NewSession } from "./model.ts"
import { closeSession, type OpenedSession, openReconnectSession, openSession } from "./sessions.ts"

/** Where the Connect page is, without a trailing slash. */
const connectUrl = (app: App): string => (app.config.connectUrl ?? `${app.serverUrl()}/connect`).replace(/\/+$/, "")

const opened = (app: App, { token, expiresAt }: OpenedSession) =>
  reply(201, {
    data: {
      token,
      connect_link: `${connectUrl(app)}/?session_token=${token}`,
      expires_at: new Date(expiresAt).toISOString(),
    },
  })

/** What the browser may know of its own session: nothing that is the owner's alone. */
function shown(app: App, session: ConnectSession) {
  const { endUser, allowed, defaults, overrides, reconnect } = session
  const open = Object.entries(defaults).map(([key, { user_scopes: _, ...rest }]) => [key, rest] as const)
  return {
    endUser,
    connectUISettings: connectUiSettings(app),
    ...(allowed ? { allowed_integrations: allowed } : {}),
    ...(open.length > 0 ? { integrations_config_defaults: Object.fromEntries(open) } : {}),
    ...(reconnect ? { isReconnecting: true } : {}),
    ...(Object.keys(overrides).length > 0 ? { overrides } : {}),
    websocketsPath: app.config.websocketsPath,
  }
}

export const sessionRoutes = [
  keyEndpoint({
    method: "POST",
    path: "/connect/sessions",
    summary: "Opens a connect session, with which an end user's browser can make connections for half an hour",
    scope: "connect_sessions:write",
    body: NewSession,
    handle: async (ctx, { body }) => opened(ctx, await openSession(ctx, body)),
  }),
  keyEndpoint({
    method: "POST",
    path: "/connect/sessions/reconnect",
    summary: "Opens a connect session in which one connection can be authorised again",
    scope: "connect_sessions:write",
    body: NewReconnectSession,
    handle: async (ctx, { body }) => opened(ctx, await openReconnectSession(ctx, body)),
  }),
  sessionEndpoint({
    method: "GET",
    path: "/connect/session",
    summary: "The connect session that the browser holds",
    token: "header",
    handle: (ctx) => ({ data: shown(ctx, ctx.session) }),
  }),
  sessionEndpoint({
    method: "DELETE",
    path: "/connect/session",
    summary: "Ends the connect session",
    token: "header",
    handle: async (ctx) => {
      await closeSession(ctx, ctx.session)
      return reply(204)
    },
  }),
]
