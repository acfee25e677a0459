import { afterAll, beforeAll, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { connectFake, onFake } from "../helpers/setup.ts"
import { deploy, type Sluice, until } from "../helpers/sluice.ts"
import { newReader, readOn } from "./feed.ts"
import { waiting, waitingAction } from "./functions.ts"
import { isAlive, runnersOf, seededRandom } from "./kills.ts"
import { pagingSync } from "./paging-sync.ts"
import { command, openWorld, operationsOf, statusOf, type World } from "./world.ts"

const onLinux = process.platform === "linux"
let world: World
let sluice: Sluice

beforeAll(async () => {
  ;({ world, sluice } = await openWorld({ items: 5000 }))
  await connectFake(sluice)
})
afterAll(async () => {
  await sluice.stop()
  await world.fake.stop()
  rmSync(world.dataDir, { recursive: true })
})

const killRunners = () => runnersOf(sluice.pid).map((pid) => process.kill(pid, "SIGKILL"))

test.skipIf(!onLinux)(
  "a runner that is killed fails its run with a named reason, and nothing else",
  async () => {
    world.fake.clear()
    await deploy(sluice, { ...waiting, ...waitingAction })
    await world.fake.waitForRequest((request) => request.path === "/slow")
    const action = sluice.call("POST", "/action/trigger", { headers: onFake(), body: { action_name: "ask" } })
    await until(() => world.fake.requests.filter((request) => request.path === "/slow").length === 2, "both requests")

    expect(killRunners().length).toBeGreaterThanOrEqual(2)
    const answer = await action
    expect(answer.status).toBe(500)
    expect(answer.body.error.code).toBe("function_runtime_other")
    const status = await until(async () => {
      const status = await statusOf(sluice, "waiting")
      return status.latestExecutionStatus === "STOPPED" && status
    }, "the run to fail")
    expect(status.status).toBe("ERROR")
    for (const type of ["sync", "action"] as const) {
      expect((await operationsOf(sluice, type))[0]).toMatchObject({
        state: "failed",
        error: { type: "function_runtime_other" },
      })
    }
    expect((await sluice.call("GET", "/health")).status).toBe(200)
    expect((await sluice.call("GET", "/ready")).status).toBe(200)
  },
  60_000,
)

test.skipIf(!onLinux)(
  "a sync goes on from its checkpoint however often its runner is killed",
  async () => {
    const random = seededRandom(7)
    await deploy(sluice, pagingSync)
    let last: string | undefined
    let failed = 0
    // On a fast machine a run may end before it is killed: go on until enough were hit.
    for (let kills = 0; kills < 8 || failed < 3; kills++) {
      const timer = setTimeout(killRunners, random() * 500)
      const ended = await until(async () => {
        const status = await statusOf(sluice, "items")
        return status.status !== "RUNNING" && status.finishedAt !== undefined && status.finishedAt !== last && status
      }, "the run to end")
      clearTimeout(timer)
      last = ended.finishedAt
      if (ended.latestExecutionStatus === "STOPPED") {
        failed++
        // The status is committed a moment before the operation is closed.
        const operation = await until(async () => {
          const [latest] = await operationsOf(sluice, "sync")
          return latest.state !== "running" && latest
        }, "the operation to close")
        expect(operation.error.type).toBe("function_runtime_other")
      }
      await command(sluice, "trigger", "items")
    }
    await until(async () => {
      const status = await statusOf(sluice, "items")
      return status.finishedAt !== last && status.latestExecutionStatus === "SUCCESS"
    }, "the last run to end")
    const reader = newReader()
    await readOn(sluice, reader)
    expect(reader.records.size).toBe(5000)
    expect([...reader.records.values()].filter((record) => record.deleted || record.action !== "ADDED")).toEqual([])
    expect((await statusOf(sluice, "items")).checkpoint).toBeNull()
  },
  60_000,
)

test.skipIf(!onLinux)(
  "a killed daemon takes its runners with it, also the busy ones",
  async () => {
    world.fake.clear()
    await deploy(sluice, { ...waiting, ...pagingSync })
    await command(sluice, "trigger", "waiting")
    await world.fake.waitForRequest((request) => request.path === "/slow")
    const runners = runnersOf(sluice.pid)
    expect(runners.length).toBeGreaterThanOrEqual(1)
    await sluice.kill()
    await until(() => !runners.some(isAlive), "the runners to leave", 10_000)
    sluice = await world.start()
  },
  60_000,
)
