import { keyEndpoint, reply, replyText } from "../http/endpoint.ts"
import { runAction } from "./action-run.ts"
import { queueAction, readResult, statusUrlOf } from "./async-actions.ts"
import { startDryRun } from "./dry-run.ts"
import { ActionHeaders, AsyncParams, DryRun, TriggerAction } from "./model.ts"

export const runRoutes = [
  keyEndpoint({
    method: "POST",
    path: "/action/trigger",
    summary: "Runs an action and answers what it returned",
    scope: "actions:execute",
    body: TriggerAction,
    headers: ActionHeaders,
    handle: async (ctx, { body, headers, request }) => {
      const call = {
        providerConfigKey: headers["provider-config-key"],
        connectionId: headers["connection-id"],
        actionName: body.action_name,
        // A missing or null input reaches the function as an empty object; other falsy values as they are.
        input: JSON.stringify(body.input ?? {}),
      }
      if (!headers["x-async"]) return replyText((await runAction(ctx, { ...call, signal: request.signal })) ?? "null")
      const id = await queueAction(ctx, { ...call, maxRetries: headers["x-max-retries"] ?? 0 })
      const statusUrl = statusUrlOf(id)
      return reply(202, { id, statusUrl }, { location: statusUrl })
    },
  }),
  keyEndpoint({
    method: "GET",
    path: "/action/:id",
    summary: "What an asynchronous action returned, once it has ended",
    scope: "actions:execute",
    params: AsyncParams,
    ignoreQuery: true,
    handle: async (ctx, { params }) => replyText(await readResult(ctx, params.id)),
  }),
  keyEndpoint({
    method: "POST",
    path: "/sluice/dryruns",
    summary: "Runs a function of a project without storing anything; answers JSON lines as it goes on",
    scope: "functions:dryrun",
    body: DryRun,
    handle: (ctx, { body, request }) => startDryRun(ctx, body, request.signal),
  }),
]
