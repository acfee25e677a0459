import { and, eq, isNull } from "drizzle-orm"
import type { EnvironmentCtx } from "../app/context.ts"
import type { DeployedFunctions } from "../app/moments.ts"
import { listConnectionsOf } from "../connections/connections.ts"
import { isPending } from "../connections/credentials.ts"
import type { ConnectionRow } from "../connections/model.ts"
import { listFunctions } from "../functions/functions.ts"
import { parseFrequency } from "../functions/frequency.ts"
import type { FunctionRow } from "../functions/model.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { newUuid } from "../kit/ids.ts"
import { priorities } from "../queue/model.ts"
import { cancelTask } from "../queue/queue.ts"
import { ensureSchedule, setScheduleState, setTiming, type Timing } from "../queue/schedule.ts"
import { base, checkpoints, scheduleKey, type SyncRow, syncs } from "./model.ts"

/**
 * When a new connection appears (or an old one comes back), every enabled sync of its integration gets an instance on it;
 * not before its provider has approved it.
 */
export async function startSyncsOfConnection(ctx: EnvironmentCtx, connection: ConnectionRow): Promise<void> {
  if (isPending(ctx, connection)) return
  const deployed = await listFunctions(ctx, { integrationId: connection.integration_id, type: "sync" })
  for (const fn of deployed) if (fn.enabled) await ensureSync(ctx, { connection, fn, variant: base })
}

/** After a deploy: instances on every connection for what is new, other timing where it changed, an end for what was removed. */
export async function followDeploy(ctx: EnvironmentCtx, change: DeployedFunctions): Promise<void> {
  for (const fn of change.saved) {
    if (fn.type !== "sync" || !fn.enabled) continue
    const connections = change.storeOnly ? [] : await listConnectionsOf(ctx, fn.integration_id)
    for (const connection of connections) await ensureSync(ctx, { connection, fn, variant: base })
    await retime(ctx, fn)
  }
  for (const fn of change.removed) {
    if (fn.type !== "sync") continue
    await removeSyncs(ctx, and(eq(syncs.integration_id, fn.integration_id), eq(syncs.name, fn.name)))
  }
}

export async function removeSyncsOfConnection(ctx: EnvironmentCtx, connection: ConnectionRow): Promise<void> {
  await removeSyncs(ctx, eq(syncs.connection_id, connection.id))
  await ctx.db.delete(checkpoints).where(eq(checkpoints.connection_id, connection.id))
}

export async function removeSyncsOfIntegration(ctx: EnvironmentCtx, integration: IntegrationRow): Promise<void> {
  await removeSyncs(ctx, eq(syncs.integration_id, integration.id))
}

/**
 * Makes the instance of a sync on a connection, with its schedule. One that was removed before comes back with the
 * operator's intent as it was: what was paused stays paused.
 */
export async function ensureSync(
  ctx: EnvironmentCtx,
  input: { connection: ConnectionRow; fn: FunctionRow; variant: string },
): Promise<SyncRow> {
  const { connection, fn, variant } = input
  const [existing] = await ctx.db
    .select()
    .from(syncs)
    .where(and(eq(syncs.connection_id, connection.id), eq(syncs.name, fn.name), eq(syncs.variant, variant)))
  const row = existing ?? (await insertSync(ctx, input))
  if (existing?.deleted_at)
    await ctx.db.update(syncs).set({ deleted_at: null, failed_operation: null }).where(eq(syncs.id, row.id))
  const timing = timingOf(row, fn)
  if (!timing) return row
  await ensureSchedule(ctx, {
    key: scheduleKey(row.id),
    kind: "sync",
    group: syncGroup(ctx),
    priority: priorities.sync,
    payload: { syncId: row.id },
    timing,
    intent: fn.definition.autoStart ? "started" : "paused",
  })
  ctx.tx?.after(ctx.queue.wake)
  return row
}

async function insertSync(
  ctx: EnvironmentCtx,
  input: { connection: ConnectionRow; fn: FunctionRow; variant: string },
): Promise<SyncRow> {
  const [row] = await ctx.db
    .insert(syncs)
    .values({
      id: newUuid(),
      environment_id: ctx.environment.id,
      connection_id: input.connection.id,
      integration_id: input.connection.integration_id,
      name: input.fn.name,
      variant: input.variant,
      accept_deletes: false,
      created_at: ctx.now().getTime(),
    })
    .returning()
  if (!row) throw new Error("The sync was not stored.")
  return row
}

async function retime(ctx: EnvironmentCtx, fn: FunctionRow): Promise<void> {
  const rows = await ctx.db
    .select()
    .from(syncs)
    .where(
      and(
        eq(syncs.integration_id, fn.integration_id),
        eq(syncs.name, fn.name),
        isNull(syncs.deleted_at),
        isNull(syncs.frequency),
      ),
    )
  for (const row of rows) {
    const timing = timingOf(row, fn)
    if (timing) await setTiming(ctx, scheduleKey(row.id), timing)
  }
}

async function removeSyncs(ctx: EnvironmentCtx, which: ReturnType<typeof and>): Promise<void> {
  const rows = await ctx.db
    .select()
    .from(syncs)
    .where(and(which, isNull(syncs.deleted_at)))
  for (const row of rows) await removeSync(ctx, row)
}

/** Ends a sync: its schedule is switched off, its run cancelled. The operator's intent is kept for its return. */
export async function removeSync(ctx: EnvironmentCtx, row: SyncRow): Promise<void> {
  await setScheduleState(ctx, scheduleKey(row.id), "disabled")
  await stopRun(ctx, row, "the sync was removed")
  await ctx.db.update(syncs).set({ deleted_at: ctx.now().getTime() }).where(eq(syncs.id, row.id))
}

/** Cancels the live task of a sync; its run is told once the change is committed. */
export async function stopRun(ctx: EnvironmentCtx, row: SyncRow, reason: string): Promise<void> {
  const task = await cancelTask(ctx, scheduleKey(row.id), reason)
  if (task) ctx.tx?.after(() => ctx.queue.abort(task.id, reason))
}

/** The connection's own frequency, else the function's. Undefined when neither says how often. */
export function timingOf(row: Pick<SyncRow, "frequency">, fn: FunctionRow): Timing | undefined {
  const text = row.frequency ?? fn.definition.frequency
  if (!text) return undefined
  const parsed = parseFrequency(text)
  if (!parsed.ok) return undefined
  return parsed.cron === undefined ? { intervalMs: parsed.ms } : { cron: parsed.cron, timezone: parsed.timezone }
}

export const syncGroup = (ctx: EnvironmentCtx): string => `sync:${ctx.environment.id}`
