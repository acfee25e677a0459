import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { inTransaction } from "../../src/app/context.ts"
import { maxLosses } from "../../src/queue/model.ts"
import {
  beatTasks,
  findLiveTask,
  nextTaskAt,
  recoverTasks,
  releaseTask,
  settleTask,
  sweepTasks,
} from "../../src/queue/queue.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { reasonOf } from "../helpers/reason.ts"
import { type Queue, queueOf, there } from "./room.ts"

let t: TestApp
let q: Queue
beforeEach(async () => {
  t = await testApp()
  q = queueOf(t)
})
afterEach(() => t.close())

const ids = (rows: { id: string }[]) => rows.map((row) => row.id)

describe("a key", () => {
  test("makes one live task, waiting or started, and is free again when that has finished", async () => {
    const first = there(await q.add({ key: "k" }))
    expect(await q.add({ key: "k" })).toBeUndefined()
    const [started] = await q.claim()
    expect(await q.add({ key: "k" })).toBeUndefined()
    expect((await findLiveTask(t.app, "k"))?.id).toBe(first.id)
    expect(await q.settle(there(started))).toBe(true)
    expect(await findLiveTask(t.app, "k")).toBeUndefined()
    expect(await q.add({ key: "k" })).toBeDefined()
  })

  test("is no hindrance to tasks without one", async () => {
    expect(await q.add()).toBeDefined()
    expect(await q.add()).toBeDefined()
  })

  test("two that add it at the same time: one gets it", async () => {
    const added = await Promise.all(Array.from({ length: 20 }, () => q.add({ key: "k" })))
    expect(added.filter((task) => task !== undefined)).toHaveLength(1)
  })
})

describe("claiming", () => {
  test("takes the best priority first, then the oldest, and what is due only", async () => {
    const late = new Date(t.clock.now().getTime() + 1)
    const sync = there(await q.add({ priority: 30 }))
    const future = there(await q.add({ priority: 1, runAt: late }))
    const action = there(await q.add({ priority: 10 }))
    const older = there(await q.add({ priority: 30, runAt: new Date(t.clock.now().getTime() - 5) }))
    expect(ids(await q.claim({ most: 1 }))).toEqual([action.id])
    expect(ids(await q.claim({ most: 1 }))).toEqual([older.id])
    expect(ids(await q.claim({ most: 5 }))).toEqual([sync.id])
    expect(await nextTaskAt(t.app)).toBe(late.getTime())
    t.clock.advance(1)
    expect(ids(await q.claim())).toEqual([future.id])
    expect(await nextTaskAt(t.app)).toBeUndefined()
  })

  test("gives each a new attempt and a lease", async () => {
    await q.add()
    const [task] = await q.claim({ leaseMs: 1_000 })
    expect(task).toMatchObject({ state: "started", attempt: 1, lease_until: t.clock.now().getTime() + 1_000 })
  })

  test("never takes one task twice, however many ask", async () => {
    await q.addMany(20)
    const claims = await Promise.all(Array.from({ length: 8 }, () => q.claim({ most: 5 })))
    const taken = claims.flatMap(ids)
    expect(taken).toHaveLength(20)
    expect(new Set(taken).size).toBe(20)
  })

  test("takes nothing when there is no place, and not everything", async () => {
    await q.add()
    expect(await q.claim({ most: 0 })).toEqual([])
    expect(await q.claim({ most: -3 })).toEqual([])
  })

  test("keeps the limit of each group over several claims", async () => {
    await q.addMany(5, { group: "a" })
    await q.addMany(5, { group: "b" })
    const limit = (group: string) => (group === "a" ? 2 : 3)
    const first = await q.claim({ most: 3, limit })
    const second = await q.claim({ most: 10, limit })
    const groups = [...first, ...second].map((task) => task.group).toSorted()
    expect(groups).toEqual(["a", "a", "b", "b", "b"])
    expect(await q.claim({ limit })).toEqual([])
    await q.settle(there(first.find((task) => task.group === "a")))
    expect((await q.claim({ limit })).map((task) => task.group)).toEqual(["a"])
  })

  test("a group at its limit does not hide the others, however many of its tasks wait in front", async () => {
    await q.addMany(60, { group: "crowd", priority: 1 })
    const lonely = there(await q.add({ group: "lonely", priority: 9 }))
    const claimed = await q.claim({ most: 2, limit: () => 1 })
    expect(claimed.map((task) => task.group).toSorted()).toEqual(["crowd", "lonely"])
    expect(ids(claimed)).toContain(lonely.id)
  })
})

