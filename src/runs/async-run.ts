import { and, asc, eq, inArray } from "drizzle-orm"
import { type App, type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { findConnectionById } from "../connections/connections.ts"
import { getEnvironment } from "../environments/environments.ts"
import { AppError } from "../kit/errors.ts"
import type { TaskHandler } from "../queue/loop.ts"
import type { TaskRow } from "../queue/model.ts"
import { holdsTask, settleTask } from "../queue/queue.ts"
import { queueWebhook } from "../webhooks/outbox.ts"
import { runAction } from "./action-run.ts"
import { statusUrlOf, wakeActions } from "./async-actions.ts"
import { actionFaults, type AsyncActionRow, asyncActions, type AsyncTask, type StoredError } from "./model.ts"

/** An action that could not begin for this long is given up. */
const startWithinMs = 24 * 60 * 60_000
const firstRetryMs = 1_000

/**
 * How the asynchronous actions of an environment are carried out: one at a time, the oldest first; one that failed and may
 * be tried again holds up what follows it. An attempt that was cut off counts as failed, because what it has done at the
 * provider is not known.
 */
export function asyncHandler(app: () => App): TaskHandler {
  return {
    run: (task, signal) => runLine(app(), task, signal),
    async lost(task, givenUp) {
      // The line itself is never given up: its actions count their own attempts.
      if (givenUp) await inTransaction(app(), (ctx) => wakeActions(ctx, (task.payload as AsyncTask).environmentId))
    },
  }
}

async function runLine(app: App, task: TaskRow, signal: AbortSignal): Promise<void> {
  const { environmentId } = task.payload as AsyncTask
  const ctx: EnvironmentCtx = { ...app, environment: await getEnvironment(app, environmentId) }
  for (;;) {
    const row = await findNext(ctx)
    const waitMs = row ? row.next_at - ctx.now().getTime() : 0
    if (row && waitMs <= 0 && !signal.aborted) {
      if (!(await runRow(ctx, { task, row, signal }))) return
      continue
    }
    if (await leaveLine(ctx, task, signal.aborted)) return
  }
}

async function findNext(ctx: EnvironmentCtx): Promise<AsyncActionRow | undefined> {
  const [row] = await ctx.db
    .select()
    .from(asyncActions)
    .where(
      and(eq(asyncActions.environment_id, ctx.environment.id), inArray(asyncActions.state, ["waiting", "running"])),
    )
    .orderBy(asc(asyncActions.seq))
    .limit(1)
  return row
}

/** Ends the line's task, with a new one for what waits; answers false when something came in since the last look. */
function leaveLine(ctx: EnvironmentCtx, task: TaskRow, stopping: boolean): Promise<boolean> {
  return inTransaction(ctx, async (ctx) => {
    const next = await findNext(ctx)
    if (next && next.next_at <= ctx.now().getTime() && !stopping) return false
    if (!(await settleTask(ctx, task))) return true
    if (next) await wakeActions(ctx, ctx.environment.id, new Date(next.next_at))
    return true
  })
}

type Attempt = { task: TaskRow; row: AsyncActionRow; signal: AbortSignal }

/** One attempt of the action at the head of the line. Answers false when the line belongs to somebody else now. */
async function runRow(ctx: EnvironmentCtx, attempt: Attempt): Promise<boolean> {
  const { row, signal } = attempt
  if (row.state === "running") return closeRow(ctx, attempt, { error: stored(actionFaults.script_aborted()) })
  if (row.attempts === 0 && ctx.now().getTime() - row.created_at > startWithinMs) {
    const payload = { error: "It waited for 24 hours behind other actions." }
    return closeRow(ctx, attempt, { error: stored(actionFaults.action_failure({ payload })), final: true })
  }
  const begun = await inTransaction(ctx, async (ctx) => {
    if (!(await holdsTask(ctx, attempt.task))) return false
    await ctx.db
      .update(asyncActions)
      .set({ state: "running", attempts: row.attempts + 1 })
      .where(eq(asyncActions.seq, row.seq))
    return true
  })
  if (!begun) return false
  const started = { ...attempt, row: { ...row, attempts: row.attempts + 1 } }
  try {
    const { integration: providerConfigKey, connection: connectionId, action: actionName, input } = row
    const output = await runAction(ctx, { providerConfigKey, connectionId, actionName, input, signal })
    return await closeRow(ctx, started, { output: output ?? "null" })
  } catch (error) {
    if (signal.reason === "the daemon stops")
      return closeRow(ctx, started, { error: stored(actionFaults.script_aborted()) })
    if (!(error instanceof AppError))
      ctx.log.error({ err: error, action: row.id }, "an asynchronous action failed unexpectedly")
    return closeRow(ctx, started, { error: stored(error), final: isHopeless(error) })
  }
}

/** What is missing will not be there a second later. */
const isHopeless = (error: unknown): boolean =>
  error instanceof AppError && ["unknown_connection", "not_found", "disabled_resource"].includes(error.code)

type Outcome = { output: string } | { error: StoredError; final?: boolean }

/** Writes how an attempt ended; the last one queues the webhook in the same transaction. */
function closeRow(ctx: EnvironmentCtx, { task, row }: Attempt, outcome: Outcome): Promise<boolean> {
  return inTransaction(ctx, async (ctx) => {
    if (!(await holdsTask(ctx, task))) return false
    const now = ctx.now().getTime()
    const again = "error" in outcome && outcome.final !== true && row.attempts <= row.max_retries
    const set: Partial<AsyncActionRow> = again
      ? { state: "waiting", next_at: now + firstRetryMs * 2 ** (row.attempts - 1) }
      : { state: "output" in outcome ? "succeeded" : "failed", finished_at: now }
    const result = "output" in outcome ? { output: outcome.output } : { error: outcome.error }
    await ctx.db
      .update(asyncActions)
      .set({ ...set, ...result })
      .where(eq(asyncActions.seq, row.seq))
    if (!again) await queueEnd(ctx, row)
    return true
  })
}

async function queueEnd(ctx: EnvironmentCtx, row: AsyncActionRow): Promise<void> {
  await queueWebhook(ctx, {
    type: "async_action",
    found: await findConnectionById(ctx, row.connection_row),
    when: "on_async_action_completion",
    body: {
      from: "nango",
      type: "async_action",
      connectionId: row.connection,
      providerConfigKey: row.integration,
      payload: { id: row.id, statusUrl: statusUrlOf(row.id) },
    },
  })
}

function stored(error: unknown): StoredError {
  if (error instanceof AppError) {
    const { code, status, message, details } = error
    const { cause: _, ...shown } = details
    return { code, status, message, details: shown }
  }
  return { code: "server_error", status: 500, message: "Something went wrong on our side.", details: {} }
}
