import { Database } from "bun:sqlite"
import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { client040, client042, expectRefused, refused } from "./clients.ts"
import { actionFile, mirrorMetadata } from "./functions.ts"
import { importConnection, mint, stage, token } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
beforeAll(async () => void (world = await startWithFake()))
afterAll(() => world[Symbol.asyncDispose]())

const oauth = { oauth_client_id: "client", oauth_client_secret: "client-secret", oauth_scopes: "repo, read:user" }
const clients = () => [
  { nango: client040(world.sluice), version: "0.40" },
  { nango: client042(world.sluice), version: "0.42" },
]
const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

test("createIntegration, getIntegration with and without credentials, updateIntegration, deleteIntegration", async () => {
  for (const { nango } of clients()) {
    const key = mint("github")
    const short = { config: { unique_key: key, provider: "github" } }
    expect(await nango.createIntegration("github", key, oauth)).toEqual(short as never)
    expect(await nango.getIntegration(key)).toEqual({ config: { ...short.config, syncs: [], actions: [] } } as never)
    const whole = (await nango.getIntegration(key, true)) as unknown as { config: Record<string, unknown> }
    expect(whole.config).toEqual({
      ...short.config,
      syncs: [],
      actions: [],
      client_id: "client",
      client_secret: "client-secret",
      scopes: "repo,read:user",
      custom: {},
      app_link: null,
      auth_mode: "OAUTH2",
      created_at: iso,
      has_webhook: expect.any(Boolean),
      webhook_secret: null,
      connections: [],
      connection_count: 0,
      docs: "https://docs.github.com",
      has_webhook_user_defined_secret: expect.any(Boolean),
      webhook_url: whole.config.has_webhook ? expect.any(String) : null,
    })
    const changed = { oauth_client_id: "other", oauth_client_secret: "client-secret" }
    expect(await nango.updateIntegration("github", key, changed)).toEqual(short as never)
    const now = (await nango.getIntegration(key, true)) as unknown as { config: Record<string, unknown> }
    expect(now.config).toMatchObject({ client_id: "other", client_secret: "client-secret" })
    const gone = (await nango.deleteIntegration(key)) as unknown as { status: number; data: unknown }
    expect([gone.status, gone.data]).toEqual([204, ""])
    await expectRefused(Promise.resolve(nango.getIntegration(key)), 400, "unknown_provider_config")
  }
})

test("getIntegration names the functions, and with credentials the connections", async () => {
  const at = await stage(world.sluice, { "syncs/things.ts": mirrorMetadata, "actions/echo.ts": actionFile("return 1") })
  for (const { nango } of clients()) {
    const times = { created_at: iso, updated_at: iso }
    expect(await nango.getIntegration(at.key)).toEqual({
      config: {
        unique_key: at.key,
        provider: "fake",
        syncs: [{ name: "things", description: "A sync of a test.", ...times }],
        actions: [{ name: "echo", description: "An action of a test.", ...times }],
      },
    } as never)
    const { config }: { config: any } = await nango.getIntegration(at.key, true)
    expect(config).toMatchObject({ auth_mode: "API_KEY", client_id: null, connection_count: 1 })
    expect(config.connections[0].connection_id).toBe(at.id)
    expect(JSON.stringify(config)).not.toContain("a-key-of-the-customer")
  }
})

test("listIntegrations", async () => {
  const key = mint("listed")
  await client040(world.sluice).createIntegration("fake", key)
  const old = await client040(world.sluice).listIntegrations()
  expect(old.configs).toContainEqual({ unique_key: key, provider: "fake" })
  expect(old.configs.every((one) => Object.keys(one).length === 2)).toBe(true)
  const newer = await client042(world.sluice).listIntegrations()
  expect(newer.configs.map((one: any) => one.unique_key)).toContain(key)
  const found = await client042(world.sluice).getIntegration({ uniqueKey: key }, { include: ["webhook"] })
  expect(found.data).toMatchObject({ unique_key: key, webhook_url: null })
  await expectRefused(client042(world.sluice).getIntegration({ uniqueKey: "no-such" }), 404, "not_found")
})

