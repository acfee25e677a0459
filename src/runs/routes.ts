import { keyEndpoint, replyText } from "../http/endpoint.ts"
import { runAction } from "./action-run.ts"
import { startDryRun } from "./dry-run.ts"
import { ActionHeaders, DryRun, TriggerAction } from "./model.ts"

export const runRoutes = [
  keyEndpoint({
    method: "POST",
    path: "/action/trigger",
    summary: "Runs an action and answers what it returned",
    scope: "actions:execute",
    body: TriggerAction,
    headers: ActionHeaders,
    handle: async (ctx, { body, headers, request }) => {
      const output = await runAction(ctx, {
        providerConfigKey: headers["provider-config-key"],
        connectionId: headers["connection-id"],
        actionName: body.action_name,
        // A missing or null input reaches the function as an empty object; other falsy values as they are.
        input: JSON.stringify(body.input ?? {}),
        signal: request.signal,
      })
      return replyText(output ?? "null")
    },
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
