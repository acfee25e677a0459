import { keyEndpoint } from "../http/endpoint.ts"
import { deployBundle, previewBundle } from "./bundle-deploy.ts"
import { deployProject } from "./deploy.ts"
import { DeployProject } from "./model.ts"
import { DeployBundle } from "./wire-bundle.ts"

export const functionRoutes = [
  keyEndpoint({
    method: "POST",
    path: "/sluice/deploy",
    summary: "Plans or carries out the deploy of a project's sources",
    scope: "deploy",
    body: DeployProject,
    handle: (ctx, { body }) => deployProject(ctx, body),
  }),
  keyEndpoint({
    method: "POST",
    path: "/functions/deployments/bundle/preview",
    summary: "What a deploy of a bundle of functions would change",
    scope: "deploy",
    body: DeployBundle,
    handle: (ctx, { body }) => previewBundle(ctx, body),
  }),
  keyEndpoint({
    method: "POST",
    path: "/functions/deployments/bundle",
    summary: "Deploys a bundle of functions, and ends those that it does not bring",
    scope: "deploy",
    body: DeployBundle,
    handle: (ctx, { body }) => deployBundle(ctx, body),
  }),
]
