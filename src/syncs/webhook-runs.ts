import { and, eq, isNull } from "drizzle-orm"
import type { EnvironmentCtx } from "../app/context.ts"
import type { MatchedWebhook } from "../app/moments.ts"
import type { ConnectionRow } from "../connections/model.ts"
import { listFunctions } from "../functions/functions.ts"
import type { FunctionRow } from "../functions/model.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { priorities } from "../queue/model.ts"
import { addTask } from "../queue/queue.ts"
import { base, type SyncRow, syncs, type SyncTask } from "./model.ts"

/**
 * Queues a run of every webhook function whose subscriptions name one of an event's types, or `*`: one for each event and
 * connection. Answers how many. Functions of the base variant take webhooks; where a connection has no such sync, the
 * owner finds that in the logs.
 */
export async function queueWebhookRuns(ctx: EnvironmentCtx, matched: MatchedWebhook): Promise<number> {
  const { integration, events } = matched
  if (events.length === 0) return 0
  const deployed = await listFunctions(ctx, { integrationId: integration.id, type: "sync" })
  const listening = deployed.filter((fn) => fn.enabled && fn.definition.webhookSubscriptions.length > 0)
  let queued = 0
  for (const { connection, types, payload } of events) {
    for (const fn of listening.filter((one) => isSubscribed(one, types))) {
      const sync = await findBase(ctx, connection, fn)
      if (sync) await addRun(ctx, sync, payload)
      else reportMissing(ctx, { connection, integration, fn })
      queued += sync ? 1 : 0
    }
  }
  return queued
}

const isSubscribed = ({ definition }: FunctionRow, types: string[]): boolean =>
  definition.webhookSubscriptions.some((subscription) => subscription === "*" || types.includes(subscription))

async function findBase(ctx: EnvironmentCtx, connection: ConnectionRow, fn: FunctionRow): Promise<SyncRow | undefined> {
  const [row] = await ctx.db
    .select()
    .from(syncs)
    .where(
      and(
        eq(syncs.connection_id, connection.id),
        eq(syncs.name, fn.name),
        eq(syncs.variant, base),
        isNull(syncs.deleted_at),
      ),
    )
  return row
}

async function addRun(ctx: EnvironmentCtx, sync: SyncRow, input: string): Promise<void> {
  const payload: SyncTask = { syncId: sync.id, input }
  await addTask(ctx, { kind: "webhook", group: `webhook:${ctx.environment.id}`, priority: priorities.webhook, payload })
  ctx.tx?.after(ctx.queue.wake)
}

function reportMissing(
  ctx: EnvironmentCtx,
  about: { connection: ConnectionRow; integration: IntegrationRow; fn: FunctionRow },
): void {
  const { connection, integration, fn } = about
  const operation = ctx.logs.open({
    environmentId: ctx.environment.id,
    type: "webhook",
    action: "incoming",
    message: `Webhook function of "${fn.name}"`,
    integration: integration.unique_key,
    provider: integration.provider,
    connection: connection.connection_id,
    function: fn.name,
  })
  operation.close("failed", { type: "unknown_sync", message: "The connection has no sync of that name." })
}
