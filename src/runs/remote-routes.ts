import { keyEndpoint, reply } from "../http/endpoint.ts"
import { findJob } from "./jobs.ts"
import { beginDeployment, refuseInvocation } from "./remote-deploy.ts"
import { beginDryRun, compileCode } from "./remote-dry-run.ts"
import { CompileCode, Invoke, JobParams, remoteFaults, StartDeployment, StartDryRun } from "./remote-model.ts"

/** No sandbox works for this server, so nobody may report in the name of one. */
const refuse = () => {
  throw remoteFaults.forbidden()
}

/** Single functions from afar: compile one, try one, deploy one. */
export const remoteRoutes = [
  keyEndpoint({
    method: "POST",
    path: "/functions/compile",
    summary: "Compiles the code of one function",
    scope: "functions:compile",
    body: CompileCode,
    handle: (ctx, { body }) => compileCode(ctx, body.code),
  }),
  keyEndpoint({
    method: "POST",
    path: "/functions/dryruns",
    summary: "Begins a dry run of one function",
    scope: "functions:dryrun",
    body: StartDryRun,
    handle: async (ctx, { body }) => reply(202, await beginDryRun(ctx, body)),
  }),
  keyEndpoint({
    method: "GET",
    path: "/functions/dryruns/:id",
    summary: "How a dry run stands",
    scope: "functions:dryrun",
    params: JobParams,
    handle(ctx, { params }) {
      const job = findJob(ctx, "dryrun", params.id)
      if (!job) throw remoteFaults.dryrun_not_found()
      return job
    },
  }),
  keyEndpoint({
    method: "POST",
    path: "/functions/dryruns/:id/result",
    summary: "For sandboxes only",
    scope: "functions:dryrun",
    guard: refuse,
    handle: refuse,
  }),
  keyEndpoint({
    method: "POST",
    path: "/functions/deployments",
    summary: "Begins to deploy one function",
    scope: "deploy",
    body: StartDeployment,
    handle: async (ctx, { body }) => reply(202, await beginDeployment(ctx, body)),
  }),
  keyEndpoint({
    method: "GET",
    path: "/functions/deployments/:id",
    summary: "How a deployment stands",
    scope: "deploy",
    params: JobParams,
    handle(ctx, { params }) {
      const job = findJob(ctx, "deployment", params.id)
      if (!job) throw remoteFaults.deployment_not_found()
      return job
    },
  }),
  keyEndpoint({
    method: "POST",
    path: "/functions/deployments/:id/result",
    summary: "For sandboxes only",
    scope: "deploy",
    guard: refuse,
    handle: refuse,
  }),
  keyEndpoint({
    method: "POST",
    path: "/functions/invocations",
    summary: "Would invoke a function; it looks at the request and declines",
    scope: "functions:invocations",
    body: Invoke,
    handle: (ctx, { body }) => refuseInvocation(ctx, body),
  }),
]