test("what cannot be made or changed is refused", async () => {
  for (const { nango, version } of clients()) {
    const key = mint(`never-${version}`)
    const create = (provider: string, credentials?: object) =>
      nango.createIntegration(provider, key, credentials as never)
    await expectRefused(create("no-such"), 400, "unknown_provider_template")
    await expectRefused(create("github"), 400, "missing_client_id")
    await expectRefused(create("github", { oauth_client_id: "a" }), 400, "missing_client_secret")
    await expectRefused(create("github", { ...oauth, oauth_scopes: "a b" }), 400, "invalid_body")
    await expectRefused(create("github", { ...oauth, oauth_client_id: 5 }), 400, "invalid_body")
    await expectRefused(nango.createIntegration("github", "a/b", oauth), 400, "invalid_body")
    await expectRefused(nango.updateIntegration("github", key, oauth), 400, "unknown_provider_config")
    await expectRefused(Promise.resolve(nango.getIntegration(key)), 400, "unknown_provider_config")
    await expectRefused(nango.deleteIntegration(key), 400, "unknown_provider_config")
    await nango.createIntegration("fake", key)
    await expectRefused(create("fake"), 400, "invalid_body")
    await expectRefused(nango.updateIntegration("fake", key, {}), 400, "invalid_auth_mode")
    await expectRefused(nango.updateIntegration("github", key, oauth), 400, "invalid_body")
  }
})

test("0.42: importConnection and createConnection only say that they are gone", () => {
  for (const { nango } of clients()) {
    for (const verb of ["importConnection", "createConnection"] as const)
      expect(() => nango[verb]({} as never)).toThrow("deprecated")
  }
})

test("a key without the scope sees no credentials in the old form either", async () => {
  const { sluice } = world
  const made = await sluice.call("POST", "/environments", { body: { name: mint("env") } })
  const keys = `/environments/${made.body.data.uuid}/api-keys`
  const { secret } = (await sluice.call("POST", keys, { body: { display_name: "k" } })).body.data
  await client040(sluice, secret).createIntegration("github", "app", oauth)
  const db = new Database(`${sluice.dataDir}/sluice.db`)
  db.run("PRAGMA busy_timeout = 5000")
  db.run(`UPDATE api_keys SET scopes = '["environment:integrations:read"]' WHERE display_name = 'k'`)
  db.close()
  const nango = client040(sluice, secret)
  expect(((await nango.getIntegration("app")) as any).config.unique_key).toBe("app")
  const { status, error } = await refused(nango.getIntegration("app", true))
  expect([status, error]).toEqual([
    403,
    { code: "forbidden", message: "Insufficient scope. Required: environment:integrations:read_credentials" },
  ])
})

test("0.40: connections, tokens and metadata", async () => {
  const nango = client040(world.sluice)
  const key = mint("github")
  await nango.createIntegration("github", key, oauth)
  const { connection_id: id } = await importConnection(world.sluice, key, { credentials: token })
  expect(await nango.getConnection(key, id)).toMatchObject({ connection_id: id, provider_config_key: key })
  const shown = await nango.getConnection(key, id, false, true)
  expect(shown.credentials).toMatchObject({ refresh_token: token.refresh_token })
  expect(JSON.stringify(await nango.getConnection(key, id))).not.toContain(token.refresh_token)
  expect(await nango.getToken(key, id)).toBe(token.access_token)
  expect(await nango.getRawTokenResponse<object>(key, id)).toMatchObject({ access_token: token.access_token })
  expect((await nango.listConnections(id)).connections).toMatchObject([{ connection_id: id }])
  expect((await nango.listConnections()).connections.length).toBeGreaterThan(0)
  await nango.setMetadata(key, id, { a: 1, b: { c: 2 } })
  await nango.updateMetadata(key, [id], { b: 3 })
  expect(await nango.getMetadata<object>(key, id)).toEqual({ a: 1, b: 3 })
  await expectRefused(nango.setMetadata(key, "nobody", {}), 404, "unknown_connection")
  await expectRefused(nango.updateMetadata(key, "nobody", {}), 404, "unknown_connection")
  for (const verb of ["getConnection", "getToken", "getRawTokenResponse", "getMetadata"] as const)
    await expectRefused(nango[verb](key, "nobody") as Promise<unknown>, 404, "not_found")
  await nango.deleteConnection(key, id)
  await expectRefused(nango.deleteConnection(key, id), 400, "unknown_connection")
})
