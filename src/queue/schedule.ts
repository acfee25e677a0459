import { Cron } from "croner"
import { and, asc, count, eq, isNotNull, lt, lte, min } from "drizzle-orm"
import { type App, inTransaction } from "../app/context.ts"
import { schedules, type ScheduleRow, type TaskKind } from "./model.ts"
import { addTask } from "./queue.ts"

/** A fixed grid (`intervalMs` from the anchor) or a cron expression in a time zone. */
export type Timing = { intervalMs: number } | { cron: string; timezone: string }

export type AddSchedule = {
  key: string
  kind: TaskKind
  group: string
  priority: number
  payload: unknown
  timing: Timing
  intent: "started" | "paused"
}

/** Makes a schedule in the open transaction, or gives an existing one of that key its timing and makes it active again. */
export async function ensureSchedule(ctx: App, input: AddSchedule): Promise<void> {
  const now = ctx.now().getTime()
  const existing = await findSchedule(ctx, input.key)
  if (existing) {
    await ctx.db.update(schedules).set({ state: "active" }).where(eq(schedules.id, existing.id))
    await setTiming(ctx, input.key, input.timing)
    return
  }
  await ctx.db.insert(schedules).values({
    key: input.key,
    kind: input.kind,
    group: input.group,
    priority: input.priority,
    payload: input.payload,
    ...timingColumns(input.timing),
    anchor_at: now,
    next_at: "cron" in input.timing ? nextCron(input.timing, now) : now,
    intent: input.intent,
    state: "active",
  })
}

export async function findSchedule(ctx: App, key: string): Promise<ScheduleRow | undefined> {
  const rows = await ctx.db.select().from(schedules).where(eq(schedules.key, key))
  return rows[0]
}

/**
 * Starts or pauses on behalf of the operator. A schedule that never fired is due at once when it is started; one that
 * did goes on at the next point of its grid.
 */
export async function setIntent(ctx: App, key: string, intent: "started" | "paused"): Promise<void> {
  const row = await findSchedule(ctx, key)
  if (!row || row.intent === intent) return
  const now = ctx.now().getTime()
  const next_at =
    intent === "started" && !neverFired(row) && (row.next_at ?? 0) <= now ? nextDue(row, now) : row.next_at
  await ctx.db.update(schedules).set({ intent, next_at }).where(eq(schedules.id, row.id))
}

/** Somebody ran it by hand: a schedule that never fired no longer begins with a run of its own, but with its grid. */
export async function noteManualRun(ctx: App, key: string): Promise<void> {
  const row = await findSchedule(ctx, key)
  if (!row || !neverFired(row)) return
  const next_at = nextDue(row, ctx.now().getTime())
  await ctx.db.update(schedules).set({ next_at }).where(eq(schedules.id, row.id))
}

/** Switches a schedule off or on for reasons that are not the operator's (a deleted connection, a removed function). */
export async function setScheduleState(ctx: App, key: string, state: "active" | "disabled"): Promise<void> {
  await ctx.db.update(schedules).set({ state }).where(eq(schedules.key, key))
}

/** Changes the timing; the anchor stays, so the next due time is the next point of the new grid. */
export async function setTiming(ctx: App, key: string, timing: Timing): Promise<void> {
  const row = await findSchedule(ctx, key)
  if (!row) return
  const columns = timingColumns(timing)
  if (columns.interval_ms === row.interval_ms && columns.cron === row.cron && columns.timezone === row.timezone) return
  const next_at =
    neverFired(row) && "intervalMs" in timing ? row.next_at : nextDue({ ...row, ...columns }, ctx.now().getTime())
  await ctx.db
    .update(schedules)
    .set({ ...columns, next_at })
    .where(eq(schedules.id, row.id))
}

export async function deleteSchedule(ctx: App, key: string): Promise<void> {
  await ctx.db.delete(schedules).where(eq(schedules.key, key))
}

/** Turns due schedules into tasks. One whose task still lives is not doubled: it waits for its next point. */
export function fireSchedules(ctx: App): Promise<number> {
  const now = ctx.now().getTime()
  return inTransaction(ctx, async (ctx) => {
    const due = await ctx.db
      .select()
      .from(schedules)
      .where(and(firing, lte(schedules.next_at, now)))
      .limit(200)
    for (const row of due) {
      const { kind, key, group, priority, payload } = row
      await addTask(ctx, { kind, key, group, priority, payload })
      await ctx.db
        .update(schedules)
        .set({ next_at: nextDue(row, now) })
        .where(eq(schedules.id, row.id))
    }
    return due.length
  })
}

export async function nextScheduleAt(ctx: App): Promise<number | undefined> {
  const rows = await ctx.db
    .select({ at: min(schedules.next_at) })
    .from(schedules)
    .where(firing)
  return rows[0]?.at ?? undefined
}

const catchUpFrom = 50
const catchUpWindowMs = 5 * 60_000

/** After long downtime many schedules are due at once: spreads them over five minutes instead of starting all together. */
export function spreadOverdue(ctx: App): Promise<void> {
  const now = ctx.now().getTime()
  return inTransaction(ctx, async (ctx) => {
    const overdue = and(firing, lt(schedules.next_at, now - 60_000))
    const n = (await ctx.db.select({ n: count() }).from(schedules).where(overdue))[0]?.n ?? 0
    if (n < catchUpFrom) return
    const rows = await ctx.db
      .select({ id: schedules.id })
      .from(schedules)
      .where(overdue)
      .orderBy(asc(schedules.next_at))
    for (const [index, row] of rows.entries()) {
      const next_at = now + Math.floor((index * catchUpWindowMs) / n)
      await ctx.db.update(schedules).set({ next_at }).where(eq(schedules.id, row.id))
    }
  })
}

const firing = and(eq(schedules.intent, "started"), eq(schedules.state, "active"), isNotNull(schedules.next_at))

/** The first point of the grid is the anchor itself, and no later one is. */
const neverFired = (row: ScheduleRow): boolean => row.interval_ms !== null && row.next_at === row.anchor_at

type Grid = Pick<ScheduleRow, "interval_ms" | "cron" | "timezone" | "anchor_at">

/** The first point of the grid that lies after `now`: missed points collapse into one. */
function nextDue(row: Grid, now: number): number | null {
  if (row.cron !== null) return nextCron({ cron: row.cron, timezone: row.timezone ?? "UTC" }, now)
  if (row.interval_ms === null) return null
  const steps = Math.floor((now - row.anchor_at) / row.interval_ms) + 1
  return row.anchor_at + steps * row.interval_ms
}

function nextCron(timing: { cron: string; timezone: string }, now: number): number | null {
  return new Cron(timing.cron, { timezone: timing.timezone }).nextRun(new Date(now))?.getTime() ?? null
}

const timingColumns = (timing: Timing) =>
  "cron" in timing
    ? { interval_ms: null, cron: timing.cron, timezone: timing.timezone }
    : { interval_ms: timing.intervalMs, cron: null, timezone: null }
