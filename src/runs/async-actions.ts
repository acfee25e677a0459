import { and, eq, inArray, lt } from "drizzle-orm"
import { type App, type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { AppError } from "../kit/errors.ts"
import { newUuid } from "../kit/ids.ts"
import { priorities } from "../queue/model.ts"
import { addTask } from "../queue/queue.ts"
import { findAction, type RunAction } from "./action-run.ts"
import { actionFaults, asyncActions, type AsyncTask } from "./model.ts"

const keepMs = 7 * 86_400_000

/**
 * Puts an action in line behind those of the environment that wait already, and answers its id. Throws what the same
 * call would throw at once if it were not asynchronous (`unknown_connection`, `not_found`, `disabled_resource`).
 */
export function queueAction(
  ctx: EnvironmentCtx,
  input: Pick<RunAction, "providerConfigKey" | "connectionId" | "actionName"> & { input: string; maxRetries: number },
): Promise<string> {
  return inTransaction(ctx, async (ctx) => {
    const { found, fn } = await findAction(ctx, input)
    const id = newUuid()
    const now = ctx.now().getTime()
    await ctx.db.insert(asyncActions).values({
      id,
      environment_id: ctx.environment.id,
      connection_row: found.connection.id,
      connection: found.connection.connection_id,
      integration: found.integration.unique_key,
      action: fn.name,
      input: input.input,
      state: "waiting",
      attempts: 0,
      max_retries: input.maxRetries,
      created_at: now,
      next_at: now,
    })
    await wakeActions(ctx, ctx.environment.id)
    return id
  })
}

export const statusUrlOf = (id: string): string => `/action/${id}`

/**
 * The output of an action that ended well, as JSON text. One that waits, runs or never was is `not_found`: clients take
 * that for "not yet". A failed one throws what it would have answered.
 */
export async function readResult(ctx: EnvironmentCtx, id: string): Promise<string> {
  const [row] = await ctx.db
    .select()
    .from(asyncActions)
    .where(and(eq(asyncActions.id, id), eq(asyncActions.environment_id, ctx.environment.id)))
  if (row?.state === "succeeded") return row.output ?? "null"
  if (row?.state === "failed" && row.error) {
    const { code, status, message, details } = row.error
    throw new AppError(code, status, message, details)
  }
  throw actionFaults.not_found({ message: `No action '${id}' found` })
}

/** Makes sure that the environment's actions have a task; one that is there keeps its time. */
export async function wakeActions(ctx: App, environmentId: number, at?: Date): Promise<void> {
  const payload: AsyncTask = { environmentId }
  await addTask(ctx, {
    kind: "action",
    key: `action:${environmentId}`,
    group: `action:${environmentId}`,
    priority: priorities.action,
    payload,
    runAt: at,
  })
  ctx.tx?.after(ctx.queue.wake)
}

/** Removes results that are older than seven days, a batch at a time. Answers whether there may be more. */
export function sweepResults(app: App): Promise<boolean> {
  const batch = 200
  return inTransaction(app, async (ctx) => {
    const old = await ctx.db
      .select({ seq: asyncActions.seq })
      .from(asyncActions)
      .where(lt(asyncActions.finished_at, ctx.now().getTime() - keepMs))
      .limit(batch)
    const seqs = old.map((row) => row.seq)
    if (seqs.length > 0) await ctx.db.delete(asyncActions).where(inArray(asyncActions.seq, seqs))
    return seqs.length === batch
  })
}

/** Forgets the asynchronous actions of the context's environment, which is being deleted. */
export async function removeActions(ctx: EnvironmentCtx): Promise<void> {
  await inTransaction(ctx, (ctx) =>
    ctx.db.delete(asyncActions).where(eq(asyncActions.environment_id, ctx.environment.id)),
  )
}
