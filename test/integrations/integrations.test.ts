import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createKey } from "../../src/environments/keys.ts"
import { updateIntegration, readCustom, findIntegration } from "../../src/integrations/integrations.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { writeProviders } from "./providers.ts"

let t: TestApp
beforeAll(async () => void (t = await testApp({ config: { providers: writeProviders() } })))
afterAll(() => t.close())

const client = { type: "OAUTH2", client_id: "id-1", client_secret: "secret-hunter22" }
let made = 0
const newKey = () => `key-${++made}`
const create = (body: Record<string, unknown>) => t.request("POST", "/integrations", { body })
const patch = (key: string, body: Record<string, unknown>) => t.request("PATCH", `/integrations/${key}`, { body })
const show = async (key: string) =>
  (await t.request("GET", `/integrations/${key}?include=credentials&include=webhook`)).body.data

async function makeOAuth(more: Record<string, unknown> = {}): Promise<string> {
  const unique_key = newKey()
  const answer = await create({ provider: "plain-oauth", unique_key, credentials: { ...client, ...more } })
  expect(answer.status).toBe(200)
  return unique_key
}

describe("creating", () => {
  test("answers 200 with the public form", async () => {
    const unique_key = newKey()
    const answer = await create({ provider: "private-api-bearer", unique_key, display_name: "Mine" })
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        data: {
          unique_key,
          provider: "private-api-bearer",
          display_name: "Mine",
          logo: "http://localhost:3003/images/template-logos/private-api-bearer.svg",
          forward_webhooks: true,
          created_at: t.clock.now().toISOString(),
          updated_at: t.clock.now().toISOString(),
        },
      },
    ])
  })

  test("takes the provider's own name and scopes where none are given", async () => {
    const unique_key = newKey()
    const plain = await create({ provider: "scoped-oauth", unique_key, credentials: client, forward_webhooks: false })
    expect(plain.body.data).toMatchObject({ display_name: "Scoped", forward_webhooks: false })
    expect((await show(unique_key)).credentials.scopes).toBe("read,write")
    const own = newKey()
    await create({ provider: "scoped-oauth", unique_key: own, credentials: { ...client, scopes: "only:this" } })
    expect((await show(own)).credentials.scopes).toBe("only:this")
  })

  const issue = (message: string, path: string) => ({
    error: { code: "invalid_body", errors: [{ code: "invalid_string", message, path: [path] }] },
  })
  const sentence = (message: string) => ({ error: { code: "invalid_body", message } })

  test("checks in a fixed order", async () => {
    const taken = await makeOAuth()
    const bad = {
      type: "APP",
      app_id: "1",
      app_link: "x",
      private_key: "-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY-----",
    }
    const rows: [Record<string, unknown>, unknown][] = [
      [{ provider: "nope", unique_key: taken, credentials: bad, custom: {} }, issue("Invalid provider", "provider")],
      [
        { provider: "plain-oauth", unique_key: taken, credentials: bad },
        sentence("incompatible credentials auth type and provider auth"),
      ],
      [{ provider: "plain-oauth", unique_key: taken }, sentence("Missing credentials")],
      [
        { provider: "plain-oauth", unique_key: taken, credentials: client },
        issue("Unique key already exists", "uniqueKey"),
      ],
      [
        { provider: "private-api-bearer", unique_key: taken, integration_config: {} },
        issue("Unique key already exists", "uniqueKey"),
      ],
      [
        { provider: "private-api-bearer", unique_key: newKey(), integration_config: { a: "b" } },
        sentence("This provider does not accept integration configuration"),
      ],
      [
        { provider: "configured", unique_key: newKey(), custom: { a: "b" } },
        sentence("This provider uses integration_config; set its values there instead of custom"),
      ],
      [
        { provider: "configured", unique_key: newKey(), integration_config: { nope: "b", constructor: "c" } },
        sentence("Unknown field nope, Unknown field constructor, Base address is required"),
      ],
    ]
    for (const [body, expected] of rows) {
      const answer = await create(body)
      expect([answer.status, answer.body]).toEqual([400, expected])
    }
  })

  test("a required value is asked for only when values are given at all", async () => {
    expect((await create({ provider: "configured", unique_key: newKey() })).status).toBe(200)
    expect(
      (await create({ provider: "configured", unique_key: newKey(), integration_config: { base: "x" } })).status,
    ).toBe(200)
  })

  test.each([
    ["an unknown member", { nope: 1 }],
    ["a bad key", { unique_key: "a/b" }],
    ["an empty name", { display_name: "" }],
    ["a number for a truth", { forward_webhooks: 1 }],
    ["credentials of no known type", { credentials: { type: "NOPE" } }],
    ["credentials with more than they hold", { credentials: { ...client, extra: 1 } }],
    ["credentials without a secret", { credentials: { type: "OAUTH2", client_id: "x" } }],
    ["scopes with spaces", { credentials: { ...client, scopes: "a b" } }],
    ["a private key that is none", { credentials: { type: "APP", app_id: "1", app_link: "x", private_key: "x" } }],
    ["a value that is too long", { integration_config: { a: "x".repeat(8193) } }],
  ])("with %s is refused, and nothing is stored", async (_, more) => {
    const unique_key = newKey()
    const answer = await create({ provider: "plain-oauth", unique_key, ...more })
    expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_body"])
    expect((await t.request("GET", `/integrations/${unique_key}`)).status).toBe(404)
  })

  test("credentials that are none say so", async () => {
    const answer = await create({ provider: "plain-oauth", unique_key: newKey(), credentials: { type: "NOPE" } })
    expect(answer.body.error.errors[0]).toMatchObject({
      message: "invalid credentials object",
      path: ["credentials", "type"],
    })
  })

  test("twice at the same time: one wins, the other is told", async () => {
    const unique_key = newKey()
    const answers = await Promise.all([1, 2, 3].map(() => create({ provider: "unauthenticated", unique_key })))
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([200, 400, 400])
  })
})

