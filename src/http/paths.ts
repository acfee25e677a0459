type Route = { method: string; path: string }

/**
 * Paths match whatever their case. A path that has capital letters is compared with the routes of its method segment by
 * segment, and its fixed parts are written as the route has them; what stands for a parameter keeps its case. As in the
 * router, a fixed segment wins over a parameter.
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
    const fixed = route.parts.map((part, index) => (isParameter(part) ? path[index] : part)).join("/")
    if (fixed === url.pathname) return request
    url.pathname = fixed
    return new Request(url.href, request)
  }
}

const isParameter = (part: string): boolean => part.startsWith(":")
const rank = (parts: string[]): string => parts.map((part) => (isParameter(part) ? "1" : "0")).join("")

const matches = (route: string[], path: string[]): boolean =>
  route.length === path.length &&
  path.every((part, index) => isParameter(route[index] ?? "") || route[index] === part.toLowerCase())
