import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { type App, inTransaction } from "../../src/app/context.ts"
import type { Places } from "../../src/queue/claim.ts"
import { createQueueLoop, type QueueLoop, type TaskHandler } from "../../src/queue/loop.ts"
import type { TaskRow } from "../../src/queue/model.ts"
import { releaseTask } from "../../src/queue/queue.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { until } from "../helpers/sluice.ts"
import { type Queue, queueOf, there } from "./room.ts"

let t: TestApp
let q: Queue
let open: QueueLoop[]
beforeEach(async () => {
  t = await testApp()
  q = queueOf(t)
  open = []
})
afterEach(async () => {
  for (const loop of open) await loop.stop(1_000)
  await t.close()
})

type Begun = { task: TaskRow; signal: AbortSignal; end: () => Promise<void>; fail: (error: Error) => void }

/** A loop whose tasks last until the test ends them. */
function makeLoop(options: { most?: number; places?: Places[]; app?: () => App } = {}) {
  const begun: Begun[] = []
  const lost: { id: string; givenUp: boolean }[] = []
  const loop = createQueueLoop(options.app ?? (() => t.app), {
    places: options.places ?? [{ most: options.most ?? 10 }],
    limit: () => 10,
  })
  const giveUp = async (task: TaskRow, signal: AbortSignal) => {
    if (signal.reason === "the daemon stops") await inTransaction(t.app, (ctx) => releaseTask(ctx, task))
    else await q.settle(task)
  }
  const handler: TaskHandler = {
    run: (task, signal) =>
      new Promise((resolve, reject) => {
        begun.push({ task, signal, end: async () => resolve(void (await q.settle(task))), fail: reject })
        signal.addEventListener("abort", () => void giveUp(task, signal).then(resolve, reject))
      }),
    lost: async (task, givenUp) => void lost.push({ id: task.id, givenUp }),
  }
  open.push(loop)
  const start = () =>
    loop.start({
      sync: handler,
      webhook: handler,
      event: handler,
      action: handler,
      delivery: handler,
      credentials: handler,
      lookup: handler,
    })
  const running = (n: number) => until(() => begun.length >= n, `${n} tasks to begin`)
  return { loop, begun, lost, start, running }
}

/** Waits until the look that is under way is over: it holds the writer, and the next in line gets it then. */
async function quiet(loop: QueueLoop): Promise<void> {
  loop.wake()
  for (let n = 0; n < 10; n++) await inTransaction(t.app, async () => undefined)
}

