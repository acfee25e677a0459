import { and, eq, inArray, lt, sql } from "drizzle-orm"
import { type App, type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { tasks } from "../queue/model.ts"
import { wakeLane } from "./lanes.ts"
import { webhookAttempts, webhookDeliveries, webhookInbox, webhookSettings } from "./model.ts"

const dayMs = 86_400_000
const batch = 500

/**
 * Gives a task to every lane that has something to send but no task: what a crash or a full disk may leave behind. Answers
 * how many there were.
 */
export async function wakeForgottenLanes(app: App): Promise<number> {
  const columns = webhookDeliveries
  const forgotten = await app.db
    .selectDistinct({ lane: columns.lane })
    .from(columns)
    .where(
      and(
        eq(columns.state, "pending"),
        sql`NOT EXISTS (SELECT 1 FROM ${tasks} WHERE ${tasks.key} = 'delivery:' || ${columns.lane} AND ${tasks.state} IN ('waiting', 'started'))`,
      ),
    )
    .limit(batch)
  if (forgotten.length === 0) return 0
  await inTransaction(app, async (ctx) => {
    for (const { lane } of forgotten) await wakeLane(ctx, lane)
  })
  return forgotten.length
}

/** Removes deliveries that were over before the retention time began, a batch at a time. Answers whether there may be more. */
export function sweepDeliveries(app: App): Promise<boolean> {
  const before = app.now().getTime() - app.config.webhookRetentionDays * dayMs
  return inTransaction(app, async (ctx) => {
    const old = await ctx.db
      .select({ id: webhookDeliveries.id })
      .from(webhookDeliveries)
      .where(lt(webhookDeliveries.finished_at, before))
      .limit(batch)
    await removeDeliveries(
      ctx,
      old.map((row) => row.id),
    )
    return old.length === batch
  })
}

/** Forgets everything of the context's environment, which is being deleted. */
export async function removeWebhooks(ctx: EnvironmentCtx): Promise<void> {
  const { id } = ctx.environment
  await inTransaction(ctx, async (ctx) => {
    const rows = await ctx.db
      .delete(webhookDeliveries)
      .where(eq(webhookDeliveries.environment_id, id))
      .returning({ id: webhookDeliveries.id })
    const ids = rows.map((row) => row.id)
    for (let from = 0; from < ids.length; from += batch) {
      await ctx.db.delete(webhookAttempts).where(inArray(webhookAttempts.delivery_id, ids.slice(from, from + batch)))
    }
    await ctx.db.delete(webhookInbox).where(eq(webhookInbox.environment_id, id))
    await ctx.db.delete(webhookSettings).where(eq(webhookSettings.environment_id, id))
  })
}

async function removeDeliveries(ctx: App, ids: number[]): Promise<void> {
  if (ids.length === 0) return
  await ctx.db.delete(webhookAttempts).where(inArray(webhookAttempts.delivery_id, ids))
  await ctx.db.delete(webhookDeliveries).where(inArray(webhookDeliveries.id, ids))
}
