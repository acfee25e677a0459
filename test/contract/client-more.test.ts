import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { client, client040, client042, expectRefused, refused } from "./clients.ts"
import { mirrorMetadata } from "./functions.ts"
import { connectionAt, importConnection, mintIntegration, stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
beforeAll(async () => void (world = await startWithFake()))
afterAll(() => world[Symbol.asyncDispose]())

const things = { "syncs/things.ts": mirrorMetadata }

test("patchConnection changes the end user, the tags and where webhooks go", async () => {
  const nango = client(world.sluice)
  const at = await stage(world.sluice, {}, { tags: { plan: "free" } })
  const name = { connectionId: at.id, provider_config_key: at.key }
  const person = { id: "user-1", email: "kim@example.com", display_name: "Kim" }
  expect(await nango.patchConnection(name, { end_user: person })).toEqual({ success: true })
  expect(await nango.getConnection(at.key, at.id)).toMatchObject({
    end_user: { id: "user-1", email: "kim@example.com", display_name: "Kim" },
    tags: { end_user_id: "user-1", end_user_email: "kim@example.com", end_user_display_name: "Kim" },
  })
  await nango.patchConnection(name, { tags: { Plan: "pro" }, webhook_url_override: "https://example.com/hook" })
  expect(await nango.getConnection(at.key, at.id)).toMatchObject({
    tags: { plan: "pro" },
    webhook_url_override: "https://example.com/hook",
  })
  await nango.patchConnection(name, { webhook_url_override: "" })
  expect((await nango.getConnection(at.key, at.id)).webhook_url_override).toBeNull()
  const patch = (more: object, body: object) => nango.patchConnection({ ...name, ...more }, body)
  await expectRefused(patch({ connectionId: "nobody" }, {}), 404, "not_found")
  await expectRefused(patch({ provider_config_key: "no-such" }, {}), 400, "unknown_provider_config")
  await expectRefused(patch({}, { metadata: {} }), 400, "invalid_body")
})

test("waitForConnection finds the connection of an end user on an integration", async () => {
  const nango = client(world.sluice)
  const key = await mintIntegration(world.sluice)
  const made = await importConnection(world.sluice, key, { end_user: { id: "waited-for" } })
  expect(await nango.waitForConnection(key, "waited-for")).toMatchObject({ connection_id: made.connection_id })
  const given = nango.waitForConnection(key, "never-comes", { signal: AbortSignal.abort() })
  expect(await given.catch((error: Error) => error.message)).toBe("Wait for connection was aborted")
  const stranger = client(world.sluice, crypto.randomUUID())
  await expectRefused(stranger.waitForConnection(key, "waited-for"), 401, "unknown_account")
})

test("createConnectSession and createReconnectSession answer a token, a link and an end", async () => {
  const nango = client(world.sluice)
  const at = await stage(world.sluice, {})
  const body = { end_user: { id: "user-1", email: "kim@example.com" }, allowed_integrations: [at.key] }
  const link = `${world.sluice.url.replace("127.0.0.1", "localhost")}/connect/?session_token=`
  const reconnect = { connection_id: at.id, integration_id: at.key }
  for (const { data } of [
    await nango.createConnectSession(body),
    await client042(world.sluice).createConnectSession(body),
    await nango.createReconnectSession(reconnect),
  ]) {
    expect(data.token).toMatch(/^nango_connect_session_[0-9a-f]{64}$/)
    if ("connect_link" in data) expect(data.connect_link).toBe(`${link}${data.token}`)
    expect(Date.parse(data.expires_at)).toBeGreaterThan(Date.now() + 29 * 60_000)
  }
  const wrong = { ...body, allowed_integrations: ["no-such"] }
  await expectRefused(nango.createConnectSession(wrong), 400, "invalid_body")
  await expectRefused(nango.createReconnectSession({ ...reconnect, connection_id: "nobody" }), 400, "invalid_body")
})

test("getConnectionDetails and listConnectionDetails give whole answers, in every generation", async () => {
  const at = await stage(world.sluice, {})
  const older = [client042(world.sluice), client040(world.sluice)]
  const ways = [
    (connectionId: string) =>
      (client(world.sluice) as any).getConnectionDetails({ providerConfigKey: at.key, connectionId }),
    ...older.map((nango) => (id: string) => (nango as any).getConnectionDetails(at.key, id)),
  ]
  for (const details of ways) {
    const { status, data } = await details(at.id)
    expect([status, data.connection_id]).toEqual([200, at.id])
    await expectRefused(details("nobody"), 404, "not_found")
  }
  const old = (await (client040(world.sluice) as any).listConnectionDetails(at.id)) as { status: number; data: any }
  expect([old.status, old.data.connections.length]).toEqual([200, 1])
})

test("pruneRecords empties payloads up to a cursor", async () => {
  const nango = client(world.sluice)
  const rows = ["a", "b", "c"].map((id) => ({ id, text: "long" }))
  const at = await stage(world.sluice, things, { metadata: { rows } })
  await at.run("things")
  const config = { providerConfigKey: at.key, connectionId: at.id, model: "Thing" }
  const { records } = await nango.listRecords(config)
  const untilCursor = records[1]!._nango_metadata.cursor
  expect(await nango.pruneRecords({ ...config, untilCursor, limit: 1 })).toEqual({ count: 1, has_more: true })
  expect(await nango.pruneRecords({ ...config, untilCursor })).toEqual({ count: 1, has_more: false })
  const after = (await nango.listRecords(config)).records as any[]
  expect(after.map(({ id, text, _nango_metadata: meta }) => [id, text, meta.pruned_at !== null])).toEqual([
    ["a", undefined, true],
    ["b", undefined, true],
    ["c", "long", false],
  ])
  await expectRefused(nango.pruneRecords({ ...config, connectionId: "nobody", untilCursor }), 400, "unknown_connection")
  await expectRefused(nango.pruneRecords({ ...config, untilCursor: "no cursor" }), 400, "invalid_body")
})

test("createSyncVariant and deleteSyncVariant", async () => {
  const nango = client(world.sluice)
  const at = await stage(world.sluice, things)
  const variant = { provider_config_key: at.key, connection_id: at.id, name: "things", variant: "second" }
  expect(await nango.createSyncVariant(variant)).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    name: "things",
    variant: "second",
  })
  const { syncs } = await nango.syncStatus(at.key, [{ name: "things", variant: "second" }], at.id)
  expect(syncs).toHaveLength(1)
  await expectRefused(nango.createSyncVariant(variant), 400, "sync_variant_already_exists")
  await expectRefused(nango.createSyncVariant({ ...variant, variant: "Base" }), 400, "invalid_variant")
  await expectRefused(nango.createSyncVariant({ ...variant, name: "no-such" }), 400, "unknown_sync")
  await expectRefused(nango.createSyncVariant({ ...variant, connection_id: "nobody" }), 400, "unknown_connection")
  expect(await nango.deleteSyncVariant(variant)).toEqual({ success: true })
  await expectRefused(nango.deleteSyncVariant(variant), 404, "not_found")
  await expectRefused(nango.deleteSyncVariant({ ...variant, variant: "base" }), 400, "invalid_variant")
  await expectRefused(nango.deleteSyncVariant({ ...variant, connection_id: "nobody" }), 400, "unknown_connection")
})

