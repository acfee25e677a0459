import { keyEndpoint } from "../http/endpoint.ts"
import { deployProject } from "./deploy.ts"
import { DeployProject } from "./model.ts"

export const functionRoutes = [
  keyEndpoint({
    method: "POST",
    path: "/sluice/deploy",
    summary: "Plans or carries out the deploy of a project's sources",
    scope: "deploy",
    body: DeployProject,
    handle: (ctx, { body }) => deployProject(ctx, body),
  }),
]
