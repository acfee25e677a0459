import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { inTransaction } from "../../src/app/context.ts"
import { schedules, tasks } from "../../src/queue/model.ts"
import {
  deleteSchedule,
  fireSchedules,
  nextScheduleAt,
  noteManualRun,
  setScheduleState,
  spreadOverdue,
} from "../../src/queue/schedule.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { type Queue, queueOf, there } from "./room.ts"

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

let t: TestApp
let q: Queue
beforeAll(async () => {
  t = await testApp()
  q = queueOf(t)
})
afterAll(() => t.close())
beforeEach(async () => {
  t.clock.set("2026-03-01T12:00:00.000Z")
  await inTransaction(t.app, async (ctx) => {
    await ctx.db.delete(schedules)
    await ctx.db.delete(tasks)
  })
})

/** Fires what is due, and ends every run at once: how many tasks there were. */
async function fireAndFinish(): Promise<number> {
  await fireSchedules(t.app)
  const claimed = await q.claim()
  await q.settleAll(claimed)
  return claimed.length
}
const at = (text: string) => t.clock.set(`2026-03-01T${text}Z`)
const next = async () => (await q.nextAt())?.slice(11, 23) ?? null
const timing = (intervalMs: number) => ({ timing: { intervalMs } })

describe("a schedule of a fixed interval", () => {
  test("that is made started is due at once, then on a grid that begins where it was made", async () => {
    at("12:00:07.123")
    await q.schedule(timing(hour))
    expect(await fireAndFinish()).toBe(1)
    expect(await next()).toBe("13:00:07.123")
    at("13:00:07.122")
    expect(await fireAndFinish()).toBe(0)
    at("13:00:07.123")
    expect(await fireAndFinish()).toBe(1)
    expect(await next()).toBe("14:00:07.123")
  })

  test.each([
    ["a little late", "13:00:00.500", "14:00:00.000"],
    ["exactly on the point", "13:00:00.000", "14:00:00.000"],
    ["one point late", "14:00:00.000", "15:00:00.000"],
    ["many points late", "19:59:59.999", "20:00:00.000"],
  ])("that fires %s goes on with the next point: what was missed is one run", async (_, when, following) => {
    at("12:00:00.000")
    await q.schedule(timing(hour))
    await fireAndFinish()
    at(when)
    expect(await fireAndFinish()).toBe(1)
    expect(await next()).toBe(following)
    expect(await fireAndFinish()).toBe(0)
  })

  test("that is made paused never fires by itself", async () => {
    await q.schedule({ ...timing(minute), intent: "paused" })
    for (let n = 0; n < 5; n++) {
      t.clock.advance(hour)
      expect(await fireAndFinish()).toBe(0)
    }
    expect(await nextScheduleAt(t.app)).toBeUndefined()
  })

  test("that never ran is due at once when it is started, however late", async () => {
    await q.schedule({ ...timing(hour), intent: "paused" })
    at("17:30:00.000")
    await q.start()
    expect(await fireAndFinish()).toBe(1)
    expect(await next()).toBe("18:00:00.000")
  })

  test("that was run by hand before it ever fired does not begin with another run when it is started", async () => {
    await q.schedule({ ...timing(hour), intent: "paused" })
    at("12:10:00.000")
    await inTransaction(t.app, (ctx) => noteManualRun(ctx, "s"))
    at("12:20:00.000")
    await q.start()
    expect(await next()).toBe("13:00:00.000")
    await inTransaction(t.app, (ctx) => noteManualRun(ctx, "s"))
    expect(await next()).toBe("13:00:00.000")
  })

  test("that ran goes on with the next point of its grid when it is started again", async () => {
    await q.schedule(timing(hour))
    await fireAndFinish()
    at("12:30:00.000")
    await q.pause()
    at("15:20:00.000")
    await q.start()
    expect(await next()).toBe("16:00:00.000")
    expect(await fireAndFinish()).toBe(0)
    at("16:00:00.000")
    expect(await fireAndFinish()).toBe(1)
  })

  test("that is paused and started before its next point keeps that point", async () => {
    await q.schedule(timing(hour))
    await fireAndFinish()
    at("12:10:00.000")
    await q.pause()
    await q.start()
    expect(await next()).toBe("13:00:00.000")
  })

  test("that is started twice, or paused twice, is as if once", async () => {
    await q.schedule(timing(hour))
    await fireAndFinish()
    at("14:30:00.000")
    await q.start()
    expect(await next()).toBe("13:00:00.000")
    expect(await fireAndFinish()).toBe(1)
    await q.pause()
    await q.pause()
    expect((await q.find())?.intent).toBe("paused")
  })
})

