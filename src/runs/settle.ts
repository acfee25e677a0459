import { and, eq } from "drizzle-orm"
import { type App, inTransaction } from "../app/context.ts"
import type { FunctionRow } from "../functions/model.ts"
import type { TaskRow } from "../queue/model.ts"
import { releaseTask, settleTask } from "../queue/queue.ts"
import { runCounts } from "../records/counts.ts"
import type { HostRun } from "../runner/host-run.ts"
import type { RunError } from "../runner/runner.ts"
import type { Tx } from "../store/store.ts"
import { queueFailure, queueSuccess } from "./sync-webhooks.ts"
import { type SyncRow, type SyncRunRow, syncRuns, syncs } from "../syncs/model.ts"

type Ended = { task: TaskRow; row: SyncRunRow }

/**
 * The closing step of a run that ended well: delete marks, status, last-sync date and the end of the task commit
 * together, or not at all when the attempt has lost its task or was cancelled at the last moment.
 */
export async function closeSucceeded(run: HostRun, ended: Ended & { sync: SyncRow; fn: FunctionRow }): Promise<void> {
  const { row, sync } = ended
  const connectionId = run.found.connection.id
  const held = await inTransaction(run.ctx, async (ctx) => {
    if (!(await settleTask(ctx, ended.task, { unlessCancelled: true }))) return false
    for (const mark of run.toMark) {
      await ctx.tx.step({ name: "records.markUnseen", input: { runId: row.id, connectionId, ...mark } })
    }
    await ctx.tx.step({ name: "records.closeRun", input: { runId: row.id, connectionId } })
    await ctx.db
      .update(syncRuns)
      .set(endColumns(run, "SUCCESS", ctx.now().getTime()))
      .where(eq(syncRuns.id, row.id))
    if (row.kind === "sync")
      await ctx.db
        .update(syncs)
        .set({ last_sync_at: row.started_at, accept_deletes: false, failed_operation: null })
        .where(eq(syncs.id, sync.id))
    await queueSuccess(ctx, run, row, range(run))
    return true
  })
  if (!held) return closeFailed(run, { ...ended, error: tooLate, cancelled: true })
  run.operation.info("The run ended well", { result: await runCounts(run.ctx.store, row.id), checkpoints: range(run) })
  run.operation.close("success")
}

const tooLate: RunError = { type: "script_aborted", status: 410, message: "The run was cancelled", payload: {} }

/** The closing step of a run that failed or was cancelled. What it saved stays; nothing is marked as deleted. */
export async function closeFailed(run: HostRun, ended: Ended & { error: RunError; cancelled: boolean }): Promise<void> {
  const { row, error } = ended
  const held = await inTransaction(run.ctx, async (ctx) => {
    if (!(await settleTask(ctx, ended.task))) return false
    await ctx.tx.step({ name: "records.closeRun", input: { runId: row.id, connectionId: run.found.connection.id } })
    const columns = {
      ...endColumns(run, "STOPPED", ctx.now().getTime()),
      error: { type: error.type, message: error.message },
    }
    await ctx.db.update(syncRuns).set(columns).where(eq(syncRuns.id, row.id))
    if (!ended.cancelled) await noteFailure(ctx, row)
    await queueFailure(ctx, run, row, { error, checkpoints: range(run), at: columns.finished_at })
    return true
  })
  if (!held) return closeFenced(run, row)
  run.operation.error(error.message, {
    error: {
      type: error.type,
      message: error.message,
      payload: error.payload,
      stack: error.stack,
      upstream: error.upstream,
    },
  })
  run.operation.close(ended.cancelled ? "cancelled" : "failed", { type: error.type, message: error.message })
}

/** Another attempt has the task: this one may only note that it is over. */
async function closeFenced(run: HostRun, row: SyncRunRow): Promise<void> {
  await inTransaction(run.ctx, (ctx) => stopRow(ctx, row, "The run lost its task."))
  run.operation.close("cancelled", { type: "lease_lost", message: "The run lost its task." })
}

/**
 * An attempt that ended without a closing step: the daemon died or stops. Its run is over; the task waits for the next
 * attempt (`release` puts it back by itself, without counting a loss).
 */
export async function closeInterrupted(
  app: App,
  task: TaskRow,
  how: { givenUp: boolean; release?: boolean },
): Promise<void> {
  await inTransaction(app, async (ctx) => {
    const rows = await ctx.db
      .select()
      .from(syncRuns)
      .where(and(eq(syncRuns.task_id, task.id), eq(syncRuns.status, "RUNNING")))
    for (const row of rows) await stopRow(ctx, row, interruption(task, how.givenUp))
    if (how.givenUp) for (const row of rows) await noteFailure(ctx, row)
    if (how.release) await releaseTask(ctx, task)
  })
}

export const givenUpMessage = "The run was given up: its daemon died too often in the middle of it, without progress."

function interruption(task: TaskRow, givenUp: boolean): string {
  if (task.cancel_reason !== null) return `The run was cancelled: ${task.cancel_reason}.`
  return givenUp ? givenUpMessage : "The run was interrupted."
}

/** The sync is an active problem of its connection until a run of it ends well. */
async function noteFailure(ctx: App, row: SyncRunRow): Promise<void> {
  if (row.kind !== "sync") return
  await ctx.db.update(syncs).set({ failed_operation: row.operation_id }).where(eq(syncs.id, row.sync_id))
}

/** Ends the run of an attempt that had no closing step; what it has seen stays only where a delete window needs it. */
async function stopRow(ctx: App & { tx: Tx }, row: SyncRunRow, message: string): Promise<void> {
  const [sync] = await ctx.db.select().from(syncs).where(eq(syncs.id, row.sync_id))
  if (sync) await ctx.tx.step({ name: "records.closeRun", input: { runId: row.id, connectionId: sync.connection_id } })
  await ctx.db
    .update(syncRuns)
    .set({ status: "STOPPED", error: { type: "script_interrupted", message }, finished_at: ctx.now().getTime() })
    .where(and(eq(syncRuns.id, row.id), eq(syncRuns.status, "RUNNING")))
}

function endColumns(run: HostRun, status: "SUCCESS" | "STOPPED", finished_at: number) {
  const { from, to } = range(run)
  return { status, checkpoint_from: from, checkpoint_to: to, finished_at }
}

function range({ checkpoint }: HostRun) {
  const from = checkpoint.from ?? null
  return { from, to: checkpoint.to === undefined ? from : checkpoint.to }
}