test("getRawTokenResponse and getEnvironmentVariables refuse", async () => {
  const at = await stage(world.sluice, {})
  await expectRefused(client(world.sluice).getRawTokenResponse(at.key, "nobody"), 404, "not_found")
  const stranger = client(world.sluice, crypto.randomUUID())
  const { status, error } = await refused(stranger.getEnvironmentVariables())
  expect([status, error.code, error.payload]).toEqual([401, "unknown_account", {}])
  await expectRefused(stranger.listIntegrations(), 401, "unknown_account")
  await expectRefused(stranger.listConnections(), 401, "unknown_account")
})

test("flat imports of before 2025", async () => {
  const { sluice } = world
  const [plain, oauth] = [await mintIntegration(sluice), await mintIntegration(sluice, "github")]
  const make = (body: object) => sluice.call("POST", "/connection", { body })
  const keyed = { provider_config_key: plain, connection_id: "flat", api_key: "a-key", metadata: { a: 1 }, more: true }
  const made = await make(keyed)
  expect([made.status, made.body]).toEqual([201, keyed])
  const show = async (key: string, id: string) =>
    (await sluice.call("GET", `/connection/${id}?provider_config_key=${key}&refresh_token=true`)).body
  expect(await show(plain, "flat")).toMatchObject({
    credentials: { type: "API_KEY", apiKey: "a-key" },
    metadata: { a: 1 },
  })
  const token = { provider_config_key: oauth, access_token: "access", refresh_token: "refresh" }
  const unnamed = await make({ ...token, expires_in: 3600, raw: { scope: "repo" }, oauth_client_id_override: "own" })
  expect(unnamed.status).toBe(201)
  const { credentials } = await show(oauth, unnamed.body.connection_id)
  expect(credentials).toMatchObject({
    type: "OAUTH2",
    access_token: "access",
    refresh_token: "refresh",
    raw: { scope: "repo" },
    config_override: { client_id: "own" },
  })
  expect(Date.parse(credentials.expires_at) - Date.now()).toBeGreaterThan(3_500_000)
  const dated = await make({ ...token, connection_id: "dated", expires_at: "2030-01-01T00:00:00Z" })
  expect(dated.status).toBe(201)
  expect((await show(oauth, "dated")).credentials.expires_at).toBe("2030-01-01T00:00:00.000Z")
  expect((await make({ ...token, no_expiration: true })).status).toBe(201)

  const refusals: [object, number, string][] = [
    [{ api_key: "x" }, 400, "missing_provider_config"],
    [{ provider_config_key: "no-such", api_key: "x" }, 400, "unknown_provider_config"],
    [{ provider_config_key: plain }, 400, "missing_api_key"],
    [{ provider_config_key: oauth }, 400, "missing_access_token"],
    [token, 400, "missing_expires_at"],
    [{ ...token, expires_at: "soon" }, 400, "invalid_expires_at"],
    [{ ...token, expires_in: "soon" }, 400, "invalid_expires_at"],
    [{ ...keyed, connection_id: "a<b>" }, 400, "invalid_body"],
    [{ ...keyed, metadata: "text" }, 400, "invalid_body"],
    [{ ...keyed, api_key: "x".repeat(2_000) }, 400, "invalid_body"],
  ]
  for (const [body, status, code] of refusals) {
    const answer = await make(body)
    expect([body, answer.status, answer.body.error.code]).toEqual([body, status, code])
    if (status === 400 && code !== "invalid_body") expect(answer.body.error.payload).toEqual({})
  }
})

