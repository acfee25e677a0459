import { and, asc, count, eq, inArray, lte, notInArray, sql } from "drizzle-orm"
import { type App, inTransaction } from "../app/context.ts"
import { type TaskKind, type TaskRow, tasks } from "./model.ts"

/** How many tasks of a group may run at once. */
export type GroupLimit = (group: string) => number

/** Free places for tasks of some kinds (or of any), so that a crowd of one kind never takes the places of another. */
export type Places = { kinds?: TaskKind[]; most: number }

/** Takes due tasks, best priority first, as far as places and group limits allow, and gives each a new attempt and a lease. */
export function claimTasks(
  ctx: App,
  input: { places: Places[]; leaseMs: number; limit: GroupLimit },
): Promise<TaskRow[]> {
  const now = ctx.now().getTime()
  return inTransaction(ctx, async (ctx) => {
    const used = await countStarted(ctx)
    const chosen: string[] = []
    for (const places of input.places) chosen.push(...(await chooseTasks(ctx, { ...places, limit: input.limit, used })))
    if (chosen.length === 0) return []
    return ctx.db
      .update(tasks)
      .set({ state: "started", attempt: sql`${tasks.attempt} + 1`, lease_until: now + input.leaseMs, started_at: now })
      .where(inArray(tasks.id, chosen))
      .returning()
  })
}

/**
 * The ids of due tasks that have a place. A group at its limit is left out of the next look, so that its tasks never
 * hide those of other groups; each look fills all places or finds one more such group.
 */
async function chooseTasks(
  ctx: App,
  input: Places & { limit: GroupLimit; used: Map<string, number> },
): Promise<string[]> {
  const { used, kinds } = input
  const chosen: string[] = []
  const full = new Set<string>()
  while (chosen.length < input.most) {
    const due = await ctx.db
      .select({ id: tasks.id, group: tasks.group })
      .from(tasks)
      .where(
        and(
          eq(tasks.state, "waiting"),
          lte(tasks.run_at, ctx.now().getTime()),
          kinds && inArray(tasks.kind, kinds),
          notInArray(tasks.group, [...full]),
          notInArray(tasks.id, chosen),
        ),
      )
      .orderBy(asc(tasks.priority), asc(tasks.run_at), asc(tasks.id))
      .limit(input.most - chosen.length)
    if (due.length === 0) break
    for (const { id, group } of due) {
      const n = used.get(group) ?? 0
      if (n >= input.limit(group)) {
        full.add(group)
        continue
      }
      used.set(group, n + 1)
      chosen.push(id)
    }
  }
  return chosen
}

async function countStarted(ctx: App): Promise<Map<string, number>> {
  const running = await ctx.db
    .select({ group: tasks.group, n: count() })
    .from(tasks)
    .where(eq(tasks.state, "started"))
    .groupBy(tasks.group)
  return new Map(running.map((row) => [row.group, row.n]))
}
