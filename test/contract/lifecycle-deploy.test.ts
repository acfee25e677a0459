import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { type Sluice, until } from "../helpers/sluice.ts"
import { actionFile, mirrorMetadata, syncFile, waitAtProvider } from "./functions.ts"
import { type Connection, connectionAt, deployTo, expectStatus, importConnection, stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let sluice: Sluice
beforeAll(async () => {
  world = await startWithFake()
  sluice = world.sluice
})
afterAll(() => world[Symbol.asyncDispose]())

const statuses = async (at: Connection) =>
  expectStatus(await sluice.call("GET", `/sync/status?syncs=*&provider_config_key=${at.key}`), 200).body.syncs
const minutes = (count: number) => count * 60_000
const nextRun = async (at: Connection, name = "things") =>
  Date.parse((await at.status(name)).nextScheduledSyncAt) - Date.now()
const setFrequency = (at: Connection, frequency: string | null, name = "things") =>
  sluice.call("PUT", "/sync/update-connection-frequency", {
    body: { sync_name: name, provider_config_key: at.key, connection_id: at.id, frequency },
  })
const things = (frequency: string) =>
  syncFile(`await nango.batchSave([{ id: 1 }], "Thing")`, { frequency, autoStart: true })
/** The run is over: nobody waits at the provider any more but the one who asks. */
const nobodyWaits = () =>
  until(async () => {
    const { requests } = (await (await fetch(`${world.fake.url}/__state`)).json()) as { requests: { inFlight: number } }
    return requests.inFlight === 1
  }, "the provider to be left alone")

test("a deploy changes the frequency of every connection that has none of its own", async () => {
  const at = await stage(sluice, { "syncs/things.ts": things("every hour") })
  const { connection_id } = await importConnection(sluice, at.key)
  const own = connectionAt(sluice, at.key, connection_id)
  await Promise.all([at.ended("things"), own.ended("things")])
  expectStatus(await setFrequency(own, "every 10 minutes"), 200)
  expect(await nextRun(own)).toBeLessThanOrEqual(minutes(10))

  await deployTo(sluice, at.key, { "syncs/things.ts": things("every 20 minutes") })
  expect((await at.status("things")).frequency).toBe("every 20 minutes")
  expect(await nextRun(at)).toBeLessThanOrEqual(minutes(20))
  expect((await own.status("things")).frequency).toBe("10 minutes")
  expect(await nextRun(own)).toBeLessThanOrEqual(minutes(10))

  // Importing the connection again keeps it as well; null gives the deployed one back.
  await importConnection(sluice, at.key, { connection_id })
  expect((await own.status("things")).frequency).toBe("10 minutes")
  expect((await setFrequency(own, null)).body).toEqual({ frequency: "every 20 minutes" })
  await deployTo(sluice, at.key, { "syncs/things.ts": things("every 2 hours") })
  expect((await own.status("things")).frequency).toBe("every 2 hours")
  expect(await nextRun(own)).toBeGreaterThan(minutes(20))
})

test("a deploy of the same sources changes nothing", async () => {
  const at = await stage(sluice, { "syncs/things.ts": things("every hour") })
  const before = await at.ended("things")
  const again = await deployTo(sluice, at.key, { "syncs/things.ts": things("every hour") })
  expect(again.changes.map((line: { change: string }) => line.change)).toEqual(["keep"])
  expect(await at.status("things")).toEqual(before)
})

test("a deploy with other code: the next run uses it, the schedule stays", async () => {
  const at = await stage(sluice, { "syncs/things.ts": syncFile(`await nango.batchSave([{ id: "old" }], "Thing")`) })
  await at.run("things")
  await deployTo(sluice, at.key, { "syncs/things.ts": syncFile(`await nango.batchSave([{ id: "new" }], "Thing")`) })
  expect((await at.status("things")).status).toBe("PAUSED")
  await at.run("things")
  expect((await at.records("Thing")).records.map((record: { id: string }) => record.id)).toEqual(["old", "new"])
})

test("a deploy without a sync removes it and ends its run; deployed again it comes back as the operator left it", async () => {
  const at = await stage(sluice, {
    "syncs/slow.ts": waitAtProvider({ autoStart: true }),
    "actions/echo.ts": actionFile("return 1"),
  })
  await world.fake.waitForRequest((request) => request.query.who === at.id)
  await deployTo(sluice, at.key, { "actions/echo.ts": actionFile("return 1") })
  expect(await statuses(at)).toEqual([])
  const gone = await sluice.call("POST", "/sync/trigger", { body: { syncs: ["slow"], provider_config_key: at.key } })
  expect([gone.status, gone.body.error.code]).toEqual([400, "no_syncs_found"])
  await nobodyWaits()

  await deployTo(sluice, at.key, {
    "syncs/slow.ts": syncFile("", { autoStart: true }),
    "actions/echo.ts": actionFile("return 1"),
  })
  await at.command("pause", "slow")
  await deployTo(sluice, at.key, { "actions/echo.ts": actionFile("return 1") })
  await deployTo(sluice, at.key, { "syncs/slow.ts": syncFile("", { autoStart: true }) })
  expect(await at.status("slow")).toMatchObject({ status: "PAUSED", nextScheduledSyncAt: null })
})

test("a removed action answers like one that never was", async () => {
  const at = await stage(sluice, { "syncs/things.ts": mirrorMetadata, "actions/echo.ts": actionFile("return 1") })
  expect((await at.act("echo")).status).toBe(200)
  await deployTo(sluice, at.key, { "syncs/things.ts": mirrorMetadata })
  expect((await at.act("echo")).body.error).toEqual({ code: "not_found", message: "Action not found" })
})

test("deleting a connection ends its run; made anew it begins from nothing", async () => {
  const at = await stage(
    sluice,
    {
      "syncs/slow.ts": waitAtProvider({ autoStart: true, models: "Slow: z.object({ id: z.string() })" }),
      "syncs/things.ts": mirrorMetadata,
    },
    { metadata: { rows: [{ id: "old" }] } },
  )
  await at.run("things")
  await world.fake.waitForRequest((request) => request.query.who === at.id)
  expectStatus(await sluice.call("DELETE", `/connections/${at.id}?provider_config_key=${at.key}`), 200)
  expect(await statuses(at)).toEqual([])
  await nobodyWaits()
  const records = await sluice.call("GET", "/records?model=Thing", { headers: at.headers })
  expect([records.status, records.body.error.code]).toEqual([400, "unknown_connection"])

  world.fake.clear()
  await importConnection(sluice, at.key, { connection_id: at.id })
  expect((await at.records("Thing")).records).toEqual([])
  expect(await at.status("things")).toMatchObject({ status: "PAUSED", recordCount: { Thing: 0 } })
  await world.fake.waitForRequest((request) => request.query.who === at.id)
  await at.command("pause", "slow")
})

test("deleting an integration ends the runs of all its connections", async () => {
  const at = await stage(sluice, { "syncs/slow.ts": waitAtProvider({ autoStart: true }) })
  await world.fake.waitForRequest((request) => request.query.who === at.id)
  expectStatus(await sluice.call("DELETE", `/integrations/${at.key}`), 200)
  await nobodyWaits()
})
