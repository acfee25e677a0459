import { and, eq, gt, inArray, isNotNull, isNull, lt, min } from "drizzle-orm"
import { type App, inTransaction } from "../app/context.ts"
import { newUuid } from "../kit/ids.ts"
import { maxLosses, tasks, type TaskKind, type TaskRow } from "./model.ts"

export type AddTask = {
  kind: TaskKind
  /** At most one live task has this key. */
  key?: string
  group: string
  priority: number
  payload: unknown
  runAt?: Date
}

/** Adds a task in the open transaction. Answers undefined when a live task already has the key. */
export async function addTask(ctx: App, input: AddTask): Promise<TaskRow | undefined> {
  const now = ctx.now().getTime()
  const rows = await ctx.db
    .insert(tasks)
    .values({
      id: newUuid(),
      kind: input.kind,
      key: input.key,
      group: input.group,
      priority: input.priority,
      payload: input.payload,
      state: "waiting",
      run_at: input.runAt?.getTime() ?? now,
      attempt: 0,
      losses: 0,
      created_at: now,
    })
    .onConflictDoNothing()
    .returning()
  return rows[0]
}

export async function findLiveTask(ctx: App, key: string): Promise<TaskRow | undefined> {
  const rows = await ctx.db
    .select()
    .from(tasks)
    .where(and(eq(tasks.key, key), inArray(tasks.state, ["waiting", "started"])))
  return rows[0]
}

/** Makes a waiting task due now. */
export async function hastenTask(ctx: App, key: string): Promise<void> {
  const now = ctx.now().getTime()
  await ctx.db
    .update(tasks)
    .set({ run_at: now })
    .where(and(eq(tasks.key, key), eq(tasks.state, "waiting"), gt(tasks.run_at, now)))
}

/** Extends the leases of running tasks; answers the ones that somebody asked to cancel. */
export async function beatTasks(ctx: App, ids: string[], leaseMs: number): Promise<string[]> {
  if (ids.length === 0) return []
  const until = ctx.now().getTime() + leaseMs
  return inTransaction(ctx, async (ctx) => {
    await ctx.db
      .update(tasks)
      .set({ lease_until: until })
      .where(and(inArray(tasks.id, ids), eq(tasks.state, "started")))
    const cancelled = await ctx.db
      .select({ id: tasks.id })
      .from(tasks)
      .where(and(inArray(tasks.id, ids), isNotNull(tasks.cancel_reason)))
    return cancelled.map((row) => row.id)
  })
}

type Attempt = { id: string; attempt: number }

const heldBy = ({ id, attempt }: Attempt) =>
  and(eq(tasks.id, id), eq(tasks.attempt, attempt), eq(tasks.state, "started"))

/** Whether that attempt still has the task: asked in the transaction that writes on its behalf. */
export async function holdsTask(ctx: App, task: Attempt): Promise<boolean> {
  const rows = await ctx.db.select({ id: tasks.id }).from(tasks).where(heldBy(task))
  return rows.length > 0
}

/**
 * Ends a task on behalf of the attempt that holds it, in the open transaction. Answers false when that attempt has lost
 * it: then nothing else of the closing step may be written either. With `unlessCancelled` a task that somebody asked to
 * cancel counts as lost: its work must no longer be taken over.
 */
export async function settleTask(
  ctx: App,
  task: Attempt,
  options: { unlessCancelled?: boolean } = {},
): Promise<boolean> {
  const rows = await ctx.db
    .update(tasks)
    .set({ state: "finished", finished_at: ctx.now().getTime(), lease_until: null })
    .where(and(heldBy(task), options.unlessCancelled ? isNull(tasks.cancel_reason) : undefined))
    .returning({ id: tasks.id })
  return rows.length > 0
}

/** Puts a task back in line, without counting a loss: the daemon stops. One that was cancelled meanwhile is over. */
export async function releaseTask(ctx: App, task: Attempt): Promise<void> {
  await settleCancelled(ctx, task)
  await ctx.db.update(tasks).set({ state: "waiting", lease_until: null }).where(heldBy(task))
}

const settleCancelled = (ctx: App, task: Attempt) =>
  ctx.db
    .update(tasks)
    .set({ state: "finished", finished_at: ctx.now().getTime(), lease_until: null })
    .where(and(heldBy(task), isNotNull(tasks.cancel_reason)))

/** Asks a live task to end. A waiting one is finished at once; a started one is fenced
 * off and gives its key back, so that a new task can follow before its run has come to its end. */
export async function cancelTask(ctx: App, key: string, reason: string): Promise<TaskRow | undefined> {
  const task = await findLiveTask(ctx, key)
  if (!task) return undefined
  const change =
    task.state === "waiting"
      ? { state: "finished" as const, finished_at: ctx.now().getTime(), cancel_reason: reason }
      : { cancel_reason: reason, key: null }
  await ctx.db.update(tasks).set(change).where(eq(tasks.id, task.id))
  return task
}

/**
 * Finds tasks whose attempt is gone: at start all that a dead daemon left behind (`all`), later those whose lease ran
 * out. Each waits for a new attempt, or is given up when attempts were lost too often without progress.
 */
export function recoverTasks(ctx: App, input: { all: boolean }): Promise<{ task: TaskRow; givenUp: boolean }[]> {
  const now = ctx.now().getTime()
  return inTransaction(ctx, async (ctx) => {
    const orphan = input.all ? eq(tasks.state, "started") : and(eq(tasks.state, "started"), lt(tasks.lease_until, now))
    const lost = await ctx.db.select().from(tasks).where(orphan)
    const answers: { task: TaskRow; givenUp: boolean }[] = []
    for (const task of lost) {
      const givenUp = task.cancel_reason !== null || task.losses + 1 >= maxLosses
      const change = givenUp
        ? { state: "finished" as const, finished_at: now, lease_until: null }
        : { state: "waiting" as const, run_at: now, losses: task.losses + 1, lease_until: null }
      await ctx.db.update(tasks).set(change).where(eq(tasks.id, task.id))
      answers.push({ task, givenUp })
    }
    return answers
  })
}

/** When the next waiting task is due, in milliseconds since the epoch. */
export async function nextTaskAt(ctx: App): Promise<number | undefined> {
  const rows = await ctx.db
    .select({ at: min(tasks.run_at) })
    .from(tasks)
    .where(eq(tasks.state, "waiting"))
  return rows[0]?.at ?? undefined
}

/** Removes finished tasks older than `before`, a small batch at a time. Answers whether there may be more. */
export async function sweepTasks(ctx: App, before: number): Promise<boolean> {
  const batch = 500
  const old = await ctx.db
    .select({ id: tasks.id })
    .from(tasks)
    .where(and(eq(tasks.state, "finished"), lt(tasks.finished_at, before)))
    .limit(batch)
  if (old.length === 0) return false
  await inTransaction(ctx, (ctx) =>
    ctx.db.delete(tasks).where(
      inArray(
        tasks.id,
        old.map((row) => row.id),
      ),
    ),
  )
  return old.length === batch
}