describe("a change of the interval", () => {
  test.each([
    ["to a shorter one", 10 * minute, "12:30:00.000"],
    ["to a longer one", 6 * hour, "18:00:00.000"],
    ["to one that does not divide the hour", 7 * minute, "12:28:00.000"],
    ["to the same", hour, "13:00:00.000"],
  ])("%s keeps the beginning of the grid", async (_, intervalMs, following) => {
    await q.schedule(timing(hour))
    await fireAndFinish()
    at("12:25:00.000")
    await q.retime({ intervalMs })
    expect(await next()).toBe(following)
    expect((await q.find())?.anchor_at).toBe(Date.parse("2026-03-01T12:00:00.000Z"))
  })

  test("does not take away the first run", async () => {
    await q.schedule({ ...timing(hour), intent: "paused" })
    at("12:25:00.000")
    await q.retime({ intervalMs: 10 * minute })
    await q.start()
    expect(await fireAndFinish()).toBe(1)
    expect(await next()).toBe("12:30:00.000")
  })

  test("of a schedule that is not there does nothing", async () => {
    await q.retime({ intervalMs: minute }, "nowhere")
    await q.start("nowhere")
    expect(await q.find("nowhere")).toBeUndefined()
  })

  test("from an interval to a time table and back", async () => {
    await q.schedule(timing(hour))
    await fireAndFinish()
    at("12:25:00.000")
    await q.retime({ cron: "0 9 * * *", timezone: "UTC" })
    expect(await q.nextAt()).toBe("2026-03-02T09:00:00.000Z")
    await q.retime({ intervalMs: hour })
    expect(await next()).toBe("13:00:00.000")
  })
})

describe("what fires", () => {
  test("is not doubled while its last run still waits or works", async () => {
    await q.schedule(timing(minute))
    await fireSchedules(t.app)
    t.clock.advance(minute)
    await fireSchedules(t.app)
    expect(await q.tasks()).toHaveLength(1)
    const [task] = await q.claim()
    t.clock.advance(10 * minute)
    await fireSchedules(t.app)
    expect(await q.tasks()).toHaveLength(1)
    await q.settle(there(task))
    expect(await next()).toBe("12:12:00.000")
    t.clock.advance(minute)
    expect(await fireAndFinish()).toBe(1)
  })

  test("is what is started, active and due, in any combination", async () => {
    for (const intent of ["started", "paused"] as const)
      for (const state of ["active", "disabled"] as const) {
        await q.schedule({ key: `${intent}-${state}`, intent })
        await inTransaction(t.app, (ctx) => setScheduleState(ctx, `${intent}-${state}`, state))
      }
    await fireSchedules(t.app)
    expect((await q.tasks()).map((task) => task.key)).toEqual(["started-active"])
  })

  test("carries what the schedule says", async () => {
    await q.schedule({ key: "k", group: "sync:7", priority: 5, payload: { syncId: "x" } })
    await fireSchedules(t.app)
    expect((await q.tasks())[0]).toMatchObject({ key: "k", group: "sync:7", priority: 5, payload: { syncId: "x" } })
  })

  test("all at once, also when very many are due", async () => {
    await inTransaction(t.app, async (ctx) => {
      const now = t.clock.now().getTime()
      for (let n = 0; n < 650; n++)
        await ctx.db.insert(schedules).values({
          key: `many-${n}`,
          kind: "sync",
          payload: {},
          group: "g",
          priority: 1,
          interval_ms: hour,
          anchor_at: now,
          next_at: now,
          intent: "started",
          state: "active",
        })
    })
    let fired = 0
    for (let n = 0; n < 4; n++) fired += await fireSchedules(t.app)
    expect(fired).toBe(650)
    expect(await q.tasks()).toHaveLength(650)
    expect(await nextScheduleAt(t.app)).toBe(t.clock.now().getTime() + hour)
  })

  test("is nothing of a schedule that was deleted", async () => {
    await q.schedule()
    await inTransaction(t.app, (ctx) => deleteSchedule(ctx, "s"))
    expect(await fireAndFinish()).toBe(0)
  })
})

describe("a schedule that is ensured again", () => {
  test("keeps the operator's intent, comes back to life and takes the new timing", async () => {
    await q.schedule({ ...timing(hour), intent: "started" })
    await fireAndFinish()
    await q.pause()
    await inTransaction(t.app, (ctx) => setScheduleState(ctx, "s", "disabled"))
    at("12:10:00.000")
    await q.schedule({ ...timing(30 * minute), intent: "started" })
    expect(await q.find()).toMatchObject({ intent: "paused", state: "active", interval_ms: 30 * minute })
    expect(await q.schedules()).toHaveLength(1)
    expect(await next()).toBe("12:30:00.000")
  })
})

