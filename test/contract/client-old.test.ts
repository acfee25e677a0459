import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { client040, client042, expectRefused, refused } from "./clients.ts"
import { actionFile, mirrorMetadata } from "./functions.ts"
import { type Connection, connectionAt, importConnection, mintIntegration, stage, token } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
beforeAll(async () => void (world = await startWithFake()))
afterAll(() => world[Symbol.asyncDispose]())

const stageThings = (rows: object[] = []): Promise<Connection> =>
  stage(
    world.sluice,
    {
      "syncs/things.ts": mirrorMetadata,
      "actions/echo.ts": actionFile("return { got: input }"),
      "actions/refuse.ts": actionFile(`throw new nango.ActionError({ any_key: "any_value" })`),
    },
    { metadata: { rows } },
  )

test("0.42: triggerSync, syncStatus, startSync, pauseSync", async () => {
  const nango = client042(world.sluice)
  const at = await stageThings([{ id: "a" }])
  await nango.triggerSync(at.key, ["things"], at.id)
  const first = await at.ended("things")
  await nango.triggerSync(at.key, ["things"], at.id, true)
  expect((await at.ended("things", first.finishedAt)).type).toBe("INITIAL")

  const other = await importConnection(world.sluice, at.key)
  await nango.startSync(at.key, ["things"], other.connection_id)
  const started = connectionAt(world.sluice, at.key, other.connection_id)
  expect((await started.ended("things")).status).toBe("SUCCESS")
  await nango.pauseSync(at.key, ["things"], other.connection_id)
  expect(await started.status("things")).toMatchObject({ status: "PAUSED", nextScheduledSyncAt: null })

  const { syncs } = await nango.syncStatus(at.key, ["things"], at.id)
  expect(syncs[0]).toMatchObject({ name: "things", frequency: "every hour", id: expect.any(String) })
  expect((await nango.syncStatus(at.key, "*")).syncs).toHaveLength(2)
})

test("0.42: triggerSync, startSync, pauseSync, syncStatus fail as documented", async () => {
  const nango = client042(world.sluice)
  const at = await stageThings()
  for (const verb of ["triggerSync", "startSync", "pauseSync"] as const) {
    await expectRefused(nango[verb]("no-such", ["things"], at.id), 400, "unknown_provider_config")
    await expectRefused(nango[verb](at.key, ["things"], "nobody"), 404, "unknown_connection")
    await expectRefused(nango[verb](at.key, ["no-such"], at.id), 400, "no_syncs_found")
  }
  await expectRefused(nango.syncStatus(at.key, "*", "nobody"), 400, "invalid_body")
})

test("0.42: listRecords with cursor, limit and filter", async () => {
  const nango = client042(world.sluice)
  const at = await stageThings([{ id: 1 }, { id: 2 }, { id: 3 }])
  await at.run("things")
  const config = { providerConfigKey: at.key, connectionId: at.id, model: "Thing" }
  const first = await nango.listRecords({ ...config, limit: 2 })
  expect(first.records).toMatchObject([{ id: "1" }, { id: "2" }] as never)
  const rest = await nango.listRecords({ ...config, cursor: first.next_cursor, filter: "added" })
  expect([rest.records.length, rest.records[0]!.id, rest.next_cursor]).toEqual([1, "3", null] as never)
  const since = new Date(Date.now() - 60_000).toISOString()
  expect((await nango.listRecords({ ...config, modifiedAfter: since })).records).toHaveLength(3)
  await expectRefused(nango.listRecords({ ...config, connectionId: "nobody" }), 400, "unknown_connection")
})

test("0.42: metadata", async () => {
  const nango = client042(world.sluice)
  const at = await stageThings()
  const other = await importConnection(world.sluice, at.key)
  await nango.setMetadata(at.key, at.id, { a: 1, b: { c: 2 } })
  await nango.updateMetadata(at.key, at.id, { b: { d: 3 } })
  expect(await nango.getMetadata<object>(at.key, at.id)).toEqual({ a: 1, b: { d: 3 } })
  await nango.setMetadata(at.key, [at.id, other.connection_id], { both: true })
  expect(await nango.getMetadata<object>(at.key, other.connection_id)).toEqual({ both: true })
  await expectRefused(nango.setMetadata(at.key, [at.id, "nobody"], { lost: true }), 404, "unknown_connection")
  await expectRefused(nango.updateMetadata(at.key, "nobody", { lost: true }), 404, "unknown_connection")
  expect(await nango.getMetadata<object>(at.key, at.id)).toEqual({ both: true })
  await expectRefused(nango.getMetadata(at.key, "nobody"), 404, "not_found")
})