describe("an attempt", () => {
  test("that lost its task cannot settle it", async () => {
    await q.add()
    const [first] = await q.claim({ leaseMs: 10 })
    t.clock.advance(11)
    await recoverTasks(t.app, { all: false })
    const [second] = await q.claim()
    expect([first?.attempt, second?.attempt]).toEqual([1, 2])
    expect(await q.settle(there(first))).toBe(false)
    expect((await q.task(there(first).id))?.state).toBe("started")
    expect(await q.settle(there(second))).toBe(true)
    expect(await q.settle(there(second))).toBe(false)
  })

  const save = (fence: { taskId: string; attempt: number }, text: string) =>
    t.app.store.step({
      name: "checkpoint.save",
      input: { fence, connectionId: 1, key: "k", version: null, now: 1 },
      body: JSON.stringify({ text }),
    })
  const saved = () => t.app.store.select<{ value: string }>("SELECT value FROM checkpoints", [])

  test("that lost its task cannot write anything any more", async () => {
    await q.add()
    const [first] = await q.claim({ leaseMs: 10 })
    await save({ taskId: there(first).id, attempt: 1 }, "first")
    t.clock.advance(11)
    await recoverTasks(t.app, { all: false })
    const early = await reasonOf(save({ taskId: there(first).id, attempt: 1 }, "between"))
    await q.claim()
    const late = await reasonOf(save({ taskId: there(first).id, attempt: 1 }, "stale"))
    expect([early, late].map((error) => (error as { code: string }).code)).toEqual(["lease_lost", "lease_lost"])
    await save({ taskId: there(first).id, attempt: 2 }, "second")
    expect(await saved()).toEqual([{ value: '{"text":"second"}' }])
  })

  test("that was cancelled, has finished or never was cannot write", async () => {
    await q.add({ key: "a" })
    await q.add({ key: "b" })
    const [a, b] = await q.claim()
    await q.cancel("a")
    await q.settle(there(b))
    for (const fence of [
      { taskId: there(a).id, attempt: 1 },
      { taskId: there(b).id, attempt: 1 },
      { taskId: there(a).id, attempt: 0 },
      { taskId: "no-such-task", attempt: 1 },
    ])
      expect(await reasonOf(save(fence, "x"))).toMatchObject({ code: "lease_lost" })
    expect(await saved()).toEqual([])
  })
})

describe("a lease", () => {
  test("that is extended in time is not lost", async () => {
    await q.add()
    const [task] = await q.claim({ leaseMs: 100 })
    for (let n = 0; n < 5; n++) {
      t.clock.advance(90)
      expect(await beatTasks(t.app, [there(task).id], 100)).toEqual([])
      expect(await recoverTasks(t.app, { all: false })).toEqual([])
    }
    t.clock.advance(101)
    expect(await recoverTasks(t.app, { all: false })).toHaveLength(1)
  })

  test("beating tells which tasks shall stop, and brings nothing back to life", async () => {
    await q.add({ key: "a" })
    await q.add({ key: "b" })
    const [a, b] = await q.claim({ leaseMs: 100 })
    await q.cancel("a", "paused")
    await q.settle(there(b))
    expect(await beatTasks(t.app, [there(a).id, there(b).id], 100)).toEqual([there(a).id])
    expect(await q.task(there(b).id)).toMatchObject({ state: "finished", lease_until: null })
    expect(await beatTasks(t.app, [], 100)).toEqual([])
  })
})

describe("cancelling", () => {
  test("ends a task that waits, at once", async () => {
    const task = there(await q.add({ key: "k" }))
    expect((await q.cancel("k", "paused"))?.id).toBe(task.id)
    expect(await q.task(task.id)).toMatchObject({ state: "finished", cancel_reason: "paused" })
    expect(await q.claim()).toEqual([])
  })

  test("marks a task that runs; it is over when its attempt says so", async () => {
    await q.add({ key: "k" })
    const [task] = await q.claim()
    await q.cancel("k", "paused")
    expect(await q.task(there(task).id)).toMatchObject({ state: "started", cancel_reason: "paused" })
    expect(await q.settle(there(task))).toBe(true)
    expect(await q.cancel("k")).toBeUndefined()
  })

  test("is not undone by a lost lease: a cancelled task gets no new attempt", async () => {
    await q.add({ key: "k" })
    const [task] = await q.claim({ leaseMs: 10 })
    await q.cancel("k")
    t.clock.advance(11)
    expect((await recoverTasks(t.app, { all: false })).map(({ givenUp }) => givenUp)).toEqual([true])
    expect((await q.task(there(task).id))?.state).toBe("finished")
  })
})

