/**
 * Paths match whatever their case. A path that has capital letters is compared with the routes segment by segment, and
 * its fixed parts are written as the route has them; what stands for a parameter keeps its case.
 */
export function canonicalPath(routes: string[]): (request: Request) => Request {
  const split = routes.map((route) => route.split("/"))
  return (request) => {
    const url = new URL(request.url)
    if (!/[A-Z]/.test(url.pathname)) return request
    const path = url.pathname.replace(/\/+$/, "").split("/")
    const route = split.find((candidate) => matches(candidate, path))
    if (!route) return request
    const fixed = route.map((part, index) => (part.startsWith(":") ? path[index] : part)).join("/")
    if (fixed === url.pathname) return request
    url.pathname = fixed
    return new Request(url.href, request)
  }
}

const matches = (route: string[], path: string[]): boolean =>
  route.length === path.length &&
  path.every((part, index) => (route[index] ?? "").startsWith(":") || route[index] === part.toLowerCase())
