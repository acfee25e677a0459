import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { answered, client } from "./clients.ts"
import { actionFile, mirrorMetadata, syncFile } from "./functions.ts"
import { importConnection, mintIntegration, stage, token } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
beforeAll(async () => void (world = await startWithFake()))
afterAll(() => world[Symbol.asyncDispose]())

const things = { "syncs/things.ts": mirrorMetadata }

test("triggerSync runs a sync and listRecords reads what it saved", async () => {
  const nango = client(world.sluice)
  const at = await stage(world.sluice, things, { metadata: { rows: [{ id: 1, name: "one" }] } })
  expect(await answered(nango.triggerSync(at.key, ["things"], at.id))).toEqual([200, { success: true }])
  await at.ended("things")

  const { records, next_cursor } = await nango.listRecords({
    providerConfigKey: at.key,
    connectionId: at.id,
    model: "Thing",
  })
  expect(next_cursor).toBeNull()
  expect(records).toEqual([{ id: "1", name: "one", _nango_metadata: expect.anything() }] as never)
  expect(records[0]!._nango_metadata).toEqual({
    first_seen_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/),
    last_modified_at: records[0]!._nango_metadata.first_seen_at,
    last_action: "ADDED",
    deleted_at: null,
    pruned_at: null,
    cursor: expect.any(String),
  } as never)
})

test("triggerSync takes every form of its arguments", async () => {
  const nango = client(world.sluice)
  const at = await stage(world.sluice, things)
  await nango.triggerSync(at.key, ["things"], at.id, "full_refresh")
  const first = await at.ended("things")
  await nango.triggerSync(at.key, [{ name: "things", variant: "base" }], at.id, { reset: true, emptyCache: true })
  const second = await at.ended("things", first.finishedAt)
  await nango.triggerSync(at.key, undefined, undefined, true)
  const third = await at.ended("things", second.finishedAt)
  await nango.triggerSync(at.key, ["things"], at.id, false)
  expect((await at.ended("things", third.finishedAt)).status).toBe("PAUSED")
})

test("startSync, pauseSync and syncStatus", async () => {
  const nango = client(world.sluice)
  const at = await stage(world.sluice, things, { metadata: { rows: [{ id: "a" }, { id: "b" }] } })
  const before = await nango.syncStatus(at.key, ["things"], at.id)
  expect(before.syncs).toEqual([
    {
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      connection_id: at.id,
      name: "things",
      variant: "base",
      status: "PAUSED",
      type: "INITIAL",
      nextScheduledSyncAt: null,
      frequency: "every hour",
      recordCount: { Thing: 0 },
      checkpoint: null,
    },
  ] as never)
  expect(await answered(nango.startSync(at.key, ["things"], at.id))).toEqual([200, { success: true }])
  await at.ended("things")
  const [ran] = (await nango.syncStatus(at.key, "*", at.id)).syncs as any[]
  expect(ran).toMatchObject({
    status: "SUCCESS",
    finishedAt: expect.stringMatching(/Z$/),
    nextScheduledSyncAt: expect.stringMatching(/Z$/),
    latestResult: { Thing: { added: 2, updated: 0, deleted: 0 } },
    latestExecutionStatus: "SUCCESS",
    recordCount: { Thing: 2 },
  })
  expect(await answered(nango.pauseSync(at.key, ["things"], at.id))).toEqual([200, { success: true }])
  const [paused] = (await nango.syncStatus(at.key, [{ name: "things", variant: "base" }])).syncs
  expect(paused).toMatchObject({ status: "PAUSED", nextScheduledSyncAt: null, type: "INITIAL" })
  expect((await nango.syncStatus(at.key, ["no-such"], at.id)).syncs).toEqual([])
  expect((await nango.syncStatus("no-such", "*")).syncs).toEqual([])
})

test("updateSyncConnectionFrequency answers the normalised interval, and with null the deployed text", async () => {
  const nango = client(world.sluice)
  const at = await stage(world.sluice, things)
  const update = (frequency: string | null) => nango.updateSyncConnectionFrequency(at.key, "things", at.id, frequency)
  expect(await update("every 5 minutes")).toEqual({ frequency: "5 minutes" })
  expect((await at.status("things")).frequency).toBe("5 minutes")
  expect(await update("every hour")).toEqual({ frequency: "1h" })
  expect(await update("every half day")).toEqual({ frequency: "12h" })
  expect(await update("every week")).toEqual({ frequency: "1w" })
  expect(await update("every month")).toEqual({ frequency: "30d" })
  expect(await update(null)).toEqual({ frequency: "every hour" })
  expect((await at.status("things")).frequency).toBe("every hour")
})

test("setMetadata replaces, updateMetadata merges at the top level, getMetadata reads", async () => {
  const nango = client(world.sluice)
  const at = await stage(world.sluice, {})
  const other = await importConnection(world.sluice, at.key)
  expect(await nango.getMetadata(at.key, at.id)).toEqual({})
  const set = await nango.setMetadata(at.key, at.id, { a: { x: 1 }, b: 2 })
  expect([set.status, set.data]).toEqual([
    201,
    { metadata: { a: { x: 1 }, b: 2 }, connection_id: at.id, provider_config_key: at.key },
  ] as never)
  const changed = await nango.updateMetadata(at.key, [at.id, other.connection_id], { a: { y: 1 }, c: null })
  expect(changed.status).toBe(200)
  expect(await nango.getMetadata(at.key, at.id)).toEqual({ a: { y: 1 }, b: 2, c: null })
  expect(await nango.getMetadata(at.key, other.connection_id)).toEqual({ a: { y: 1 }, c: null })
  await nango.setMetadata(at.key, at.id, {})
  expect(await nango.getMetadata(at.key, at.id)).toEqual({})
})