describe("a time table", () => {
  const cron = (expression: string, timezone = "UTC") => ({ timing: { cron: expression, timezone } })

  /** The instants of the next `n` runs from a time on. */
  async function runs(expression: string, timezone: string, from: string, n: number): Promise<string[]> {
    t.clock.set(from)
    await q.schedule(cron(expression, timezone))
    const found: string[] = []
    for (let i = 0; i < n; i++) {
      const due = there((await q.nextAt()) ?? undefined)
      found.push(due.replace(":00.000Z", "Z"))
      t.clock.set(due)
      expect(await fireAndFinish()).toBe(1)
    }
    return found
  }

  test("does not run when it is made, but at its first time", async () => {
    await q.schedule(cron("30 13 * * *"))
    expect(await fireAndFinish()).toBe(0)
    expect(await next()).toBe("13:30:00.000")
  })

  test("keeps the hour of the wall when summer begins and ends", async () => {
    expect(await runs("0 9 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3)).toEqual([
      "2026-03-28T08:00Z",
      "2026-03-29T07:00Z",
      "2026-03-30T07:00Z",
    ])
  })

  test("keeps it in autumn", async () => {
    expect(await runs("0 9 * * *", "Europe/Berlin", "2026-10-24T00:00:00Z", 3)).toEqual([
      "2026-10-24T07:00Z",
      "2026-10-25T08:00Z",
      "2026-10-26T08:00Z",
    ])
  })

  test("runs once on the day whose hour is missing, and once on the day that has it twice", async () => {
    const spring = await runs("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2)
    // The first moment after the gap, and on the next day the usual time.
    expect(spring).toEqual(["2026-03-29T01:00Z", "2026-03-30T00:30Z"])
    await inTransaction(t.app, (ctx) => deleteSchedule(ctx, "s"))
    const autumn = await runs("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2)
    expect(autumn).toHaveLength(2)
    expect(autumn.map((time) => time.slice(0, 10))).toEqual(["2026-10-25", "2026-10-26"])
  })

  test("missed times are one run", async () => {
    await q.schedule(cron("0 * * * *"))
    at("17:20:00.000")
    expect(await fireAndFinish()).toBe(1)
    expect(await next()).toBe("18:00:00.000")
  })

  test("that is started after a pause waits for its next time", async () => {
    await q.schedule({ ...cron("0 * * * *"), intent: "paused" })
    at("17:20:00.000")
    await q.start()
    expect(await next()).toBe("18:00:00.000")
    expect(await fireAndFinish()).toBe(0)
  })

  test("that changes its zone changes its next time", async () => {
    await q.schedule(cron("0 15 * * *"))
    await q.retime({ cron: "0 15 * * *", timezone: "Asia/Tokyo" })
    expect(await q.nextAt()).toBe("2026-03-02T06:00:00.000Z")
  })
})

describe("after long downtime", () => {
  const make = (n: number) =>
    inTransaction(t.app, async (ctx) => {
      for (let i = 0; i < n; i++)
        await ctx.db.insert(schedules).values({
          key: `late-${i}`,
          kind: "sync",
          payload: {},
          group: "g",
          priority: 1,
          interval_ms: hour,
          anchor_at: t.clock.now().getTime() - 10 * hour - i,
          next_at: t.clock.now().getTime() - 2 * hour - i,
          intent: i % 10 === 9 ? "paused" : "started",
          state: "active",
        })
    })

  test("many overdue runs are spread over five minutes, the oldest first; none is dropped", async () => {
    await make(100)
    await spreadOverdue(t.app)
    const rows = (await q.schedules()).filter((row) => row.intent === "started")
    const now = t.clock.now().getTime()
    const times = rows.map((row) => there(row.next_at ?? undefined) - now)
    expect(Math.min(...times)).toBe(0)
    expect(Math.max(...times)).toBeLessThan(5 * minute)
    expect(new Set(times).size).toBe(rows.length)
    const order = rows.toSorted((a, b) => (a.next_at ?? 0) - (b.next_at ?? 0)).map((row) => Number(row.key.slice(5)))
    expect(order).toEqual(order.toSorted((a, b) => b - a))
    let fired = 0
    for (let n = 0; n < 5; n++) {
      t.clock.advance(minute)
      fired += await fireAndFinish()
    }
    expect(fired).toBe(rows.length)
  })

  test("paused ones stay where they were, and few ones run at once", async () => {
    await make(20)
    const before = await q.schedules()
    await spreadOverdue(t.app)
    expect(await q.schedules()).toEqual(before)
    expect(await fireAndFinish()).toBe(18)
  })
})