describe("reading", () => {
  test("a list is ordered by provider and age, and never has secrets", async () => {
    await using own = await testApp({ config: { providers: writeProviders() } })
    for (const [provider, unique_key] of [
      ["zendesk", "z"],
      ["github", "b"],
      ["github", "a"],
    ]) {
      own.clock.advance(1)
      await own.request("POST", "/integrations", { body: { provider, unique_key, credentials: client } })
    }
    const { body, text } = await own.request("GET", "/integrations")
    expect(body.data.map((one: any) => one.unique_key)).toEqual(["b", "a", "z"])
    for (const secret of ["hunter22", "client_secret", "credentials"]) expect(text).not.toContain(secret)
  })

  test("shows credentials and the webhook address when asked", async () => {
    const key = await makeOAuth({ webhook_secret: "whsec" })
    expect(await show(key)).toMatchObject({
      credentials: { ...client, scopes: null, webhook_secret: "whsec" },
      webhook_url: null,
    })
    const routed = newKey()
    await create({ provider: "unauthenticated", unique_key: `${routed} @x` })
    const { environment } = t.ctx
    expect(await show(`${routed}%20@x`)).toMatchObject({
      credentials: null,
      webhook_url: `http://localhost:3003/webhook/${environment.uuid}/${encodeURIComponent(`${routed} @x`)}`,
    })
  })

  test("leaves credentials out for a key that may not see them", async () => {
    const key = await makeOAuth()
    const { secretKey } = await createKey(t.app, {
      environment: t.ctx.environment,
      displayName: "x",
      scopes: ["environment:integrations:read"],
    })
    const answer = await t.request("GET", `/integrations/${key}?include=credentials`, { key: secretKey })
    expect(answer.status).toBe(200)
    expect(answer.body.data).not.toHaveProperty("credentials")
    expect(answer.text).not.toContain("hunter22")
  })

  test.each(["include=nope", "include=webhook&include=nope", "include[a]=webhook", "nope=1"])(
    "?%s is refused",
    async (query) => {
      expect((await t.request("GET", `/integrations/${await makeOAuth()}?${query}`)).body.error.code).toBe(
        "invalid_query_params",
      )
    },
  )

  test("what is not there is named", async () => {
    const { status, body } = await t.request("GET", "/integrations/nowhere")
    expect([status, body]).toEqual([
      404,
      { error: { code: "not_found", message: 'Integration "nowhere" does not exist' } },
    ])
  })
})

