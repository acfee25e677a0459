import { Elysia } from "elysia"
import type { App } from "../app/context.ts"
import { credentialRoutes } from "../connect/credential-routes.ts"
import { oauthRoutes } from "../connect/oauth-routes.ts"
import { sessionRoutes } from "../connect/session-routes.ts"
import { oldConnectionRoutes } from "../connections/old-routes.ts"
import { connectionRoutes, importRoutes } from "../connections/routes.ts"
import { accountRoutes } from "../environments/account-routes.ts"
import { environmentRoutes } from "../environments/routes.ts"
import { configRoutes } from "../functions/config-routes.ts"
import { integrationFunctionRoutes } from "../functions/integration-routes.ts"
import { functionRoutes } from "../functions/routes.ts"
import { integrationRoutes } from "../integrations/routes.ts"
import { encryptionKeyRoutes } from "../keys/routes.ts"
import { logRoutes } from "../logs/routes.ts"
import { additionRoutes } from "../providers/addition-routes.ts"
import { pageRoutes } from "../pages/routes.ts"
import { providerRoutes } from "../providers/routes.ts"
import { proxyRoutes } from "../proxy/routes.ts"
import { recordRoutes } from "../records/routes.ts"
import { remoteRoutes } from "../runs/remote-routes.ts"
import { runRoutes } from "../runs/routes.ts"
import { toolRoutes } from "../runs/tool-routes.ts"
import { deployRoutes } from "../syncs/deploy-routes.ts"
import { syncRoutes } from "../syncs/routes.ts"
import { inboxRoutes } from "../webhooks/inbox-routes.ts"
import { webhookRoutes } from "../webhooks/routes.ts"
import { cors, preflight } from "./cors.ts"
import { answer } from "./door.ts"
import type { Endpoint, RawEndpoint } from "./endpoint.ts"
import { httpFaults, toResponse } from "./errors.ts"
import { healthRoutes } from "./health.ts"
import { createLimiter } from "../kit/limiter.ts"
import { openRoutes } from "./open-routes.ts"
import { documentRoute } from "./openapi.ts"
import { canonicalPath, withHost } from "./paths.ts"
import { createRawDoor } from "./raw-door.ts"

/** The table of contents of the whole API. */
export const endpoints: Endpoint[] = [
  ...healthRoutes,
  ...openRoutes,
  documentRoute(() => ({ endpoints, raw: rawEndpoints })),
  ...providerRoutes,
  ...additionRoutes,
  ...integrationRoutes,
  ...connectionRoutes,
  ...importRoutes,
  ...oldConnectionRoutes,
  ...pageRoutes,
  ...sessionRoutes,
  ...oauthRoutes,
  ...credentialRoutes,
  ...recordRoutes,
  ...syncRoutes,
  ...deployRoutes,
  ...runRoutes,
  ...remoteRoutes,
  ...toolRoutes,
  ...environmentRoutes,
  ...accountRoutes,
  ...encryptionKeyRoutes,
  ...functionRoutes,
  ...integrationFunctionRoutes,
  ...configRoutes,
  ...logRoutes,
  ...webhookRoutes,
  ...inboxRoutes,
]

/** Routes that pass requests on as they come. */
export const rawEndpoints: RawEndpoint[] = [...proxyRoutes]

/**
 * One function from request to response: CORS, then the route whatever the case of its path, else 404. `peer` is the
 * address at the other end of the socket, for routes that ask.
 */
export function createApi(app: App): (request: Request, peer?: () => string | undefined) => Promise<Response> {
  const door = { app, limiter: createLimiter({ perMinute: app.config.rateLimitPerMinute, now: app.now }) }
  const peers = new WeakMap<Request, () => string | undefined>()
  // A host name may be short (`api`, as containers call each other): unless it is told otherwise, the router takes the
  // first eleven characters of a URL for its origin. With seven it needs `http:`, which is all that Bun serves here.
  const elysia = new Elysia({ strictPath: false, handler: { standardHostname: false } })
  for (const endpoint of endpoints) {
    elysia.route(
      endpoint.method,
      endpoint.path,
      ({ request, params }) => answer(door, { endpoint, request, params, peer: peers.get(request) }),
      {
        parse: "none",
      } as never,
    )
  }
  const notFound = (request: Request) =>
    toResponse(httpFaults.not_found({ message: `There is no ${request.method} ${new URL(request.url).pathname}.` }), {
      requestId: "",
      log: app.log,
    })
  elysia.onError(({ code, error, request }) => {
    if (code === "NOT_FOUND") return notFound(request)
    return toResponse(error, { requestId: crypto.randomUUID(), log: app.log })
  })
  const canonical = canonicalPath(endpoints)
  const passRaw = createRawDoor(door, rawEndpoints)
  const answerWhole = async (request: Request, peer?: () => string | undefined): Promise<Response> => {
    const passed = passRaw(request)
    if (passed) return passed
    if (request.method === "OPTIONS") return preflight(request.url, app.serverUrl)
    const tidy = canonical(request)
    if (peer !== undefined) peers.set(tidy, peer)
    return cors(await elysia.fetch(tidy), request.url, app.serverUrl)
  }
  return async (request, peer) => {
    try {
      return await answerWhole(withHost(request), peer)
    } catch (error) {
      return cors(toResponse(error, { requestId: crypto.randomUUID(), log: app.log }), request.url, app.serverUrl)
    }
  }
}
