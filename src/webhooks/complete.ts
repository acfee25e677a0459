import type { EnvironmentCtx } from "../app/context.ts"
import { completeConnection } from "../connections/connect.ts"
import { isPending } from "../connections/credentials.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import type { WebhookCompletion } from "../providers/webhook-recipe.ts"
import { holds, type Parsed, textOf, valueAt } from "./incoming.ts"
import { matchEvents } from "./match.ts"

/**
 * Gives the connection that waits for this webhook its credentials. Nothing happens when none waits. Throws what the
 * provider's refusal is; the webhook then counts as not taken in, so that the provider sends it again.
 */
export async function completePending(
  ctx: EnvironmentCtx,
  integration: IntegrationRow,
  completion: WebhookCompletion,
  parsed: Parsed,
): Promise<void> {
  if (!holds(parsed, completion.when)) return
  const [matched] = await matchEvents(ctx, integration, { connection: [completion.connection] }, [parsed])
  const waiting = matched?.connections.filter((connection) => isPending(ctx, connection)) ?? []
  // Of several that wait for the same person only the newest can be meant: the older ones were given up.
  const newest = waiting.toSorted((a, b) => b.id - a.id)[0]
  if (!newest) return
  await completeConnection(ctx, integration, newest, {
    query: textsOf(parsed, completion.answer),
    connectionConfig: textsOf(parsed, completion.save),
  })
}

function textsOf(parsed: Parsed, sources: Record<string, string>): Record<string, string> {
  const found = Object.entries(sources).map(([name, source]) => [name, textOf(valueAt(parsed, source))] as const)
  return Object.fromEntries(found.filter((pair): pair is [string, string] => pair[1] !== undefined))
}
