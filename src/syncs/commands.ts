import { and, eq, or } from "drizzle-orm"
import { type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { priorities } from "../queue/model.ts"
import { addTask, cancelTask } from "../queue/queue.ts"
import { noteManualRun, setIntent } from "../queue/schedule.ts"
import { startsWith } from "../store/match.ts"
import { chooseSyncs, listSyncs, resolveTarget, type Target } from "./find.ts"
import { stopRun, syncGroup } from "./instances.ts"
import { checkpointKey, checkpoints, scheduleKey, type SyncName, type SyncRow, type SyncTask, syncs } from "./model.ts"

export type Command = { providerConfigKey: string; connectionId?: string; names: SyncName[] }

async function targets(ctx: EnvironmentCtx, command: Command): Promise<Target[]> {
  const { integration, connection } = await resolveTarget(ctx, command)
  const all = await listSyncs(ctx, { integrationId: integration.id, connectionId: connection?.id })
  return chooseSyncs(all, command.names, connection !== undefined)
}

/**
 * Runs syncs once, now; a paused schedule stays paused. With `reset` a running one is cancelled and the sync forgets
 * where it was; with `emptyCache` the run begins by deleting the records. A sync that runs already is left to it.
 */
export async function triggerSyncs(
  ctx: EnvironmentCtx,
  command: Command & { reset: boolean; emptyCache: boolean },
): Promise<void> {
  for (const { sync } of await targets(ctx, command)) {
    await inTransaction(ctx, (ctx) => triggerSync(ctx, sync, command))
  }
}

async function triggerSync(
  ctx: EnvironmentCtx,
  sync: SyncRow,
  options: { reset: boolean; emptyCache: boolean },
): Promise<void> {
  if (options.reset) await resetSync(ctx, sync)
  const payload: SyncTask = { syncId: sync.id, emptyCache: options.reset && options.emptyCache }
  const task = await addTask(ctx, {
    kind: "sync",
    key: scheduleKey(sync.id),
    group: syncGroup(ctx),
    priority: priorities.sync - 1,
    payload,
  })
  if (task) await noteManualRun(ctx, scheduleKey(sync.id))
  else ctx.log.info({ sync: sync.id }, "a trigger found the sync running already")
  ctx.tx?.after(ctx.queue.wake)
}

async function resetSync(ctx: EnvironmentCtx, sync: SyncRow): Promise<void> {
  const running = await cancelTask(ctx, scheduleKey(sync.id), "the sync was reset")
  if (running) ctx.tx?.after(() => ctx.queue.abort(running.id, "the sync was reset"))
  await ctx.db.update(syncs).set({ last_sync_at: null }).where(eq(syncs.id, sync.id))
  const key = checkpointKey("sync", sync)
  await ctx.db
    .delete(checkpoints)
    .where(
      and(
        eq(checkpoints.connection_id, sync.connection_id),
        or(eq(checkpoints.key, key), startsWith(checkpoints.key, `${key}:`)),
      ),
    )
  await ctx.tx?.step({ name: "records.dropWindows", input: { connectionId: sync.connection_id, scopePrefix: key } })
}

/** Lets schedules run again. Idempotent. */
export async function startSyncs(ctx: EnvironmentCtx, command: Command): Promise<void> {
  const found = await targets(ctx, command)
  await inTransaction(ctx, async (ctx) => {
    for (const { sync } of found) await setIntent(ctx, scheduleKey(sync.id), "started")
    ctx.tx.after(ctx.queue.wake)
  })
}

/** Stops schedules and whatever runs now. It stays so until somebody starts them again. */
export async function pauseSyncs(ctx: EnvironmentCtx, command: Command): Promise<void> {
  const found = await targets(ctx, command)
  await inTransaction(ctx, async (ctx) => {
    for (const { sync } of found) {
      await setIntent(ctx, scheduleKey(sync.id), "paused")
      await stopRun(ctx, sync, "the sync was paused")
    }
  })
}

/** Lets the next run of each sync that ends well delete nearly everything, past the brake; once. */
export async function acceptDeletes(ctx: EnvironmentCtx, command: Command): Promise<void> {
  const found = await targets(ctx, command)
  await inTransaction(ctx, async (ctx) => {
    for (const { sync } of found) await ctx.db.update(syncs).set({ accept_deletes: true }).where(eq(syncs.id, sync.id))
  })
}
