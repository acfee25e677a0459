import { and, asc, eq } from "drizzle-orm"
import { type App, type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { getEnvironment, readSigningKey } from "../environments/environments.ts"
import { messageOf } from "../kit/errors.ts"
import { version } from "../kit/version.ts"
import type { TaskHandler } from "../queue/loop.ts"
import type { TaskRow } from "../queue/model.ts"
import { settleTask } from "../queue/queue.ts"
import { type DeliveryRow, type DeliveryTask, webhookAttempts, webhookDeliveries } from "./model.ts"
import { wakeLane } from "./lanes.ts"
import { headersOf } from "./outbox.ts"
import { disableUrl, readSettings } from "./settings.ts"
import { signatureHeaders } from "./sign.ts"

const timeoutMs = 20_000
const second = 1000
/** Waits before the second, third, … attempt; with jitter about three days in all. */
const waits = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200, 64_800, 86_400].map((s) => s * second)
const longestHint = 86_400 * second

/** How a lane is delivered: its oldest pending row first; what fails is tried again later and holds up what follows it. */
export function deliveryHandler(app: () => App): TaskHandler {
  return {
    run: (task, signal) => deliverLane(app(), task, signal),
    async lost(task, givenUp) {
      // A lane is never given up: its rows count their own attempts.
      if (givenUp) await inTransaction(app(), (ctx) => wakeLane(ctx, (task.payload as DeliveryTask).lane))
    },
  }
}

async function deliverLane(app: App, task: TaskRow, signal: AbortSignal): Promise<void> {
  const { lane } = task.payload as DeliveryTask
  for (;;) {
    const [row] = await app.db
      .select()
      .from(webhookDeliveries)
      .where(and(eq(webhookDeliveries.lane, lane), eq(webhookDeliveries.state, "pending")))
      .orderBy(asc(webhookDeliveries.id))
      .limit(1)
    if (row && !signal.aborted) {
      const ctx: EnvironmentCtx = { ...app, environment: await getEnvironment(app, row.environment_id) }
      const next = await attempt(ctx, row, signal)
      if (next === undefined) continue
      return closeLane(ctx, task, lane, next)
    }
    const ended = await closeIfEmpty(app, task, lane, signal.aborted)
    if (ended) return
  }
}

/** Ends the lane's task, unless something was queued since the last look. */
function closeIfEmpty(app: App, task: TaskRow, lane: string, stopping: boolean): Promise<boolean> {
  return inTransaction(app, async (ctx) => {
    const [more] = await ctx.db
      .select({ id: webhookDeliveries.id })
      .from(webhookDeliveries)
      .where(and(eq(webhookDeliveries.lane, lane), eq(webhookDeliveries.state, "pending")))
      .limit(1)
    if (more && !stopping) return false
    if ((await settleTask(ctx, task)) && more) await wakeLane(ctx, lane)
    return true
  })
}

function closeLane(ctx: EnvironmentCtx, task: TaskRow, lane: string, next: number): Promise<void> {
  return inTransaction(ctx, async (ctx) => {
    if (await settleTask(ctx, task)) await wakeLane(ctx, lane, new Date(next))
  })
}

type Outcome = { status?: number; error?: string; retryAfterMs?: number }