describe("recovering", () => {
  test("at start takes all that a dead daemon left, whatever their leases say", async () => {
    await q.add()
    const waiting = there(await q.add({ runAt: new Date(t.clock.now().getTime() + 1_000) }))
    await q.claim({ leaseMs: 1_000_000 })
    expect(await recoverTasks(t.app, { all: false })).toEqual([])
    const lost = await recoverTasks(t.app, { all: true })
    expect(lost.map(({ givenUp }) => givenUp)).toEqual([false])
    expect((await q.claim())[0]).toMatchObject({ attempt: 2, losses: 1 })
    expect((await q.task(waiting.id))?.attempt).toBe(0)
  })

  test("gives up a task that is lost too often in a row", async () => {
    await q.add({ key: "k" })
    const given: boolean[] = []
    for (let n = 0; n < maxLosses; n++) {
      await q.claim()
      given.push(...(await recoverTasks(t.app, { all: true })).map(({ givenUp }) => givenUp))
    }
    expect(given).toEqual([...Array.from({ length: maxLosses - 1 }, () => false), true])
    expect(await q.claim()).toEqual([])
    expect(await q.add({ key: "k" })).toBeDefined()
  })

  test("a committed step between makes the count begin again", async () => {
    const { id } = there(await q.add())
    for (let n = 0; n < maxLosses * 3; n++) {
      const [task] = await q.claim()
      const fence = { taskId: id, attempt: there(task).attempt }
      const input = { fence, connectionId: 1, key: "k", version: null, now: 1 }
      await t.app.store.step({ name: "checkpoint.save", input, body: "{}" })
      const [lost] = await recoverTasks(t.app, { all: true })
      expect(lost?.givenUp).toBe(false)
    }
    expect((await q.task(id))?.losses).toBe(1)
  })
})

describe("sweeping", () => {
  test("removes finished tasks that are old enough, a batch at a time, and no others", async () => {
    await q.addMany(620)
    await q.settleAll(await q.claim({ most: 601, limit: () => 10_000 }))
    t.clock.advance(1_000)
    const [young] = await q.claim({ most: 1 })
    await q.settle(there(young))
    expect(await sweepTasks(t.app, t.clock.now().getTime() - 500)).toBe(true)
    expect(await sweepTasks(t.app, t.clock.now().getTime() - 500)).toBe(false)
    const left = await q.tasks()
    expect(left.filter((task) => task.state === "finished").map((task) => task.id)).toEqual([there(young).id])
    expect(left).toHaveLength(19)
  })
})

describe("ending", () => {
  test("a run that was cancelled at the last moment has not ended well, but it has ended", async () => {
    await q.add({ key: "k" })
    const [task] = await q.claim()
    await q.cancel("k")
    const settle = (unlessCancelled: boolean) =>
      inTransaction(t.app, (ctx) => settleTask(ctx, there(task), { unlessCancelled }))
    expect(await settle(true)).toBe(false)
    expect((await q.task(there(task).id))?.state).toBe("started")
    expect(await settle(false)).toBe(true)
  })

  test("a task that is put back when the daemon stops waits for its next attempt, without a loss", async () => {
    await q.add({ key: "k" })
    const [task] = await q.claim()
    await inTransaction(t.app, (ctx) => releaseTask(ctx, there(task)))
    expect(await q.task(there(task).id)).toMatchObject({ state: "waiting", losses: 0, lease_until: null })
    expect(await q.settle(there(task))).toBe(false)
    expect((await q.claim())[0]).toMatchObject({ attempt: 2, losses: 0 })
    await inTransaction(t.app, (ctx) => releaseTask(ctx, there(task)))
    expect((await q.task(there(task).id))?.state).toBe("started")
  })

  test("a cancelled task that is put back is over instead", async () => {
    await q.add({ key: "k" })
    const [task] = await q.claim()
    await q.cancel("k")
    await inTransaction(t.app, (ctx) => releaseTask(ctx, there(task)))
    expect((await q.task(there(task).id))?.state).toBe("finished")
    expect(await q.claim()).toEqual([])
  })
})
