import { rawEndpoint } from "../http/endpoint.ts"
import { passToProvider } from "./gateway.ts"
import { ProxyHeaders } from "./headers-in.ts"

export const proxyRoutes = [
  rawEndpoint({
    path: "/proxy/*",
    summary: "Passes the request on to the provider of a connection, with its credentials",
    scope: "proxy",
    headers: ProxyHeaders,
    handle: passToProvider,
  }),
]
