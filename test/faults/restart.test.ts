import { afterAll, beforeAll, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { connectFake } from "../helpers/setup.ts"
import { startReceiver } from "../helpers/receiver.ts"
import { deploy, type Sluice, until } from "../helpers/sluice.ts"
import { waiting } from "./functions.ts"
import { liveTask, readStored } from "./stored.ts"
import { command, openWorld, operationsOf, statusOf, type World } from "./world.ts"

let world: World
let sluice: Sluice

beforeAll(async () => {
  ;({ world, sluice } = await openWorld({}))
  await connectFake(sluice)
  await deploy(sluice, waiting)
})
afterAll(async () => {
  await sluice.stop()
  await world.fake.stop()
  rmSync(world.dataDir, { recursive: true })
})

const asked = () => world.fake.waitForRequest((request) => request.path === "/slow")

async function restart(): Promise<void> {
  await sluice.kill()
  world.fake.clear()
  sluice = await world.start()
}

test("a run that dies with the daemon is taken up again at once", async () => {
  await asked()
  await restart()
  await asked()
  expect((await statusOf(sluice, "waiting")).status).toBe("RUNNING")
}, 60_000)

test("what was paused while it ran stays paused over a kill, also when the kill follows at once", async () => {
  await command(sluice, "pause", "waiting")
  await restart()
  const paused = await until(async () => {
    const status = await statusOf(sluice, "waiting")
    return status.status !== "RUNNING" && status
  }, "the run to be over")
  expect(paused).toMatchObject({ status: "PAUSED", nextScheduledSyncAt: null })
  expect(readStored(world.dataDir, liveTask)).toBeUndefined()

  await restart()
  expect((await statusOf(sluice, "waiting")).status).toBe("PAUSED")
  expect(readStored(world.dataDir, liveTask)).toBeUndefined()
  expect(world.fake.requests).toEqual([])
}, 60_000)

test("a task that five daemons died of without progress is given up; the next one is not held against it", async () => {
  await using receiver = startReceiver()
  await sluice.call("PATCH", "/sluice/webhooks/settings", { body: { primary_url: receiver.url } })
  await command(sluice, "start", "waiting")
  await command(sluice, "trigger", "waiting")
  for (let lost = 0; lost < 5; lost++) {
    await asked()
    expect(readStored(world.dataDir, liveTask)).toEqual({ state: "started", losses: lost })
    await restart()
  }
  const status = await statusOf(sluice, "waiting")
  expect(status).toMatchObject({ status: "ERROR", latestExecutionStatus: "STOPPED" })
  expect(world.fake.requests).toEqual([])

  const [told] = await operationsOf(sluice, "sync")
  expect(told).toMatchObject({ state: "failed", error: { type: "script_interrupted" } })
  expect(told.error.message).toContain("given up")
  const [hook] = await until(() => receiver.received.length > 0 && receiver.received, "the webhook")
  expect(JSON.parse(hook?.body ?? "")).toMatchObject({
    syncName: "waiting",
    success: false,
    error: { type: "script_error" },
  })
  await until(() => readStored(world.dataDir, liveTask) === undefined, "the delivery to be over")

  await command(sluice, "trigger", "waiting")
  await asked()
  expect(readStored(world.dataDir, liveTask)).toEqual({ state: "started", losses: 0 })
}, 60_000)
