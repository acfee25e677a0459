import { corsOver, preflight } from "./cors.ts"
import { admit, type Counted, type Door } from "./door.ts"
import type { RawEndpoint } from "./endpoint.ts"
import { toResponse } from "./errors.ts"

type RawDoor = (request: Request) => Promise<Response> | undefined
type Arrival = { request: Request; rest: string; query: string }

/**
 * Answers requests for routes that pass them on as they come; undefined for all others. The body is not read and the
 * path not decoded. An answer of the handler keeps its own headers, also those about the provider's rate limits.
 */
export function createRawDoor(door: Door, endpoints: RawEndpoint[]): RawDoor {
  const routes = endpoints.map((endpoint) => ({ endpoint, pattern: patternOf(endpoint.path) }))
  return (request) => {
    for (const { endpoint, pattern } of routes) {
      const match = pattern.exec(request.url)
      if (!match) continue
      const isPreflight = request.method === "OPTIONS" && request.headers.has("access-control-request-method")
      if (isPreflight) return Promise.resolve(preflight(request.url, door.app.serverUrl))
      const [, rest = "", query = ""] = match
      return answer(door, endpoint, { request, rest, query })
    }
    return undefined
  }
}

/** The fixed part of the path, in any case, then the rest and the query as they came; a fragment is nobody's. */
function patternOf(path: RawEndpoint["path"]): RegExp {
  return new RegExp(`^(?:[a-z]+://[^/?#]*)?${path.slice(0, -2)}(?=[/?#]|$)([^?#]*)(?:\\?([^#]*))?`, "i")
}

async function answer(door: Door, endpoint: RawEndpoint, arrival: Arrival): Promise<Response> {
  const requestId = crypto.randomUUID()
  const counted: Counted = { headers: {} }
  const response = await handle(door, endpoint, arrival, { requestId, counted }).catch((error: unknown) =>
    toResponse(error, { requestId, log: door.app.log }),
  )
  // A limit beside the remaining requests of another would mislead.
  const isLimited = response.headers.has("x-ratelimit-limit") || response.headers.has("x-ratelimit-remaining")
  if (!isLimited) for (const name in counted.headers) response.headers.set(name, counted.headers[name] as string)
  return corsOver(response)
}

type Notes = { requestId: string; counted: Counted }

async function handle(door: Door, endpoint: RawEndpoint, arrival: Arrival, notes: Notes): Promise<Response> {
  const ctx = await admit(door, { ...notes, request: arrival.request, scope: endpoint.scope })
  return endpoint.handle(ctx, arrival)
}
