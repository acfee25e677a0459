import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { type Sluice, until } from "../helpers/sluice.ts"
import { mirrorMetadata, syncFile, waitAtProvider } from "./functions.ts"
import { type Connection, connectionAt, deployTo, expectStatus, importConnection, stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let sluice: Sluice
beforeAll(async () => {
  world = await startWithFake()
  sluice = world.sluice
})
afterAll(() => world[Symbol.asyncDispose]())

/** What the promise of a pause is measured by. */
const pauseLimitMs = 5_000
const requestsOf = (at: Connection) => world.fake.requests.filter((request) => request.query.who === at.id)
/** The sync is in the middle of its run: its request has reached the provider. */
const reachesProvider = (at: Connection, times = 1) =>
  until(() => requestsOf(at).length >= times, `request ${times} of ${at.id}`)
const stopsRunning = (at: Connection, name: string) =>
  until(
    async () => {
      const now = await at.status(name)
      return now.status !== "RUNNING" && now
    },
    "the run to end",
    pauseLimitMs,
  )

/** Saves what the run knows of its past, then a checkpoint. */
const remembering = syncFile(
  `const checkpoint = await nango.getCheckpoint()
    const n = (checkpoint?.n ?? 0) + 1
    await nango.batchSave([{ id: "run", n, last: nango.lastSyncDate?.toISOString() ?? null }, { id: "row" + n }], "Thing")
    await nango.saveCheckpoint({ n })`,
  { checkpoint: "z.object({ n: z.number() })" },
)
const remembered = async (at: Connection) =>
  (await at.records("Thing")).records.find((record: { id: string }) => record.id === "run")

test("autoStart: false waits; a trigger runs it once and it goes on waiting", async () => {
  const at = await stage(sluice, { "syncs/things.ts": mirrorMetadata })
  const before = await at.status("things")
  expect(before).toMatchObject({ status: "PAUSED", nextScheduledSyncAt: null })
  expect(before).not.toHaveProperty("latestExecutionStatus")
  const ended = await at.run("things")
  expect(ended).toMatchObject({ status: "PAUSED", nextScheduledSyncAt: null, latestExecutionStatus: "SUCCESS" })
})

test("autoStart: true runs at once, for connections before and after the deploy", async () => {
  const at = await stage(sluice, {
    "syncs/things.ts": syncFile(`await nango.batchSave([{ id: 1 }], "Thing")`, { autoStart: true }),
  })
  const first = await at.ended("things")
  expect(first).toMatchObject({ status: "SUCCESS", type: "INITIAL" })
  const wait = Date.parse(first.nextScheduledSyncAt) - Date.now()
  expect(wait).toBeGreaterThan(0)
  expect(wait).toBeLessThanOrEqual(3_600_000)
  const { connection_id } = await importConnection(sluice, at.key)
  expect((await connectionAt(sluice, at.key, connection_id).ended("things")).status).toBe("SUCCESS")
})

test("startSync starts what never ran at once, and is idempotent", async () => {
  const at = await stage(sluice, { "syncs/things.ts": mirrorMetadata })
  await at.command("start", "things")
  const first = await at.ended("things")
  expect(first.status).toBe("SUCCESS")
  await at.command("start", "things")
  expect((await at.status("things")).nextScheduledSyncAt).toBe(first.nextScheduledSyncAt)
})

test("a pause ends the run, and holds through triggers, deploys and a new import", async () => {
  const at = await stage(sluice, { "syncs/slow.ts": waitAtProvider({ autoStart: true }) })
  await reachesProvider(at)
  expect((await at.status("slow")).status).toBe("RUNNING")
  expect(await at.status("slow")).not.toHaveProperty("finishedAt")
  await at.command("pause", "slow")
  const paused = await stopsRunning(at, "slow")
  expect(paused).toMatchObject({ status: "PAUSED", nextScheduledSyncAt: null, latestExecutionStatus: "STOPPED" })

  await deployTo(sluice, at.key, {
    "syncs/slow.ts": waitAtProvider({ autoStart: true, version: "2.0.0", frequency: "every day" }),
  })
  await importConnection(sluice, at.key, { connection_id: at.id })
  expect(await at.status("slow")).toMatchObject({ status: "PAUSED", nextScheduledSyncAt: null, frequency: "every day" })
  expect(requestsOf(at)).toHaveLength(1)
  await at.command("trigger", "slow")
  await reachesProvider(at, 2)
  await at.command("pause", "slow")
  expect((await stopsRunning(at, "slow")).status).toBe("PAUSED")
})

test("a trigger during a run is refused without a word: there is one run", async () => {
  const at = await stage(sluice, { "syncs/slow.ts": waitAtProvider() })
  await at.command("trigger", "slow")
  await reachesProvider(at)
  for (let more = 0; more < 5; more++) expect((await at.command("trigger", "slow")).body).toEqual({ success: true })
  await at.command("pause", "slow")
  await stopsRunning(at, "slow")
  // The next run is a new one: none of the five was kept for later.
  await at.command("trigger", "slow")
  await reachesProvider(at, 2)
  expect(requestsOf(at)).toHaveLength(2)
  await at.command("pause", "slow")
  await stopsRunning(at, "slow")
})

test("a reset ends the running run and begins anew", async () => {
  const at = await stage(sluice, { "syncs/slow.ts": waitAtProvider() })
  await at.command("trigger", "slow")
  await reachesProvider(at)
  await at.command("trigger", "slow", { opts: { reset: true } })
  await reachesProvider(at, 2)
  expect((await at.status("slow")).status).toBe("RUNNING")
  await at.command("pause", "slow")
  await stopsRunning(at, "slow")
})

test("the checkpoint and the last sync date go from run to run, until a reset", async () => {
  const at = await stage(sluice, { "syncs/things.ts": remembering })
  const first = await at.run("things")
  expect(first).toMatchObject({ type: "INITIAL", checkpoint: { n: 1 } })
  expect(await remembered(at)).toMatchObject({ n: 1, last: null })
  expect((await at.run("things")).checkpoint).toEqual({ n: 2 })
  const second = await remembered(at)
  expect(second.n).toBe(2)
  expect(Date.parse(second.last)).toBeLessThanOrEqual(Date.parse(first.finishedAt))

  // Without reset, emptyCache does nothing.
  expect((await at.run("things", { opts: { emptyCache: true } })).checkpoint).toEqual({ n: 3 })
  expect((await at.records("Thing")).records).toHaveLength(4)

  const reset = await at.run("things", { opts: { reset: true } })
  expect(reset).toMatchObject({ type: "INITIAL", checkpoint: { n: 1 }, recordCount: { Thing: 4 } })
  expect(await remembered(at)).toMatchObject({ n: 1, last: null })

  await at.run("things")
  const cleared = await at.run("things", { opts: { reset: true, emptyCache: true } })
  expect(cleared).toMatchObject({
    checkpoint: { n: 1 },
    recordCount: { Thing: 2 },
    latestResult: { Thing: { added: 2, updated: 0, deleted: 0 } },
  })
  const ids = (await at.records("Thing")).records.map((record: { id: string }) => record.id)
  expect(ids).toEqual(["run", "row1"])
})

test.each([
  ["full_refresh", { sync_mode: "full_refresh" }, 3],
  ["full_resync", { full_resync: true }, 3],
  ["full_refresh_and_clear_cache", { sync_mode: "full_refresh_and_clear_cache" }, 2],
])("the older way to ask for it: %s", async (_what, more, count) => {
  const at = await stage(sluice, { "syncs/things.ts": remembering })
  for (let run = 0; run < 2; run++) await at.run("things")
  expect(await at.run("things", more)).toMatchObject({ checkpoint: { n: 1 }, recordCount: { Thing: count } })
})

test("a run that failed leaves the last sync date, and the next one goes on from its checkpoint", async () => {
  const at = await stage(sluice, {
    "syncs/things.ts": syncFile(
      `const { fail } = await nango.getMetadata()
    const n = ((await nango.getCheckpoint())?.n ?? 0) + 1
    await nango.batchSave([{ id: "run", n, last: nango.lastSyncDate?.toISOString() ?? null }], "Thing")
    await nango.saveCheckpoint({ n })
    if (fail) throw new Error("on purpose")`,
      { checkpoint: "z.object({ n: z.number() })" },
    ),
  })
  await at.setMetadata({ fail: true })
  expect(await at.runToFailure("things")).toMatchObject({ checkpoint: { n: 1 }, recordCount: { Thing: 1 } })
  await at.setMetadata({ fail: false })
  expect((await at.run("things")).checkpoint).toEqual({ n: 2 })
  expect(await remembered(at)).toMatchObject({ n: 2, last: null })
})

test("commands without a connection reach all of them", async () => {
  const at = await stage(sluice, { "syncs/things.ts": mirrorMetadata })
  const { connection_id } = await importConnection(sluice, at.key)
  const both = [at, connectionAt(sluice, at.key, connection_id)]
  const all = (verb: string) =>
    sluice.call("POST", `/sync/${verb}`, { body: { syncs: ["things"], provider_config_key: at.key } })
  expectStatus(await all("start"), 200)
  for (const one of both) expect((await one.ended("things")).status).toBe("SUCCESS")
  expectStatus(await all("pause"), 200)
  for (const one of both) expect((await one.status("things")).status).toBe("PAUSED")
})

test("the integration and the connection may come as headers", async () => {
  const at = await stage(sluice, { "syncs/things.ts": mirrorMetadata })
  expectStatus(await sluice.call("POST", "/sync/trigger", { headers: at.headers, body: { syncs: ["things"] } }), 200)
  await at.ended("things")
})

test("a run knows what it was deployed as", async () => {
  const body = `await nango.batchSave([{ id: "run", config: nango.syncConfig, attributes: nango.getFlowAttributes() }], "Thing")`
  const at = await stage(sluice, { "syncs/things.ts": syncFile(body) })
  await at.run("things")
  const [{ config, attributes }] = (await at.records("Thing")).records
  expect(config).toMatchObject({
    sync_name: "things",
    type: "sync",
    models: ["Thing"],
    sync_type: "full",
    enabled: true,
  })
  expect(attributes).toEqual({})
})
