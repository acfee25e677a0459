import { and, asc, desc, eq, lt } from "drizzle-orm"
import { type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { type AttemptRow, type DeliveryRow, webhookAttempts, webhookDeliveries, webhookFaults } from "./model.ts"
import { wakeLane } from "./outbox.ts"

export type DeliveryFilter = { state?: DeliveryRow["state"]; type?: string; connection?: string; before?: number; limit: number }

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
        filter.connection === undefined ? undefined : eq(columns.connection, filter.connection),
        filter.before === undefined ? undefined : lt(columns.id, filter.before),
      ),
    )
    .orderBy(desc(columns.id))
    .limit(filter.limit)
}

export async function showDelivery(ctx: EnvironmentCtx, id: number): Promise<{ delivery: DeliveryRow; attempts: AttemptRow[] }> {
  const delivery = await getDelivery(ctx, id)
  const attempts = await ctx.db
    .select()
    .from(webhookAttempts)
    .where(eq(webhookAttempts.delivery_id, id))
    .orderBy(asc(webhookAttempts.id))
  return { delivery, attempts }
}

/** Sends a delivery again, whatever became of it, with the same event id and the same bytes. */
export async function redeliver(ctx: EnvironmentCtx, id: number): Promise<void> {
  const row = await getDelivery(ctx, id)
  await inTransaction(ctx, async (ctx) => {
    await ctx.db
      .update(webhookDeliveries)
      .set({ state: "pending", attempts: 0, next_at: null, finished_at: null })
      .where(eq(webhookDeliveries.id, row.id))
    await wakeLane(ctx, row.lane)
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