test("0.42: connections", async () => {
  const nango = client042(world.sluice)
  const key = await mintIntegration(world.sluice, "github")
  const { connection_id: id } = await importConnection(world.sluice, key, { credentials: token })
  const connection = await nango.getConnection(key, id)
  expect(connection).toMatchObject({ connection_id: id, provider_config_key: key, provider: "github" })
  expect(connection.credentials).toMatchObject({ type: "OAUTH2", access_token: token.access_token })
  expect((await nango.getConnection(key, id, false, true)).credentials).toMatchObject({
    refresh_token: token.refresh_token,
  })
  expect(await nango.getToken(key, id)).toBe(token.access_token)
  const { connections } = await nango.listConnections(id)
  expect(connections).toMatchObject([
    { id: expect.any(Number), connection_id: id, provider: "github", provider_config_key: key, metadata: {} },
  ] as never)
  expect(Number.isNaN(Date.parse(connections[0]!.created))).toBe(false)
  await expectRefused(nango.getConnection(key, "nobody"), 404, "not_found")
  await expectRefused(nango.getToken("no-such", id), 400, "unknown_provider_config")
  await nango.deleteConnection(key, id)
  await expectRefused(nango.deleteConnection(key, id), 400, "unknown_connection")
})

test("0.42: triggerAction and getEnvironmentVariables", async () => {
  const nango = client042(world.sluice)
  const at = await stageThings()
  expect(await nango.triggerAction<object>(at.key, at.id, "echo", { a: 1 })).toEqual({ got: { a: 1 } })
  const { status, data } = await refused(nango.triggerAction(at.key, at.id, "refuse"))
  expect([status, data.error_type, data.payload]).toEqual([500, "action_script_failure", { any_key: "any_value" }])
  await expectRefused(nango.triggerAction(at.key, at.id, "no-such"), 404, "not_found")
  await expectRefused(nango.triggerAction(at.key, "nobody", "echo"), 400, "unknown_connection")
  expect(await nango.getEnvironmentVariables()).toEqual([])
})

/** Both versions check their arguments the wrong way round and never send anything, so the request is made by hand. */
test("updateSyncConnectionFrequency: the clients of 2024 refuse locally; the request that they document works", async () => {
  const at = await stageThings()
  for (const nango of [client040(world.sluice), client042(world.sluice)]) {
    const update = nango.updateSyncConnectionFrequency(at.key, "things", at.id, "every 2 hours")
    await expect(update).rejects.toThrow("Sync must be a string.")
  }
  const put = async (more: object) => {
    const body = { provider_config_key: at.key, connection_id: at.id, sync_name: "things", ...more }
    const answer = await world.sluice.call("PUT", "/sync/update-connection-frequency", { body })
    return [answer.status, answer.body.frequency ?? answer.body.error.code]
  }
  expect(await put({ frequency: "every 2 hours" })).toEqual([200, "2 hours"])
  expect((await at.status("things")).frequency).toBe("2 hours")
  expect(await put({ frequency: null })).toEqual([200, "every hour"])
  expect(await put({ frequency: "1h", connection_id: "nobody" })).toEqual([400, "unknown_connection"])
  expect(await put({ frequency: "1h", sync_name: "no-such" })).toEqual([400, "unknown_sync"])
  expect(await put({ frequency: "10s" })).toEqual([400, "invalid_body"])
  expect(await put({ frequency: 5 })).toEqual([400, "invalid_body"])
})

test("0.40: listRecords sends `delta` as modified_after", async () => {
  const nango = client040(world.sluice)
  const at = await stageThings([{ id: "a" }])
  await at.run("things")
  const config = { providerConfigKey: at.key, connectionId: at.id, model: "Thing" }
  const later = new Date(Date.now() + 60_000).toISOString()
  expect((await nango.listRecords({ ...config })).records).toHaveLength(1)
  expect((await nango.listRecords({ ...config, delta: later })).records).toEqual([])
})