describe("the loop", () => {
  test("carries out what waits when it starts, and what comes while it runs", async () => {
    const { loop, begun, start, running } = makeLoop()
    await q.add()
    await start()
    await running(1)
    await q.add()
    loop.wake()
    await running(2)
    expect(loop.running()).toBe(2)
    for (const one of begun) await one.end()
    await until(() => loop.running() === 0, "both to end")
    expect((await q.tasks()).map((task) => task.state)).toEqual(["finished", "finished"])
  })

  test("has no more tasks at once than it may, and takes the next when one ends", async () => {
    const { loop, begun, start, running } = makeLoop({ most: 2 })
    await q.addMany(5)
    await start()
    await running(2)
    for (let n = 2; n < 5; n++) {
      expect(loop.running()).toBe(2)
      await begun[n - 2]?.end()
      await running(n + 1)
    }
    expect(new Set(begun.map(({ task }) => task.id)).size).toBe(5)
  })

  test("a crowd of one kind never takes the places of another", async () => {
    const { begun, start, running } = makeLoop({
      places: [
        { kinds: ["sync", "event"], most: 2 },
        { kinds: ["delivery"], most: 3 },
      ],
    })
    for (let n = 0; n < 8; n++) await q.add({ kind: "delivery", priority: 1, group: `d${n}` })
    for (let n = 0; n < 8; n++) await q.add({ kind: n % 2 ? "sync" : "event", priority: 9, group: `s${n}` })
    await start()
    await running(5)
    const count = (...kinds: string[]) => begun.filter(({ task }) => kinds.includes(task.kind)).length
    expect([count("delivery"), count("sync", "event")]).toEqual([3, 2])
    await begun.find(({ task }) => task.kind === "delivery")?.end()
    await running(6)
    expect([count("delivery"), count("sync", "event")]).toEqual([4, 2])
    for (let n = 0; n < 16; n++) {
      await running(n + 1)
      await begun[n]?.end()
    }
    expect([count("delivery"), count("sync", "event")]).toEqual([8, 8])
  })

  test("makes tasks of all schedules that are due, also of very many", async () => {
    const { start, running } = makeLoop({ most: 1 })
    await t.app.store.tx(async (tx) => {
      const now = t.clock.now().getTime()
      await tx.db.run(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450)
         INSERT INTO schedules (key, kind, payload, "group", priority, interval_ms, anchor_at, next_at, intent, state)
         SELECT 'k' || i, 'sync', '{}', 'g', 1, 3600000, ${now}, ${now}, 'started', 'active' FROM n`,
      )
    })
    await start()
    await running(1)
    await until(async () => (await q.tasks()).length === 450, "all schedules to fire")
  })

  test("a handler that fails ends its task, and the loop goes on", async () => {
    const { loop, begun, start, running } = makeLoop()
    await q.add()
    await start()
    await running(1)
    there(begun[0]).fail(new Error("a bug"))
    await until(async () => (await q.tasks())[0]?.state === "finished", "the task to be settled")
    expect(t.logged.some((line) => line.msg === "a task failed: a bug")).toBe(true)
    await q.add()
    loop.wake()
    await running(2)
  })

  test("a store that fails once does not stop it for good", async () => {
    let failures = 1
    const store: App["store"] = {
      ...t.app.store,
      tx: (fn) => (failures-- > 0 ? Promise.reject(new Error("disk full")) : t.app.store.tx(fn)),
    }
    let broken = false
    const { start, running, loop } = makeLoop({ app: () => (broken ? { ...t.app, store } : t.app) })
    await q.add()
    await start()
    await running(1)
    await quiet(loop)
    broken = true
    await q.add()
    loop.wake()
    await running(2)
    expect(t.logged.filter((line) => line.msg === "the queue could not look for work")).toHaveLength(1)
  })

  test("takes over what a dead daemon left, tells it, and gives it a new attempt", async () => {
    await q.add()
    await q.claim()
    const { begun, lost, start, running } = makeLoop()
    await start()
    await running(1)
    expect(lost).toEqual([{ id: there(begun[0]).task.id, givenUp: false }])
    expect(begun[0]?.task).toMatchObject({ attempt: 2, losses: 1 })
  })

  test("tells a run to end when it is told so", async () => {
    const { loop, begun, start, running } = makeLoop()
    await q.add({ key: "k" })
    await start()
    await running(1)
    await q.cancel("k", "paused")
    loop.abort(there(begun[0]).task.id, "paused")
    await until(() => loop.running() === 0, "the run to end")
    expect(begun[0]?.signal.reason).toBe("paused")
    loop.abort("no-such-task", "x")
  })

  test("puts running tasks back when it stops, and begins nothing more", async () => {
    const { loop, begun, start, running } = makeLoop()
    await q.add()
    await start()
    await running(1)
    await loop.stop(5_000)
    expect(begun[0]?.signal.reason).toBe("the daemon stops")
    expect((await q.tasks())[0]).toMatchObject({ state: "waiting", attempt: 1, losses: 0 })
    await q.add()
    loop.wake()
    await Bun.sleep(20)
    expect(begun).toHaveLength(1)
  })

  test("that never started can be woken and stopped", async () => {
    const { loop } = makeLoop()
    loop.wake()
    await loop.stop(10)
    expect(loop.running()).toBe(0)
  })
})
