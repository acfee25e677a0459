import { httpFaults } from "./errors.ts"

type Route = { method: string; path: string }

/**
 * The request with a whole URL. Probes of load balancers speak HTTP/1.0 and may name no host: Bun gives the path alone,
 * and which host was meant matters to nobody. Throws `invalid_headers` for a host that is none (RFC 9112 §3.2).
 */
export function withHost(request: Request): Request {
  if (URL.canParse(request.url)) return request
  if (request.url.startsWith("/")) return new Request(`http://localhost${request.url}`, request)
  throw httpFaults.invalid_headers({ errors: [{ code: "invalid_format", message: "Invalid host", path: ["host"] }] })
}

/**
 * Paths match whatever their case. A path that has capital letters is compared with the routes of its method segment by
 * segment, and its fixed parts are written as the route has them; what stands for a parameter keeps its case. As in the
 * router, a fixed segment wins over a parameter. Behind a `*` nothing is changed.
 */
export function canonicalPath(routes: Route[]): (request: Request) => Request {
  const split = routes
    .map(({ method, path }) => ({ method, parts: path.split("/") }))
    .toSorted((a, b) => (rank(a.parts) < rank(b.parts) ? -1 : 1))
  return (request) => {
    const url = new URL(request.url)
    if (!/[A-Z]/.test(url.pathname)) return request
    const path = url.pathname.replace(/\/$/, "").split("/")
    const method = request.method === "HEAD" ? "GET" : request.method
    const route = split.find((candidate) => candidate.method === method && matches(candidate.parts, path))
    if (!route) return request
    const given = url.pathname.split("/")
    const fixed = given
      .map((part, index) => (isFree(route.parts, index) ? part : (route.parts[index] ?? part)))
      .join("/")
    if (fixed === url.pathname) return request
    url.pathname = fixed
    return new Request(url.href, request)
  }
}

/** Stands for one segment (`:id`) or, at the end, for all that follow (`*`). */
const isFree = (route: string[], index: number): boolean => {
  const part = route[Math.min(index, route.length - 1)] ?? ""
  return part === "*" || (index < route.length && part.startsWith(":"))
}
const rank = (parts: string[]): string =>
  parts.map((part) => (part === "*" ? "2" : part.startsWith(":") ? "1" : "0")).join("")

function matches(route: string[], path: string[]): boolean {
  const open = route.at(-1) === "*"
  if (open ? path.length < route.length : path.length !== route.length) return false
  return path.every((part, index) => isFree(route, index) || route[index] === part.toLowerCase())
}