/** One try. Answers when the next one is due, or undefined when the row is done with. */
async function attempt(ctx: EnvironmentCtx, row: DeliveryRow, signal: AbortSignal): Promise<number | undefined> {
  const startedAt = ctx.now()
  const signingKey = readSigningKey(ctx)
  const obstacle = signingKey === undefined ? "The environment was deleted." : await findObstacle(ctx, row)
  if (signingKey === undefined || obstacle !== undefined) return giveUp(ctx, row, obstacle)
  const outcome = await send(ctx, row, { at: startedAt, signingKey, signal })
  // A stop of the daemon is not the receiver's failure.
  if (signal.aborted) return ctx.now().getTime()
  const { status, error } = outcome
  const delivered = status !== undefined && status >= 200 && status < 300
  const attempts = row.attempts + 1
  const wait = delivered || status === 410 ? undefined : waits[attempts - 1]
  const state = delivered ? "delivered" : status === 410 ? "disabled" : wait === undefined ? "failed" : "pending"
  const waitMs =
    wait === undefined ? undefined : Math.max(jitter(wait), Math.min(outcome.retryAfterMs ?? 0, longestHint))
  const now = ctx.now().getTime()
  const nextAt = waitMs === undefined ? undefined : now + waitMs
  await inTransaction(ctx, async (ctx) => {
    await ctx.db
      .update(webhookDeliveries)
      .set({
        state,
        attempts,
        next_at: nextAt ?? null,
        last_status: status ?? null,
        last_error: error ?? null,
        finished_at: state === "pending" ? null : now,
      })
      .where(eq(webhookDeliveries.id, row.id))
    const duration_ms = now - startedAt.getTime()
    await ctx.db
      .insert(webhookAttempts)
      .values({ delivery_id: row.id, at: startedAt.getTime(), duration_ms, status, error })
    if (status === 410) await disableUrl(ctx, row.url)
  })
  logAttempt(ctx, row, outcome, state)
  return nextAt
}

/** Why nothing may be sent to this URL any more, if so. */
async function findObstacle(ctx: EnvironmentCtx, row: DeliveryRow): Promise<string | undefined> {
  const isDisabled = (await readSettings(ctx)).disabled_urls.includes(row.url)
  return isDisabled ? "The URL has answered 410 and is disabled." : undefined
}

async function giveUp(ctx: EnvironmentCtx, row: DeliveryRow, reason: string | undefined): Promise<undefined> {
  const finished_at = ctx.now().getTime()
  await inTransaction(ctx, (ctx) =>
    ctx.db
      .update(webhookDeliveries)
      .set({ state: "disabled", next_at: null, last_error: reason, finished_at })
      .where(eq(webhookDeliveries.id, row.id)),
  )
}

type Sending = { at: Date; signingKey: string; signal: AbortSignal }

async function send(ctx: EnvironmentCtx, row: DeliveryRow, { at, signingKey, signal }: Sending): Promise<Outcome> {
  try {
    const response = await ctx.egress.send({
      method: "POST",
      url: row.url,
      body: row.body,
      headers: {
        ...headersOf(ctx, row),
        "content-type": "application/json",
        "user-agent": `sluice/${version}`,
        ...signatureHeaders({ signingKey, eventId: row.event_id, at, body: row.body }),
      },
      redirect: "manual",
      timeoutMs,
      signal,
    })
    await response.body?.cancel()
    const { status } = response
    const redirected = status >= 300 && status < 400
    return {
      status,
      error: redirected ? "The URL redirects; redirects are not followed." : undefined,
      retryAfterMs: readRetryAfter(response.headers.get("retry-after"), ctx.now()),
    }
  } catch (error) {
    // Whatever went wrong on the way is an outcome of this attempt.
    return { error: messageOf(error) }
  }
}

/** Seconds, or a date (RFC 9110 §10.2.3), as milliseconds from now. */
function readRetryAfter(value: string | null, now: Date): number | undefined {
  if (value === null) return undefined
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * second : Date.parse(value) - now.getTime()
  return Number.isFinite(ms) && ms > 0 ? ms : undefined
}

const jitter = (ms: number): number => Math.round(ms * (0.9 + Math.random() * 0.2))

function logAttempt(ctx: EnvironmentCtx, row: DeliveryRow, outcome: Outcome, state: DeliveryRow["state"]): void {
  const operation = ctx.logs.open({
    environmentId: ctx.environment.id,
    type: "webhook",
    action: row.type === "forward" ? "forward" : row.type,
    message: `Webhook "${row.type}" to ${new URL(row.url).host}`,
    integration: row.integration ?? undefined,
    connection: row.connection ?? undefined,
    meta: {
      event: row.event_id,
      delivery: row.id,
      attempt: row.attempts + 1,
      status: outcome.status,
      error: outcome.error,
      state,
    },
  })
  operation.close(state === "delivered" ? "success" : "failed", outcome.error ? { message: outcome.error } : undefined)
}
