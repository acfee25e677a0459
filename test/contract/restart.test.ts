import { expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { startWithFake } from "../helpers/setup.ts"
import { startSluice, temporaryFolder, until } from "../helpers/sluice.ts"
import { syncFile, waitAtProvider } from "./functions.ts"
import { connectionAt, stage } from "./stage.ts"

/** The promise about a graceful stop. */
const stopLimitMs = 10_000

/** Saves a page and a checkpoint at each step, and waits at the provider before the third. */
const steps = syncFile(
  `for (let n = ((await nango.getCheckpoint())?.n ?? 0) + 1; n <= 4; n++) {
      if (n === 3) await nango.get({ endpoint: "/slow?ms=60000&who=" + nango.connectionId })
      await nango.batchSave([{ id: "row" + n }], "Thing")
      await nango.saveCheckpoint({ n })
    }
    await nango.clearCheckpoint()`,
  { checkpoint: "z.object({ n: z.number() })" },
)

for (const way of ["SIGTERM", "SIGKILL"] as const) {
  test(`${way} in the middle of a run: the next daemon continues from its checkpoint`, async () => {
    const dataDir = temporaryFolder("data")
    await using world = await startWithFake({ sluice: { dataDir } })
    const at = await stage(world.sluice, { "syncs/steps.ts": steps })
    await at.command("trigger", "steps")
    await world.fake.waitForRequest((request) => request.query.who === at.id)
    if (way === "SIGTERM") {
      const asked = performance.now()
      expect(await world.sluice.stop()).toBe(0)
      expect(performance.now() - asked).toBeLessThan(stopLimitMs)
    } else await world.sluice.kill()

    world.fake.control({ faults: [{ match: { path: "/slow" }, status: 200, body: {} }] })
    await using second = await startSluice({ dataDir, env: world.env, key: world.sluice.key })
    const again = connectionAt(second, at.key, at.id)
    const ended = await until(async () => {
      const now = await again.status("steps")
      return now.latestExecutionStatus === "SUCCESS" && now
    }, "the run to end well")
    expect(ended).toMatchObject({ recordCount: { Thing: 4 }, checkpoint: null })
    const { records } = await again.records("Thing")
    expect(records.map((record: { id: string }) => record.id)).toEqual(["row1", "row2", "row3", "row4"])
    // Rows 1 and 2 were not fetched again: each record changed once.
    for (const { _nango_metadata: meta } of records) expect(meta.first_seen_at).toBe(meta.last_modified_at)
    rmSync(dataDir, { recursive: true, force: true })
  }, 60_000)
}

test("SIGTERM with a run that never yields and an action that waits still ends in time, with 0", async () => {
  await using world = await startWithFake()
  const at = await stage(world.sluice, {
    "syncs/busy.ts": syncFile(`await nango.get({ endpoint: "/echo?who=" + nango.connectionId })\n    for (;;) {}`),
    "actions/wait.ts": `import { createAction } from "nango"
import * as z from "zod"
export default createAction({
  description: "Waits.", version: "1.0.0", input: z.any(), output: z.any(),
  exec: async (nango) => (await nango.get({ endpoint: "/slow?ms=60000&who=the-action" })).data,
})
`,
  })
  await at.command("trigger", "busy")
  const acting = at.act("wait").catch((error: Error) => error)
  await world.fake.waitForRequest((request) => request.query.who === at.id)
  await world.fake.waitForRequest((request) => request.query.who === "the-action")
  const asked = performance.now()
  expect(await world.sluice.stop()).toBe(0)
  expect(performance.now() - asked).toBeLessThan(stopLimitMs)
  await acting
}, 60_000)

test("a pause holds through a restart", async () => {
  const dataDir = temporaryFolder("data")
  await using world = await startWithFake({ sluice: { dataDir } })
  const at = await stage(world.sluice, { "syncs/slow.ts": waitAtProvider({ autoStart: true }) })
  await world.fake.waitForRequest((request) => request.query.who === at.id)
  await at.command("pause", "slow")
  await world.sluice.stop()
  world.fake.clear()
  await using second = await startSluice({ dataDir, env: world.env, key: world.sluice.key })
  const again = connectionAt(second, at.key, at.id)
  const status = await until(
    async () => {
      const now = await again.status("slow")
      return now.status !== "RUNNING" && now
    },
    "the pause to hold",
    5_000,
  )
  expect(status).toMatchObject({ status: "PAUSED", nextScheduledSyncAt: null })
  await again.command("trigger", "slow")
  await world.fake.waitForRequest((request) => request.query.who === at.id)
  expect(world.fake.requests).toHaveLength(1)
  rmSync(dataDir, { recursive: true, force: true })
}, 60_000)

test("a busy run ends within five seconds of a pause", async () => {
  await using world = await startWithFake()
  const at = await stage(world.sluice, {
    "syncs/busy.ts": syncFile(`await nango.get({ endpoint: "/echo?who=" + nango.connectionId })\n    for (;;) {}`),
  })
  await at.command("trigger", "busy")
  await world.fake.waitForRequest((request) => request.query.who === at.id)
  await at.command("pause", "busy")
  const ended = await until(
    async () => {
      const now = await at.status("busy")
      return now.status !== "RUNNING" && now
    },
    "the busy run to end",
    5_000,
  )
  expect(ended).toMatchObject({ status: "PAUSED", latestExecutionStatus: "STOPPED" })
  expect((await world.sluice.call("GET", "/health")).status).toBe(200)
}, 60_000)
