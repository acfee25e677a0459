import { afterAll, beforeAll, expect, spyOn, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { client040, client042, expectRefused } from "./clients.ts"
import { actionFile, mirrorMetadata } from "./functions.ts"
import { type Connection, stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let at: Connection
const rows = (names: Record<string, string>) => Object.entries(names).map(([id, name]) => ({ id, name }))
beforeAll(async () => {
  world = await startWithFake()
  at = await stage(
    world.sluice,
    { "syncs/things.ts": mirrorMetadata, "actions/echo.ts": actionFile("return { got: input }") },
    { metadata: { rows: rows({ a: "first", b: "first", c: "first", d: "first", e: "first" }) } },
  )
  await at.run("things")
  // c is changed and d goes, then a is changed.
  for (const a of ["first", "second"]) {
    await at.setMetadata({ rows: rows({ a, b: "first", c: "second", e: "first" }) })
    await at.run("things")
  }
})
afterAll(() => world[Symbol.asyncDispose]())

const config = (more: object = {}) => ({ providerConfigKey: at.key, connectionId: at.id, model: "Thing", ...more })
const read = async (more?: object): Promise<string[]> =>
  ((await client040(world.sluice).getRecords(config(more) as never)) as { id: string }[]).map(({ id }) => id)

test("0.40: getRecords is a bare list with metadata in each record, newest first", async () => {
  const records = await client040(world.sluice).getRecords(config())
  expect(records.map((record: any) => record.id)).toEqual(["e", "d", "c", "b", "a"])
  expect(records[4]).toMatchObject({ id: "a", name: "second", _nango_metadata: { last_action: "UPDATED" } })
  expect(records[1]._nango_metadata.deleted_at).toEqual(expect.any(String))
})

test("0.40: getRecords sorts, pages and filters", async () => {
  expect(await read({ order: "asc" })).toEqual(["a", "b", "c", "d", "e"])
  expect(await read({ order: "asc", limit: 2, offset: 1 })).toEqual(["b", "c"])
  expect(await read({ limit: 2, offset: 4 })).toEqual(["a"])
  expect(await read({ offset: 100 })).toEqual([])
  expect((await read({ sortBy: "updatedAt", order: "desc" }))[0]).toBe("a")
  expect((await read({ sortBy: "updatedAt", order: "asc" })).slice(0, 2)).toEqual(["b", "e"])
  expect(await read({ sortBy: "createdAt", order: "asc" })).toEqual(["a", "b", "c", "d", "e"])
  expect(await read({ filter: "updated", order: "asc" })).toEqual(["a", "c"])
  expect(await read({ filter: "added,deleted", order: "asc" })).toEqual(["b", "d", "e"])
  expect(await read({ delta: new Date(Date.now() + 60_000).toISOString() })).toEqual([])
  expect(await read({ delta: "2020-01-01T00:00:00Z", limit: 1 })).toEqual(["e"])
  expect(await read({ model: "Nothing" })).toEqual([])
  const warn = spyOn(console, "warn").mockImplementation(() => undefined)
  expect(await read({ includeNangoMetadata: true, limit: 1 })).toEqual(["e"])
  warn.mockRestore()
})

test("0.40: getRecords refuses", async () => {
  const nango = client040(world.sluice)
  await expectRefused(nango.getRecords(config({ connectionId: "nobody" })), 400, "unknown_connection")
  await expectRefused(nango.getRecords(config({ providerConfigKey: "no-such" })), 400, "unknown_connection")
  for (const bad of [
    { limit: 10_001 },
    { limit: -1 },
    { offset: -1 },
    { filter: "new" },
    { model: "thing" },
    { delta: "now" },
  ])
    await expectRefused(nango.getRecords(config(bad)), 400, "invalid_query_params")
  const headless = await world.sluice.call("GET", "/sync/records?model=Thing")
  expect([headless.status, headless.body.error.code]).toEqual([400, "invalid_headers"])
})

test("0.40: syncs, variables and actions", async () => {
  const nango = client040(world.sluice)
  const before = await at.status("things")
  await nango.triggerSync(at.key, ["things"], at.id)
  const first = await at.ended("things", before.finishedAt)
  await nango.triggerSync(at.key, ["things"], at.id, true)
  expect((await at.ended("things", first.finishedAt)).type).toBe("INITIAL")
  await nango.startSync(at.key, ["things"], at.id)
  expect((await nango.syncStatus(at.key, ["things"], at.id)).syncs[0]).toMatchObject({ name: "things" })
  await nango.pauseSync(at.key, ["things"], at.id)
  expect((await nango.syncStatus(at.key, "*", at.id)).syncs[0]!.status).toMatch(/PAUSED|RUNNING/)
  for (const verb of ["triggerSync", "startSync", "pauseSync"] as const)
    await expectRefused(nango[verb](at.key, ["things"], "nobody"), 404, "unknown_connection")
  await expectRefused(nango.syncStatus(at.key, "*", "nobody"), 400, "invalid_body")
  expect(await nango.getEnvironmentVariables()).toEqual([])
  await expectRefused(client040(world.sluice, "no-key").getEnvironmentVariables(), 401, "invalid_secret_key_format")
  expect(await nango.triggerAction(at.key, at.id, "echo", { a: 1 })).toEqual({ got: { a: 1 } })
  await expectRefused(nango.triggerAction(at.key, at.id, "no-such"), 404, "not_found")
})

test("0.42: getRawTokenResponse of a connection without a token response is refused locally or empty", async () => {
  expect(await client042(world.sluice).getRawTokenResponse(at.key, at.id)).toBeUndefined()
  await expectRefused(client042(world.sluice).getRawTokenResponse(at.key, "nobody"), 404, "not_found")
})