test("getConnection and getToken, with and without the refresh token", async () => {
  const nango = client(world.sluice)
  const key = await mintIntegration(world.sluice, "github")
  const { connection_id: id } = await importConnection(world.sluice, key, {
    credentials: token,
    connection_config: { org: "acme" },
  })
  const hidden = await nango.getConnection(key, id)
  expect(hidden).toMatchObject({ connection_id: id, provider_config_key: key, provider: "github", errors: [] })
  expect(hidden).toMatchObject({
    end_user: null,
    tags: {},
    webhook_url_override: null,
    connection_config: { org: "acme" },
  })
  expect(hidden.last_fetched_at as unknown).toEqual(expect.stringMatching(/\+00:00$/))
  expect(JSON.stringify(hidden)).not.toContain(token.refresh_token)
  expect(hidden.credentials).toMatchObject({ type: "OAUTH2", access_token: token.access_token })
  const shown = await nango.getConnection(key, id, false, true)
  expect(shown.credentials).toMatchObject({ refresh_token: token.refresh_token, raw: token })
  expect(await nango.getToken(key, id)).toBe(token.access_token)
  expect(await nango.getRawTokenResponse(key, id)).toMatchObject({ access_token: token.access_token })
})

test("getToken of a key is the whole credentials", async () => {
  const at = await stage(world.sluice, {})
  expect(await client(world.sluice).getToken(at.key, at.id)).toEqual({
    type: "API_KEY",
    apiKey: "a-key-of-the-customer",
  } as never)
})

test("listConnections filters and pages, newest first", async () => {
  const nango = client(world.sluice)
  const key = await mintIntegration(world.sluice)
  const person = { id: "user-7", email: "kim@example.com", display_name: "Kim" }
  const first = await importConnection(world.sluice, key, { tags: { Plan: "pro" } })
  const second = await importConnection(world.sluice, key, { end_user: person })
  const ids = async (filter: object) =>
    (await nango.listConnections({ integrationId: key, ...filter })).connections.map((one) => one.connection_id)
  expect(await ids({})).toEqual([second.connection_id, first.connection_id])
  expect(await ids({ limit: 1, page: 1 })).toEqual([first.connection_id])
  expect(await ids({ tags: { plan: "pro" } })).toEqual([first.connection_id])
  expect(await ids({ userId: "user-7" })).toEqual([second.connection_id])
  expect(await ids({ tags: { email: "kim@example.com" } })).toEqual([second.connection_id])
  expect(await ids({ integrationId: [key, "no-such"], connectionId: first.connection_id })).toEqual([
    first.connection_id,
  ])
  const { connections } = await nango.listConnections(second.connection_id)
  expect(connections).toMatchObject([
    { id: second.id, provider: "fake", provider_config_key: key, metadata: {}, errors: [], end_user: { id: "user-7" } },
  ] as never)
  expect(connections[0]).not.toHaveProperty("credentials")
})

test("triggerAction answers the output as it is", async () => {
  const nango = client(world.sluice)
  const at = await stage(world.sluice, {
    "actions/echo.ts": actionFile("return input"),
    "actions/nothing.ts": actionFile("return undefined"),
  })
  for (const value of [{ a: [1, "ü"] }, [1, 2], "text", 7, 0, false, ""]) {
    expect(await nango.triggerAction<unknown, unknown>(at.key, at.id, "echo", value)).toEqual(value)
  }
  expect(await nango.triggerAction<unknown, unknown>(at.key, at.id, "echo")).toEqual({})
  expect(await nango.triggerAction<unknown, unknown>(at.key, at.id, "nothing")).toBeNull()
})

test("listRecords reads with limit, cursor, ids and filter", async () => {
  const nango = client(world.sluice)
  const rows = Array.from({ length: 7 }, (_, index) => ({ id: `r${index}` }))
  const at = await stage(world.sluice, things, { metadata: { rows } })
  await at.run("things")
  const config = { providerConfigKey: at.key, connectionId: at.id, model: "Thing" }
  const ids = (page: { records: { id: unknown }[] }) => page.records.map((record) => record.id)
  const first = await nango.listRecords({ ...config, limit: 3 })
  expect(ids(first)).toEqual(["r0", "r1", "r2"])
  const second = await nango.listRecords({ ...config, limit: 3, cursor: first.next_cursor })
  expect(ids(second)).toEqual(["r3", "r4", "r5"])
  const last = await nango.listRecords({ ...config, limit: 3, cursor: second.next_cursor })
  expect([ids(last), last.next_cursor]).toEqual([["r6"], null])
  expect(ids(await nango.listRecords({ ...config, ids: ["r2", "r5"] }))).toEqual(["r2", "r5"])
  expect(ids(await nango.listRecords({ ...config, filter: "updated" }))).toEqual([])
  expect(
    ids(await nango.listRecords({ ...config, modifiedAfter: new Date(Date.now() + 60_000).toISOString() })),
  ).toEqual([])
  expect(await nango.listRecords({ ...config, model: "NoSuchModel" })).toEqual({ records: [], next_cursor: null })
})

test("getEnvironmentVariables and deleteConnection", async () => {
  const nango = client(world.sluice)
  expect(await nango.getEnvironmentVariables()).toEqual([])
  const at = await stage(world.sluice, { "syncs/things.ts": syncFile("") })
  expect(await answered(nango.deleteConnection(at.key, at.id))).toEqual([200, { success: true }])
  expect((await nango.listConnections({ integrationId: at.key })).connections).toEqual([])
})