test("metadata of one connection, as the body itself", async () => {
  const { sluice } = world
  const at = await stage(sluice, {})
  const path = `/connection/${at.id}/metadata`
  const header = { "provider-config-key": at.key }
  const set = await sluice.call("POST", `${path}?provider_config_key=${at.key}`, { body: { a: { x: 1 }, b: 2 } })
  expect([set.status, set.body]).toEqual([201, { a: { x: 1 }, b: 2 }])
  const merged = await sluice.call("PATCH", path, { headers: header, body: { a: null } })
  expect([merged.status, merged.body]).toEqual([200, { a: null }])
  expect(await client(sluice).getMetadata(at.key, at.id)).toEqual({ a: null, b: 2 })
  const unknown = await sluice.call("POST", "/connection/nobody/metadata", { headers: header, body: {} })
  expect([unknown.status, unknown.body.error.code, unknown.body.error.payload]).toEqual([404, "unknown_connection", {}])
  const unnamed = await sluice.call("PATCH", path, { body: {} })
  expect([unnamed.status, unnamed.body.error.code]).toEqual([400, "missing_provider_config"])
})

test("the singular paths take PATCH and DELETE as well", async () => {
  const at = await stage(world.sluice, {})
  const path = `/connection/${at.id}?provider_config_key=${at.key}`
  expect((await world.sluice.call("PATCH", path, { body: { tags: { a: "b" } } })).body).toEqual({ success: true })
  expect((await world.sluice.call("GET", path)).body.tags).toEqual({ a: "b" })
  expect((await world.sluice.call("DELETE", path)).body).toEqual({ success: true })
})

test("paths that functions declare", async () => {
  const { sluice } = world
  const key = await mintIntegration(sluice)
  await importConnection(sluice, key, { connection_id: "c", metadata: { rows: [{ id: "a" }] } })
  const declared = {
    [`${key}/syncs/things.ts`]: mirrorMetadata.replace(
      "models:",
      `endpoints: [{ method: "GET", path: "/things/all" }],\n  models:`,
    ),
    [`${key}/actions/echo.ts`]: `import { createAction } from "nango"
import * as z from "zod"
export default createAction({
  description: "Echo.", version: "1.0.0", endpoint: { method: "POST", path: "/echo here" },
  input: z.any(), output: z.any(), exec: async (_nango, input) => ({ got: input }),
})`,
  }
  await sluice.call("POST", "/sluice/deploy", { body: { files: declared, mode: "apply", integration: key } })
  const at = connectionAt(sluice, key, "c")
  await at.run("things")
  const send = (method: string, path: string, body?: object) => sluice.call(method, path, { headers: at.headers, body })
  expect((await send("POST", "/v1/echo%20here", { a: 1 })).body).toEqual({ got: { a: 1 } })
  expect((await send("POST", "/V1/echo here/")).body).toEqual({ got: {} })
  const page = await send("GET", "/v1/things/all?limit=1")
  expect(page.body).toEqual({ records: [{ id: "a", _nango_metadata: expect.any(Object) }], next_cursor: null })
  expect((await send("GET", "/v1/things/all?limit=x")).body.error.code).toBe("invalid_query_params")
  expect((await send("GET", "/v1/things/all?model=Thing")).body.error.errors[0].code).toBe("unrecognized_keys")
  expect((await send("POST", "/v1/echo here?a=1", {})).body.error.code).toBe("invalid_query_params")
  const none = await send("PUT", "/v1/things/all", {})
  expect([none.status, none.body]).toEqual([404, { message: "Unknown endpoint 'PUT /things/all'" }])
  const nobody = await sluice.call("GET", "/v1/things/all", { headers: { ...at.headers, "connection-id": "nobody" } })
  expect([nobody.status, nobody.body.error.code]).toEqual([400, "unknown_connection"])
  expect((await sluice.call("GET", "/v1/things/all")).body.error.code).toBe("invalid_headers")
})
