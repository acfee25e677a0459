import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { client, expectRefused, refused } from "./clients.ts"
import { actionFile, mirrorMetadata } from "./functions.ts"
import { type Connection, importConnection, stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let at: Connection
beforeAll(async () => {
  world = await startWithFake()
  at = await stage(world.sluice, { "syncs/things.ts": mirrorMetadata })
})
afterAll(() => world[Symbol.asyncDispose]())

test("trigger, start and pause: unknown integration 400, unknown connection 404, unknown sync 400", async () => {
  const nango = client(world.sluice)
  for (const verb of ["triggerSync", "startSync", "pauseSync"] as const) {
    await expectRefused(nango[verb]("no-such", ["things"], at.id), 400, "unknown_provider_config")
    await expectRefused(nango[verb](at.key, ["things"], "nobody"), 404, "unknown_connection")
    await expectRefused(nango[verb](at.key, ["no-such"], at.id), 400, "no_syncs_found")
    const { error } = await refused(nango[verb](at.key, ["no-such"]))
    expect(error).toEqual({ code: "no_syncs_found", message: expect.any(String), payload: expect.any(Object) })
  }
})

test("a trigger that names one missing sync is refused", async () => {
  await expectRefused(client(world.sluice).triggerSync(at.key, ["no-such", "things"], at.id), 400, "no_syncs_found")
})

test("syncStatus of an unknown connection", async () => {
  const { status, error } = await refused(client(world.sluice).syncStatus(at.key, "*", "nobody"))
  expect([status, error]).toEqual([400, { code: "invalid_body", message: "Connection not found" }])
})

test("updateSyncConnectionFrequency", async () => {
  const nango = client(world.sluice)
  await expectRefused(
    nango.updateSyncConnectionFrequency(at.key, "things", "nobody", "every hour"),
    400,
    "unknown_connection",
  )
  await expectRefused(
    nango.updateSyncConnectionFrequency("no-such", "things", at.id, "every hour"),
    400,
    "unknown_connection",
  )
  const unknown = await refused(nango.updateSyncConnectionFrequency(at.key, "no-such", at.id, "every hour"))
  expect([unknown.status, unknown.error]).toEqual([400, { code: "unknown_sync" }])
  const short = await refused(nango.updateSyncConnectionFrequency(at.key, "things", at.id, "every 5 seconds"))
  expect([short.status, short.error]).toEqual([400, { code: "invalid_body", message: "Sync interval is invalid" }])
  const bad = await refused(nango.updateSyncConnectionFrequency(at.key, "things", at.id, "now and then"))
  expect([bad.status, bad.error]).toEqual([
    400,
    { code: "invalid_body", errors: [{ code: "invalid_format", message: expect.any(String), path: ["frequency"] }] },
  ])
  expect((await at.status("things")).frequency).toBe("every hour")
})

test("metadata of an unknown connection is 404 and, in a list, changes nothing", async () => {
  const nango = client(world.sluice)
  const other = (await importConnection(world.sluice, at.key, { metadata: { kept: true } })).connection_id
  for (const verb of ["setMetadata", "updateMetadata"] as const) {
    await expectRefused(nango[verb](at.key, "nobody", { a: 1 }), 404, "unknown_connection")
    await expectRefused(nango[verb](at.key, [other, "nobody"], { a: 1 }), 404, "unknown_connection")
    await expectRefused(nango[verb]("no-such", other, { a: 1 }), 404, "unknown_connection")
  }
  expect(await nango.getMetadata(at.key, other)).toEqual({ kept: true })
  expect((await nango.setMetadata(at.key, [], { a: 1 })).status).toBe(201)
})

test("getConnection, getToken and getMetadata", async () => {
  const nango = client(world.sluice)
  for (const verb of ["getConnection", "getToken", "getMetadata"] as const) {
    const unknown = await refused(nango[verb](at.key, "nobody"))
    expect([unknown.status, unknown.error]).toEqual([404, { code: "not_found", message: "Failed to find connection" }])
    await expectRefused(nango[verb]("no-such", at.id), 400, "unknown_provider_config")
  }
})

test("deleteConnection of an unknown connection is 400 without a message", async () => {
  const unknown = await refused(client(world.sluice).deleteConnection(at.key, "nobody"))
  expect([unknown.status, unknown.error]).toEqual([400, { code: "unknown_connection" }])
  await expectRefused(client(world.sluice).deleteConnection("no-such", at.id), 400, "unknown_connection")
})

test("listRecords", async () => {
  const nango = client(world.sluice)
  const config = { providerConfigKey: at.key, connectionId: at.id, model: "Thing" }
  const unknown = await refused(nango.listRecords({ ...config, connectionId: "nobody" }))
  expect([unknown.status, unknown.error]).toEqual([
    400,
    {
      code: "unknown_connection",
      message: "Provided ConnectionId and ProviderConfigKey does not match a valid connection",
    },
  ])
  await expectRefused(nango.listRecords({ ...config, providerConfigKey: "no-such" }), 400, "unknown_connection")
  await expectRefused(nango.listRecords({ ...config, limit: 10_001 }), 400, "invalid_query_params")
  await expectRefused(nango.listRecords({ ...config, model: "lower" }), 400, "invalid_query_params")
  await expectRefused(
    nango.listRecords({ ...config, modifiedAfter: "2020-01-01T00:00:00Z" }),
    400,
    "invalid_query_params",
  )
  const noHeaders = await world.sluice.call("GET", "/records?model=Thing")
  expect([noHeaders.status, noHeaders.body.error.code]).toEqual([400, "invalid_headers"])
})

test("triggerAction: what does not exist", async () => {
  const nango = client(world.sluice)
  await expectRefused(nango.triggerAction(at.key, "nobody", "act"), 400, "unknown_connection")
  await expectRefused(nango.triggerAction("no-such", at.id, "act"), 400, "unknown_connection")
  const unknown = await refused(nango.triggerAction(at.key, at.id, "no-such"))
  expect([unknown.status, unknown.error]).toEqual([404, { code: "not_found", message: "Action not found" }])
  // A sync of that name is no action.
  await expectRefused(nango.triggerAction(at.key, at.id, "things"), 404, "not_found")
})

test("triggerAction: an action that fails", async () => {
  const nango = client(world.sluice)
  const acting = await stage(world.sluice, {
    "actions/refuse.ts": actionFile(`throw new nango.ActionError({ any_key: "any_value" })`),
    "actions/refuse-text.ts": actionFile(`throw new nango.ActionError("no")`),
    "actions/break.ts": actionFile(`throw new TypeError("broken on purpose")`),
    "actions/upstream.ts": actionFile(`return await nango.get({ endpoint: "/status/422" })`),
    "actions/large.ts": actionFile(`return "x".repeat(2 * 1024 * 1024 + 1)`),
    "actions/unreachable.ts": actionFile(
      `return await nango.get({ endpoint: "/a", baseUrlOverride: "http://127.0.0.1:1" })`,
    ),
  })
  const act = (name: string) => refused(nango.triggerAction(acting.key, acting.id, name))

  const refusal = await act("refuse")
  expect(refusal.status).toBe(500)
  expect(refusal.data).toEqual({
    error_type: "action_script_failure",
    payload: { any_key: "any_value" },
    error: {
      code: "action_script_runtime_error",
      message: "The action script failed with a runtime error",
      payload: { any_key: "any_value" },
    },
  })
  expect((await act("refuse-text")).error.payload).toEqual({ message: "no" })

  const broken = await act("break")
  expect([broken.status, broken.error.code]).toEqual([500, "script_internal_error"])
  expect(broken.error.payload).toMatchObject({ name: "TypeError", message: "broken on purpose" })

  const upstream = await act("upstream")
  expect([upstream.status, upstream.error.code]).toEqual([424, "script_http_error"])
  expect(upstream.error).not.toHaveProperty("message")
  expect(upstream.error.upstream).toMatchObject({ status: 422, body: { status: 422, method: "GET" } })
  expect(upstream.error.payload).toEqual({ status: 422, method: "GET" })

  expect(await act("large")).toMatchObject({ status: 400, error: { code: "script_output_too_large" } })
  expect(await act("unreachable")).toMatchObject({ status: 500, error: { code: "script_network_error" } })
})

test("a wrong key, and another environment's key", async () => {
  const prod = /prod +([0-9a-f-]{36})/.exec(world.sluice.output())?.[1] ?? ""
  const wrong = client(world.sluice, crypto.randomUUID())
  await expectRefused(wrong.getConnection(at.key, at.id), 401, "unknown_account")
  await expectRefused(client(world.sluice, "not-a-uuid").listConnections(), 401, "invalid_secret_key_format")
  const other = client(world.sluice, prod)
  expect((await other.listConnections()).connections).toEqual([])
  expect((await other.listIntegrations()).configs).toEqual([])
  // The answers are those for things that do not exist anywhere.
  await expectRefused(other.getConnection(at.key, at.id), 400, "unknown_provider_config")
  await expectRefused(other.triggerSync(at.key, ["things"], at.id), 400, "unknown_provider_config")
  await expectRefused(other.setMetadata(at.key, at.id, {}), 404, "unknown_connection")
  await expectRefused(other.deleteConnection(at.key, at.id), 400, "unknown_connection")
})
