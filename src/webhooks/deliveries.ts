import { and, asc, desc, eq, lt } from "drizzle-orm"
import { type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { type AttemptRow, type DeliveryRow, webhookAttempts, webhookDeliveries, webhookFaults } from "./model.ts"
import { hastenTask } from "../queue/queue.ts"
import { laneKey, wakeLane } from "./lanes.ts"
import { enableUrl } from "./settings.ts"

export type DeliveryFilter = {
  state?: DeliveryRow["state"]
  type?: string
  connection?: string
  integration?: string
  before?: number
  limit: number
}

/** Deliveries of the environment, newest first. */
export function listDeliveries(ctx: EnvironmentCtx, filter: DeliveryFilter): Promise<DeliveryRow[]> {
  const columns = webhookDeliveries
  return ctx.db
    .select()
    .from(columns)
    .where(
      and(
        eq(columns.environment_id, ctx.environment.id),
        filter.state === undefined ? undefined : eq(columns.state, filter.state),
        filter.type === undefined ? undefined : eq(columns.type, filter.type as DeliveryRow["type"]),
        filter.integration === undefined ? undefined : eq(columns.integration, filter.integration),
        filter.connection === undefined ? undefined : eq(columns.connection, filter.connection),
        filter.before === undefined ? undefined : lt(columns.id, filter.before),
      ),
    )
    .orderBy(desc(columns.id))
    .limit(filter.limit)
}

export async function showDelivery(
  ctx: EnvironmentCtx,
  id: number,
): Promise<{ delivery: DeliveryRow; attempts: AttemptRow[] }> {
  const delivery = await getDelivery(ctx, id)
  const attempts = await ctx.db
    .select()
    .from(webhookAttempts)
    .where(eq(webhookAttempts.delivery_id, id))
    .orderBy(asc(webhookAttempts.id))
  return { delivery, attempts }
}

/**
 * Sends a delivery again, now, whatever became of it, with the same event id and the same bytes. A URL that was disabled
 * is tried again: whoever asks for this has mended it.
 */
export async function redeliver(ctx: EnvironmentCtx, id: number): Promise<void> {
  await inTransaction(ctx, async (ctx) => {
    const row = await getDelivery(ctx, id)
    await enableUrl(ctx, row.url)
    await ctx.db
      .update(webhookDeliveries)
      .set({ state: "pending", attempts: 0, next_at: null, finished_at: null })
      .where(eq(webhookDeliveries.id, row.id))
    await wakeLane(ctx, row.lane)
    await hastenTask(ctx, laneKey(row.lane))
  })
}

async function getDelivery(ctx: EnvironmentCtx, id: number): Promise<DeliveryRow> {
  const [row] = await ctx.db
    .select()
    .from(webhookDeliveries)
    .where(and(eq(webhookDeliveries.id, id), eq(webhookDeliveries.environment_id, ctx.environment.id)))
  if (!row) throw webhookFaults.unknown_delivery()
  return row
}