describe("changing", () => {
  test("changes what is named and nothing else", async () => {
    const key = await makeOAuth({ scopes: "a,b", webhook_secret: "whsec" })
    t.clock.advance(1_000)
    const answer = await patch(key, { display_name: "New", forward_webhooks: false })
    expect(answer.body.data).toMatchObject({
      unique_key: key,
      display_name: "New",
      forward_webhooks: false,
      updated_at: t.clock.now().toISOString(),
    })
    expect((await patch(key, {})).body.data).toMatchObject({ display_name: "New", forward_webhooks: false })
    expect((await show(key)).credentials).toMatchObject({ ...client, scopes: "a,b", webhook_secret: "whsec" })
  })

  test("credentials replace id, secret and scopes; the webhook secret goes only when it is given as empty", async () => {
    const key = await makeOAuth({ scopes: "a,b", webhook_secret: "whsec" })
    await patch(key, { credentials: { type: "OAUTH2", client_id: "id-2", client_secret: "s2" } })
    expect((await show(key)).credentials).toEqual({
      type: "OAUTH2",
      client_id: "id-2",
      client_secret: "s2",
      scopes: null,
      webhook_secret: "whsec",
    })
    await patch(key, { credentials: { ...client, webhook_secret: "" } })
    expect((await show(key)).credentials.webhook_secret).toBeNull()
  })

  test("values merge into what is there, also when two change at the same time", async () => {
    const unique_key = newKey()
    await create({ provider: "private-api-bearer", unique_key, custom: { a: "1" } })
    await Promise.all([
      updateIntegration(t.ctx, unique_key, { custom: { b: "2" } }),
      updateIntegration(t.ctx, unique_key, { custom: { c: "3" } }),
    ])
    const row = await findIntegration(t.ctx, unique_key)
    expect(row && readCustom(t.ctx, row)).toEqual({ a: "1", b: "2", c: "3" })
  })

  test("another name is possible while nobody is connected, and not one that is taken", async () => {
    const key = newKey()
    const other = newKey()
    await create({ provider: "private-api-bearer", unique_key: key })
    await create({ provider: "private-api-bearer", unique_key: other })
    expect((await patch(key, { unique_key: other })).body.error.message).toBe(
      "uniqueKey is already used by another integration",
    )
    const renamed = newKey()
    expect((await patch(key, { unique_key: renamed })).body.data.unique_key).toBe(renamed)
    expect((await patch(renamed, { unique_key: renamed })).status).toBe(200)
    const credentials = { type: "API_KEY", apiKey: "some-key" }
    await t.request("POST", "/connections", { body: { provider_config_key: renamed, credentials } })
    const refused = await patch(renamed, { unique_key: newKey(), display_name: "never" })
    expect([refused.status, refused.body.error]).toEqual([
      400,
      { code: "invalid_body", message: "Can't rename an integration with active connections" },
    ])
    expect((await show(renamed)).display_name).not.toBe("never")
  })

  test("credentials of another kind are refused, and the provider cannot change", async () => {
    const key = newKey()
    await create({ provider: "private-api-bearer", unique_key: key })
    expect((await patch(key, { credentials: client })).body.error.message).toBe(
      "incompatible credentials auth type and provider auth",
    )
    expect((await patch(key, { provider: "github" })).body.error.errors[0].message).toContain('"provider"')
    expect((await patch("nowhere", {})).status).toBe(404)
  })
})

describe("deleting", () => {
  test("takes the connections along; the name is free again, and the new one is another", async () => {
    const key = newKey()
    await create({ provider: "private-api-bearer", unique_key: key })
    const credentials = { type: "API_KEY", apiKey: "some-key" }
    await t.request("POST", "/connections", { body: { provider_config_key: key, connection_id: "c", credentials } })
    expect((await t.request("DELETE", `/integrations/${key}`)).body).toEqual({ success: true })
    expect((await t.request("GET", `/connections?integrationId=${key}`)).body.connections).toEqual([])
    const gone = await t.request("DELETE", `/integrations/${key}`)
    expect([gone.status, gone.body]).toEqual([
      404,
      { error: { code: "not_found", message: "Integration does not exist" } },
    ])
    await create({ provider: "private-api-bearer", unique_key: key })
    expect((await t.request("GET", `/connections/c?provider_config_key=${key}`)).status).toBe(404)
  })

  test("while a connection is being made leaves no connection behind", async () => {
    const key = newKey()
    await create({ provider: "private-api-bearer", unique_key: key })
    const credentials = { type: "API_KEY", apiKey: "some-key" }
    const [, ...imports] = await Promise.all([
      t.request("DELETE", `/integrations/${key}`),
      ...[1, 2, 3].map((n) =>
        t.request("POST", "/connections", {
          body: { provider_config_key: key, connection_id: `late-${n}`, credentials },
        }),
      ),
    ])
    for (const one of imports) expect([201, 404]).toContain(one.status)
    const { connections } = (await t.request("GET", "/connections?search=late-")).body
    expect(connections).toEqual([])
  })

  test("what was encrypted is gone from its row", async () => {
    const key = await makeOAuth()
    await t.request("DELETE", `/integrations/${key}`)
    const rows = await t.app.store.select("SELECT credentials, custom FROM integrations WHERE unique_key = ?", [key])
    expect(rows).toEqual([{ credentials: null, custom: null }])
  })
})
