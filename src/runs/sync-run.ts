import { desc, eq } from "drizzle-orm"
import { type App, type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { findConnectionById } from "../connections/connections.ts"
import { getEnvironment } from "../environments/environments.ts"
import { findFunction } from "../functions/functions.ts"
import type { FunctionRow } from "../functions/model.ts"
import { AppError, messageOf } from "../kit/errors.ts"
import { isoTime } from "../kit/times.ts"
import type { Operation } from "../logs/log.ts"
import type { TaskHandler } from "../queue/loop.ts"
import type { TaskRow } from "../queue/model.ts"
import { settleTask } from "../queue/queue.ts"
import { countUnseen } from "../records/list.ts"
import { holdBrake } from "../runner/host-records.ts"
import { releaseLocks } from "../runner/host.ts"
import { type HostRun, newHostRun } from "../runner/host-run.ts"
import type { RunError } from "../runner/runner.ts"
import { checkpointKey, type SyncRow, type SyncRunRow, syncRuns, type SyncTask, variantModel } from "../syncs/model.ts"
import { findSyncById } from "../syncs/find.ts"
import { baseFacts, execute } from "./context.ts"
import { runAction } from "./action-run.ts"
import { closeFailed, closeInterrupted, closeSucceeded, givenUpMessage } from "./settle.ts"
import { queueFailure } from "./sync-webhooks.ts"

type SyncKind = SyncRunRow["kind"]

/** How the tasks of a sync, or of its webhook function, are carried out: load, clear if asked, run, settle. */
export function syncHandler(app: () => App, kind: SyncKind): TaskHandler {
  return {
    run: (task, signal) => runSync(app(), { task, signal, kind }),
    lost: (task, givenUp) => loseSync(app(), { task, kind }, givenUp),
  }
}

type Loaded = {
  ctx: EnvironmentCtx
  sync: SyncRow
  fn: FunctionRow
  found: NonNullable<Awaited<ReturnType<typeof findConnectionById>>>
}

type Work = { task: TaskRow; signal: AbortSignal; kind: SyncKind }

async function runSync(app: App, work: Work): Promise<void> {
  const { task, signal } = work
  const loaded = await loadSync(app, task)
  if (!loaded) {
    await inTransaction(app, (ctx) => settleTask(ctx, task))
    return
  }
  const { row, run } = await openRun(loaded, work)
  try {
    const error = await carryOut(loaded, run, task)
    if (!error) await closeSucceeded(run, { task, row, sync: loaded.sync, fn: loaded.fn })
    else if (signal.reason === "the daemon stops") await closeInterrupted(app, task, { givenUp: false, release: true })
    else await closeFailed(run, { task, row, error, cancelled: signal.aborted })
  } catch (error) {
    await closeFailed(run, { task, row, error: asRunError(error), cancelled: signal.aborted })
  } finally {
    await releaseLocks(run)
  }
}

/** An attempt died with its daemon. When there will be no other, the owner is told why the sync stands still. */
async function loseSync(app: App, lost: Omit<Work, "signal">, givenUp: boolean): Promise<void> {
  await closeInterrupted(app, lost.task, { givenUp })
  if (!givenUp || lost.task.cancel_reason !== null) return
  const loaded = await loadSync(app, lost.task)
  if (!loaded) return
  openOperation(loaded, lost).close("failed", { type: "script_interrupted", message: givenUpMessage })
  await inTransaction(loaded.ctx, (ctx) => tellGivenUp(ctx, loaded, lost))
}

async function tellGivenUp(ctx: EnvironmentCtx, loaded: Loaded, { task, kind }: Omit<Work, "signal">): Promise<void> {
  const ofTask = eq(syncRuns.task_id, task.id)
  const [row] = await ctx.db.select().from(syncRuns).where(ofTask).orderBy(desc(syncRuns.id)).limit(1)
  if (!row) return
  const { found, sync, fn } = loaded
  const run = { found, syncName: sync.name, variant: sync.variant, models: fn.definition.models }
  const checkpoints = { from: row.checkpoint_from, to: row.checkpoint_to }
  const error = { message: givenUpMessage, payload: {} }
  await queueFailure(ctx, { ...run, syncType: syncTypeOf(sync, kind) }, row, {
    error,
    checkpoints,
    at: ctx.now().getTime(),
  })
}

/** What webhooks call a run: INITIAL until the sync has ended well once. */
function syncTypeOf(sync: SyncRow, kind: SyncKind): "INITIAL" | "INCREMENTAL" | "WEBHOOK" {
  if (kind === "webhook") return "WEBHOOK"
  return sync.last_sync_at === null ? "INITIAL" : "INCREMENTAL"
}

/** Everything that the run is about; undefined when it went away while the task waited. */
async function loadSync(app: App, task: TaskRow): Promise<Loaded | undefined> {
  const { syncId } = task.payload as SyncTask
  // The environment is known only after the sync was read, so the first look is without one.
  const sync = await findSyncById(app as EnvironmentCtx, syncId)
  if (!sync) return undefined
  const ctx: EnvironmentCtx = { ...app, environment: await getEnvironment(app, sync.environment_id) }
  const found = await findConnectionById(ctx, sync.connection_id)
  const fn = await findFunction(ctx, { integrationId: sync.integration_id, type: "sync", name: sync.name })
  return found?.connection.deleted_at === null && fn?.enabled ? { ctx, sync, fn, found } : undefined
}

function openOperation({ ctx, sync, found }: Loaded, { task, kind }: Omit<Work, "signal">): Operation {
  return ctx.logs.open({
    environmentId: ctx.environment.id,
    type: kind,
    action: kind === "sync" ? "run" : "incoming",
    message: kind === "sync" ? `Sync "${sync.name}"` : `Webhook function of "${sync.name}"`,
    integration: found.integration.unique_key,
    provider: found.integration.provider,
    connection: found.connection.connection_id,
    function: sync.name,
    meta: { variant: sync.variant, attempt: task.attempt },
  })
}

async function openRun(loaded: Loaded, work: Work): Promise<{ row: SyncRunRow; run: HostRun }> {
  const { ctx, sync, fn, found } = loaded
  const { task, signal, kind } = work
  const operation = openOperation(loaded, work)
  const partial = fn.definition.syncType === "incremental" && sync.last_sync_at !== null
  const type = kind === "webhook" ? "WEBHOOK" : partial ? "INCREMENTAL" : "INITIAL"
  const [row] = await inTransaction(ctx, (ctx) =>
    ctx.db
      .insert(syncRuns)
      .values({
        sync_id: sync.id,
        kind,
        type,
        status: "RUNNING",
        task_id: task.id,
        attempt: task.attempt,
        operation_id: operation.id,
        started_at: ctx.now().getTime(),
      })
      .returning(),
  )
  if (!row) throw new Error("The run was not stored.")
  const run: HostRun = newHostRun({
    ctx,
    kind,
    found,
    operation,
    signal,
    fence: { taskId: task.id, attempt: task.attempt },
    runId: row.id,
    scope: checkpointKey(kind, sync),
    variant: sync.variant,
    syncName: sync.name,
    syncType: syncTypeOf(sync, kind),
    models: fn.definition.models,
    acceptDeletes: sync.accept_deletes,
    triggerAction: (input) => runAction(ctx, { ...input, depth: 1, signal }),
  })
  operation.info("The run started", { run: row.id, attempt: task.attempt })
  return { row, run }
}

async function carryOut({ ctx, sync, fn }: Loaded, run: HostRun, task: TaskRow): Promise<RunError | undefined> {
  const { emptyCache = false, input } = task.payload as SyncTask
  const scheduled = run.kind === "sync"
  if (emptyCache) await clearRecords(run)
  const facts = {
    ...(await baseFacts(run)),
    syncId: sync.id,
    syncJobId: run.runId,
    variant: sync.variant,
    lastSyncDate: scheduled && sync.last_sync_at !== null ? isoTime(sync.last_sync_at) : undefined,
    trackDeletes: fn.definition.trackDeletes,
    emptyCache,
  }
  const seconds = scheduled ? ctx.config.syncTimeoutSeconds : ctx.config.webhookTimeoutSeconds
  const outcome = await execute({ run, fn, kind: run.kind, facts, input, wallMs: seconds * 1000 })
  if (!outcome.ok) return outcome.error
  if (scheduled && fn.definition.trackDeletes) await markUntracked(run, fn)
  return undefined
}

/** Hard-deletes what the sync saved before, in bounded steps. */
async function clearRecords(run: HostRun): Promise<void> {
  const connectionId = run.found.connection.id
  for (const model of run.models ?? []) {
    const input = { connectionId, model: variantModel(model, run.variant), limit: 5_000 }
    while (((await run.ctx.store.step({ name: "records.clear", input })) as { more: boolean }).more)
      run.signal.throwIfAborted()
    run.operation.info(`Cleared the records of "${model}"`)
  }
}

/** The older `trackDeletes: true`: what a full run did not see is deleted. */
async function markUntracked(run: HostRun, fn: FunctionRow): Promise<void> {
  const { runId } = run
  if (runId === undefined || fn.definition.syncType === "incremental") return
  const connectionId = run.found.connection.id
  for (const countModel of run.models ?? []) {
    const model = variantModel(countModel, run.variant)
    await holdBrake(
      run,
      { runId, connectionId, model, countModel },
      await countUnseen(run.ctx.store, { connectionId, model, generation: runId }),
    )
    run.toMark.push({ model, countModel, generation: runId })
  }
}

function asRunError(error: unknown): RunError {
  const known = error instanceof AppError
  return {
    type: known ? error.code : "sync_script_failure",
    status: known ? error.status : 500,
    message: messageOf(error),
    payload: {},
  }
}
