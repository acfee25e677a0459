import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { answered, client, expectRefused, refused } from "./clients.ts"
import { mirrorMetadata } from "./functions.ts"
import { importConnection, mint, stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
beforeAll(async () => void (world = await startWithFake()))
afterAll(() => world[Symbol.asyncDispose]())

const oauth = { type: "OAUTH2", client_id: "id", client_secret: "secret", scopes: "repo,read:user" } as const

test("createIntegration, getIntegration and listIntegrations", async () => {
  const nango = client(world.sluice)
  const key = mint("github app")
  const { data } = await nango.createIntegration({ provider: "github", unique_key: key, credentials: oauth })
  expect(data).toEqual({
    unique_key: key,
    provider: "github",
    display_name: "GitHub",
    logo: expect.stringMatching(/^http:\/\/.*\/images\/template-logos\/github\.svg$/),
    forward_webhooks: true,
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    updated_at: expect.any(String),
  } as never)
  const plain = mint("fake")
  await nango.createIntegration({
    provider: "fake",
    unique_key: plain,
    display_name: "Mine",
    forward_webhooks: false,
  })
  expect((await nango.getIntegration({ uniqueKey: plain })).data).toMatchObject({
    display_name: "Mine",
    forward_webhooks: false,
  })
  expect((await nango.getIntegration({ uniqueKey: key }, { include: ["credentials"] })).data.credentials).toEqual({
    ...oauth,
    webhook_secret: null,
  } as never)
  expect((await nango.getIntegration({ uniqueKey: plain }, { include: ["credentials"] })).data.credentials).toBeNull()
  const { configs } = await nango.listIntegrations()
  expect(configs.map((one) => one.unique_key)).toEqual([plain, key])
  expect(JSON.stringify(configs)).not.toContain("secret")
})

test("include takes one name, several, and refuses others", async () => {
  const key = mint("fake")
  await world.sluice.call("POST", "/integrations", { body: { provider: "fake", unique_key: key } })
  const both = await world.sluice.call("GET", `/integrations/${key}?include=webhook&include=credentials`)
  expect(both.body.data).toMatchObject({ webhook_url: null, credentials: null })
  const other = await world.sluice.call("GET", `/integrations/${key}?include=secrets`)
  expect([other.status, other.body.error.code]).toEqual([400, "invalid_query_params"])
})

test("createIntegration refuses what it cannot make, in the documented order", async () => {
  const nango = client(world.sluice)
  const key = mint("never")
  const create = async (body: object) =>
    (await refused(nango.createIntegration({ unique_key: key, ...body } as never))).data.error
  expect(await create({ provider: "no-such" })).toEqual({
    code: "invalid_body",
    errors: [{ code: "invalid_string", message: "Invalid provider", path: ["provider"] }],
  })
  expect(await create({ provider: "fake", credentials: oauth })).toEqual({
    code: "invalid_body",
    message: "incompatible credentials auth type and provider auth",
  })
  expect(await create({ provider: "github" })).toEqual({ code: "invalid_body", message: "Missing credentials" })
  await expectRefused(nango.getIntegration({ uniqueKey: key }), 404, "not_found")
  await nango.createIntegration({ provider: "fake", unique_key: key })
  expect(await create({ provider: "fake" })).toEqual({
    code: "invalid_body",
    errors: [{ code: "invalid_string", message: "Unique key already exists", path: ["uniqueKey"] }],
  })
})

test("updateIntegration changes what it names", async () => {
  const nango = client(world.sluice)
  const key = mint("github")
  await nango.createIntegration({
    provider: "github",
    unique_key: key,
    credentials: { ...oauth, webhook_secret: "hook" },
  })
  const { data } = await nango.updateIntegration({ uniqueKey: key }, { display_name: "Renamed" })
  expect(data).toMatchObject({ unique_key: key, display_name: "Renamed" })
  const credentials = async () =>
    (await nango.getIntegration({ uniqueKey: key }, { include: ["credentials"] })).data.credentials
  await nango.updateIntegration({ uniqueKey: key }, { credentials: { ...oauth, client_secret: "second" } })
  expect(await credentials()).toMatchObject({ client_secret: "second", webhook_secret: "hook" })
  await nango.updateIntegration({ uniqueKey: key }, { credentials: { ...oauth, webhook_secret: "" } })
  expect(await credentials()).toMatchObject({ client_secret: "secret", webhook_secret: null })
  const renamed = mint("github")
  await nango.updateIntegration({ uniqueKey: key }, { unique_key: renamed })
  await expectRefused(nango.getIntegration({ uniqueKey: key }), 404, "not_found")
  expect((await nango.getIntegration({ uniqueKey: renamed })).data.display_name).toBe("Renamed")
})

test("updateIntegration refuses a taken key, a rename in use, other credentials and unknown members", async () => {
  const nango = client(world.sluice)
  const [one, two] = [mint("fake"), mint("fake")]
  for (const unique_key of [one, two]) await nango.createIntegration({ provider: "fake", unique_key })
  const update = async (body: object) => {
    const { status, data } = await refused(nango.updateIntegration({ uniqueKey: one }, body))
    return [status, data.error.code, data.error.message]
  }
  expect(await update({ unique_key: two })).toEqual([
    400,
    "invalid_body",
    "uniqueKey is already used by another integration",
  ])
  expect(await update({ credentials: oauth })).toEqual([
    400,
    "invalid_body",
    "incompatible credentials auth type and provider auth",
  ])
  expect((await update({ nonsense: 1 })).slice(0, 2)).toEqual([400, "invalid_body"])
  await importConnection(world.sluice, one)
  expect(await update({ unique_key: mint("fake") })).toEqual([
    400,
    "invalid_body",
    "Can't rename an integration with active connections",
  ])
  await expectRefused(nango.updateIntegration({ uniqueKey: "no-such" }, { display_name: "x" }), 404, "not_found")
})

test("deleteIntegration takes its connections, functions and syncs along", async () => {
  const nango = client(world.sluice)
  const at = await stage(world.sluice, { "syncs/things.ts": mirrorMetadata })
  expect(await answered(nango.deleteIntegration(at.key))).toEqual([200, { success: true }])
  const unknown = await refused(nango.deleteIntegration(at.key))
  expect([unknown.status, unknown.error]).toEqual([404, { code: "not_found", message: "Integration does not exist" }])
  const gone = await refused(nango.getIntegration({ uniqueKey: at.key }))
  expect(gone.error).toEqual({ code: "not_found", message: `Integration "${at.key}" does not exist` })
  expect((await nango.listConnections({ connectionId: at.id })).connections).toEqual([])
  // The key is free again, and nothing of the old integration comes back.
  await nango.createIntegration({ provider: "fake", unique_key: at.key })
  await importConnection(world.sluice, at.key, { connection_id: at.id })
  expect((await nango.syncStatus(at.key, "*", at.id)).syncs).toEqual([])
})
