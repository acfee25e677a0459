import { keyEndpoint } from "../http/endpoint.ts"
import { listVariables } from "./environments.ts"

export const environmentRoutes = [
  keyEndpoint({
    method: "GET",
    path: "/environment-variables",
    summary: "The environment's variables",
    scope: "variables:read",
    handle: (ctx) => listVariables(ctx),
  }),
]
