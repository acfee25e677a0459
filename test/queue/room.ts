import { eq } from "drizzle-orm"
import { inTransaction } from "../../src/app/context.ts"
import { claimTasks, type GroupLimit, type Places } from "../../src/queue/claim.ts"
import { schedules, type TaskRow, tasks } from "../../src/queue/model.ts"
import { type AddTask, addTask, cancelTask, settleTask } from "../../src/queue/queue.ts"
import { type AddSchedule, ensureSchedule, findSchedule, setIntent, setTiming } from "../../src/queue/schedule.ts"
import type { TestApp } from "../helpers/app.ts"

/** The queue of a real App whose loop stands still: what it would do is called by hand. */
export function queueOf(t: TestApp) {
  const { app } = t
  const write = <T>(fn: (ctx: typeof app) => Promise<T>) => inTransaction(app, fn)
  const task = (input: Partial<AddTask>): AddTask => ({ kind: "sync", group: "g", priority: 30, payload: {}, ...input })
  return {
    app,
    add: (input: Partial<AddTask> = {}) => write((ctx) => addTask(ctx, task(input))),
    addMany: (n: number, input: Partial<AddTask> = {}) =>
      write(async (ctx) => {
        for (let i = 0; i < n; i++) await addTask(ctx, task(input))
      }),
    settleAll: (rows: { id: string; attempt: number }[]) =>
      write(async (ctx) => {
        for (const row of rows) await settleTask(ctx, row)
      }),
    claim: ({
      most = 100,
      ...options
    }: { most?: number; leaseMs?: number; limit?: GroupLimit; places?: Places[] } = {}) =>
      claimTasks(app, { places: [{ most }], leaseMs: 60_000, limit: () => 100, ...options }),
    settle: (task: { id: string; attempt: number }) => write((ctx) => settleTask(ctx, task)),
    cancel: (key: string, reason = "stop") => write((ctx) => cancelTask(ctx, key, reason)),
    async task(id: string): Promise<TaskRow | undefined> {
      return (await app.db.select().from(tasks).where(eq(tasks.id, id)))[0]
    },
    tasks: () => app.db.select().from(tasks).orderBy(tasks.id),
    schedule: (input: Partial<AddSchedule> = {}) =>
      write((ctx) =>
        ensureSchedule(ctx, {
          key: "s",
          kind: "sync",
          group: "g",
          priority: 30,
          payload: {},
          timing: { intervalMs: 60_000 },
          intent: "started",
          ...input,
        }),
      ),
    start: (key = "s") => write((ctx) => setIntent(ctx, key, "started")),
    pause: (key = "s") => write((ctx) => setIntent(ctx, key, "paused")),
    retime: (timing: AddSchedule["timing"], key = "s") => write((ctx) => setTiming(ctx, key, timing)),
    find: (key = "s") => findSchedule(app, key),
    async nextAt(key = "s"): Promise<string | null> {
      const at = (await findSchedule(app, key))?.next_at ?? null
      return at === null ? null : new Date(at).toISOString()
    },
    schedules: () => app.db.select().from(schedules),
  }
}

export type Queue = ReturnType<typeof queueOf>

/** The task, which must be there. */
export function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("Nothing was found.")
  return value
}
