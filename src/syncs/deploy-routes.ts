import { checkCliVersion } from "../functions/cli-version.ts"
import { ConfirmFlows, DeployFlows } from "../functions/wire.ts"
import { deployFlows } from "../functions/wire-deploy.ts"
import { keyEndpoint } from "../http/endpoint.ts"
import { confirmDeploy } from "./confirm-deploy.ts"

const guard = (request: Request) => checkCliVersion(request.headers)

/** How the official command line deploys: it asks what would change, and then sends the same again. */
export const deployRoutes = [
  keyEndpoint({
    method: "POST",
    path: "/sync/deploy/confirmation",
    summary: "What a deploy of compiled functions would change",
    scope: "deploy",
    guard,
    body: ConfirmFlows,
    handle: (ctx, { body }) => confirmDeploy(ctx, body),
  }),
  keyEndpoint({
    method: "POST",
    path: "/sync/deploy",
    summary: "Deploys compiled functions",
    scope: "deploy",
    guard,
    body: DeployFlows,
    handle: (ctx, { body }) => deployFlows(ctx, body),
  }),
]
