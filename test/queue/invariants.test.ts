import { afterAll, beforeAll, expect, test } from "bun:test"
import * as fc from "fast-check"
import { inTransaction } from "../../src/app/context.ts"
import { schedules, type TaskRow, tasks } from "../../src/queue/model.ts"
import { recoverTasks } from "../../src/queue/queue.ts"
import { fireSchedules, nextScheduleAt, setScheduleState, spreadOverdue } from "../../src/queue/schedule.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { type Queue, queueOf } from "./room.ts"

let t: TestApp
let q: Queue
beforeAll(async () => {
  t = await testApp()
  q = queueOf(t)
})
afterAll(() => t.close())

const keys = ["a", "b"]
const leaseMs = 60_000
const key = fc.constantFrom(...keys)
const interval = fc.constantFrom(30_000, 60_000, 7 * 60_000, 3_600_000)
const command = fc.oneof(
  fc.record({ do: fc.constant("ensure" as const), key, interval, intent: fc.constantFrom("started", "paused") }),
  fc.record({ do: fc.constant("retime" as const), key, interval }),
  fc.record({ do: fc.constantFrom("start", "pause", "trigger", "cancel", "disable", "enable"), key }),
  fc.record({ do: fc.constantFrom("fire", "claim", "settle", "settle stale", "recover", "restart") }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 5_000_000 }) }),
)
type Step = { do: string; key?: string; interval?: number; intent?: string; ms?: number }

/** One history: what it holds besides the database is what attempts believe that they hold. */
async function perform(step: Step, held: TaskRow[]): Promise<void> {
  const name = step.key ?? ""
  const timing = { intervalMs: step.interval ?? 0 }
  switch (step.do) {
    case "ensure":
      return q.schedule({ key: name, timing, intent: step.intent as "started" })
    case "retime":
      return q.retime(timing, name)
    case "start":
      return q.start(name)
    case "pause":
      await q.pause(name)
      return void (await q.cancel(name))
    case "trigger":
      return void (await q.add({ key: name }))
    case "cancel":
      return void (await q.cancel(name))
    case "disable":
    case "enable":
      return inTransaction(t.app, (ctx) => setScheduleState(ctx, name, step.do === "enable" ? "active" : "disabled"))
    case "fire":
      return checkFiring()
    case "claim":
      return void held.push(...(await q.claim({ leaseMs })))
    case "settle": {
      const task = held.pop()
      return void (task && (await q.settle(task)))
    }
    case "settle stale": {
      const task = held.at(-1)
      if (task) expect(await q.settle({ ...task, attempt: task.attempt - 1 })).toBe(false)
      return
    }
    case "recover":
      return void (await recoverTasks(t.app, { all: false }))
    case "restart":
      held.length = 0
      await recoverTasks(t.app, { all: true })
      return spreadOverdue(t.app)
    default:
      t.clock.advance(step.ms ?? 0)
  }
}

/** Firing makes tasks for what is started, active and due, and for nothing else; then nothing is due any more. */
async function checkFiring(): Promise<void> {
  const now = t.clock.now().getTime()
  const before = new Set((await q.tasks()).map((task) => task.id))
  const due = (await q.schedules()).filter(
    (row) => row.intent === "started" && row.state === "active" && (row.next_at ?? Infinity) <= now,
  )
  await fireSchedules(t.app)
  const made = (await q.tasks()).filter((task) => !before.has(task.id))
  for (const task of made) expect(due.map((row) => row.key)).toContain(task.key ?? "")
  expect((await nextScheduleAt(t.app)) ?? Infinity).toBeGreaterThan(now)
}

async function checkInvariants(): Promise<void> {
  const rows = await q.tasks()
  for (const name of keys) {
    expect(rows.filter((task) => task.key === name && task.state !== "finished").length).toBeLessThanOrEqual(1)
  }
  for (const row of rows) {
    expect(row.lease_until === null).toBe(row.state !== "started")
    expect(row.finished_at === null).toBe(row.state !== "finished")
  }
  for (const row of await q.schedules()) {
    const steps = ((row.next_at ?? 0) - row.anchor_at) / (row.interval_ms ?? 1)
    expect([row.key, Number.isInteger(steps), steps >= 0]).toEqual([row.key, true, true])
  }
}

test("whatever operators, runs, deaths and time do, in any order: one live task per key, a true grid, silence when paused", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), async (steps: Step[]) => {
      t.clock.set("2026-03-01T12:00:00Z")
      await inTransaction(t.app, async (ctx) => {
        await ctx.db.delete(schedules)
        await ctx.db.delete(tasks)
      })
      const held: TaskRow[] = []
      for (const step of steps) {
        await perform(step, held)
        await checkInvariants()
      }
    }),
    { numRuns: 60 },
  )
}, 60_000)
