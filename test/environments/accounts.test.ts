import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createKey } from "../../src/environments/keys.ts"
import { readSigningKey } from "../../src/environments/environments.ts"
import { testApp, type TestApp } from "../helpers/app.ts"

let t: TestApp
beforeAll(async () => void (t = await testApp()))
afterAll(() => t.close())

let minted = 0
const mint = (prefix: string) => `${prefix}-${++minted}`
const make = (body: object, key?: string) => t.request("POST", "/environments", { body, key })
async function environment(more: object = {}): Promise<{ id: number; uuid: string; name: string }> {
  const made = await make({ name: mint("env"), ...more })
  expect(made.status).toBe(200)
  return made.body.data
}
async function keyWith(scopes: string[]): Promise<string> {
  return (await createKey(t.app, { environment: t.ctx.environment, displayName: mint("k"), scopes })).secretKey
}
const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)

describe("environments", () => {
  test("are made, listed, found by name and deleted", async () => {
    const made = await environment()
    expect(made).toEqual({ id: expect.any(Number), uuid, name: made.name })
    const all = (await t.request("GET", "/environments")).body.data
    expect(all.map(({ name }: any) => name)).toEqual(expect.arrayContaining(["dev", "prod", made.name]))
    const found = await t.request("GET", `/environments?name=${made.name}`)
    expect(found.body).toEqual({ data: [{ ...made, is_production: false }] })
    expect((await t.request("GET", "/environments?name=nowhere")).body).toEqual({ data: [] })
    const gone = await t.request("DELETE", `/environments/${made.id}`)
    expect([gone.status, gone.text]).toEqual([204, ""])
    expect((await t.request("GET", `/environments?name=${made.name}`)).body).toEqual({ data: [] })
    expect((await t.request("DELETE", `/environments/${made.id}`)).status).toBe(404)
    // The name is free again.
    const again = await make({ name: made.name })
    expect(again.body.data.id).not.toBe(made.id)
  })

  test("are deleted by their UUID too, with everything in them", async () => {
    const { id, uuid } = await environment()
    const { secret } = (
      await t.request("POST", "/environment/api-keys", { body: { environment_id: id, display_name: "k" } })
    ).body.data
    const integration = { provider: "private-api-bearer", unique_key: "api" }
    expect((await t.request("POST", "/integrations", { key: secret, body: integration })).status).toBe(200)
    const credentials = { type: "API_KEY", apiKey: "secret-of-a-customer" }
    const connection = { provider_config_key: "api", connection_id: "c", credentials }
    expect((await t.request("POST", "/connections", { key: secret, body: connection })).status).toBe(201)
    expect((await t.request("DELETE", `/environments/${uuid}`)).status).toBe(204)
    const refused = await t.request("GET", "/connections", { key: secret })
    expect([refused.status, refused.body.error.code]).toEqual([401, "unknown_account"])
    const [left] = await t.app.store.select(
      "SELECT count(*) AS n FROM connections WHERE environment_id = ? AND (deleted_at IS NULL OR credentials IS NOT NULL)",
      [id],
    )
    expect(left).toEqual({ n: 0 })
  })

  test("prod stays", async () => {
    const answer = await t.request("DELETE", `/environments/${t.prod.environment.id}`)
    expect([answer.status, answer.body.error.code]).toEqual([400, "cannot_delete_prod_environment"])
  })

  test("for production need a scope of their own", async () => {
    const key = await keyWith(["account:environments:create"])
    const name = mint("live")
    const refused = await make({ name, is_production: true }, key)
    expect([refused.status, refused.body.error.message]).toEqual([
      403,
      "Insufficient scope. Required: account:environments:set_production",
    ])
    expect((await make({ name }, key)).status).toBe(200)
    const made = await environment({ is_production: true })
    const [shown] = (await t.request("GET", `/environments?name=${made.name}`)).body.data
    expect(shown.is_production).toBe(true)
  })

  test.each([
    [{ name: "dev" }, 409, "conflict"],
    [{ name: "prod", is_production: false }, 400, "invalid_is_prod_flag"],
    [{ name: "No Capitals" }, 400, "invalid_body"],
    [{}, 400, "invalid_body"],
    [{ name: "a", more: 1 }, 400, "invalid_body"],
    [{ name: "a", callback_url: "javascript:alert(1)" }, 400, "invalid_body"],
    [{ name: "a", hmac_key: "x".repeat(1001) }, 400, "invalid_body"],
    [{ name: "a", otlp_headers: [{ name: "", value: "v" }] }, 400, "invalid_body"],
  ])("%j is refused", async (body, status, code) => {
    const answer = await make(body)
    expect([answer.status, answer.body.error.code]).toEqual([status, code])
  })

  test.each(["0", "-1", "1e3", "abc", "99999999999999999999", "%00"])("the id %s is no id", async (id) => {
    const answer = await t.request("DELETE", `/environments/${id}`)
    expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_uri_params"])
  })

  test("keep secrets of their settings encrypted", async () => {
    const { id } = await environment({
      hmac_key: "hmac-in-clear",
      otlp_headers: [{ name: "authorization", value: "otlp-in-clear" }],
      callback_url: "https://example.com/callback",
    })
    const [row] = await t.app.store.select<{ settings: string }>("SELECT settings FROM environments WHERE id = ?", [id])
    expect(row?.settings).toContain("https://example.com/callback")
    expect(row?.settings).not.toContain("in-clear")
  })
})

describe("keys", () => {
  test("are made, listed, read and deleted, by number", async () => {
    const { id } = await environment()
    const made = await t.request("POST", "/environment/api-keys", { body: { environment_id: id, display_name: "ci" } })
    expect(made.body).toEqual({
      data: {
        id: expect.any(Number),
        uuid,
        display_name: "ci",
        scopes: ["environment:*"],
        secret: uuid,
        created_at: "2026-03-01T12:00:00.000Z",
      },
    })
    const { secret, id: key_id } = made.body.data
    expect((await t.request("GET", "/integrations", { key: secret })).status).toBe(200)
    const remove = () => t.request("DELETE", "/environment/api-keys", { body: { environment_id: id, key_id } })
    expect((await remove()).body).toEqual({ success: true })
    expect((await t.request("GET", "/integrations", { key: secret })).body.error.code).toBe("unknown_account")
    expect((await remove()).body.error.code).toBe("not_found")
  })

  test("are made, listed, read and deleted, by UUID", async () => {
    const { uuid: env } = await environment()
    const path = `/environments/${env}/api-keys`
    const { secret, ...shown } = (await t.request("POST", path, { body: { display_name: "one" } })).body.data
    await t.request("POST", path, { body: { display_name: "two" } })
    const listed = await t.request("GET", path)
    expect(listed.body.data.map((one: any) => one.display_name)).toEqual(["one", "two"])
    expect(listed.text).not.toContain(secret)
    expect((await t.request("GET", `${path}?display_name=one`)).body.data).toEqual([{ ...shown, last_used_at: null }])
    const one = await t.request("GET", `${path}/${shown.uuid}`)
    expect(one.body.data).toEqual({ ...shown, last_used_at: null })
    expect((await t.request("DELETE", `${path}/${shown.uuid}`)).body).toEqual({ success: true })
    expect((await t.request("GET", `${path}/${shown.uuid}`)).status).toBe(404)
  })

  test("of one environment are not found in another", async () => {
    const [a, b] = [await environment(), await environment()]
    const { uuid: key } = (await t.request("POST", `/environments/${a.uuid}/api-keys`, { body: { display_name: "a" } }))
      .body.data
    for (const method of ["GET", "DELETE"])
      expect((await t.request(method, `/environments/${b.uuid}/api-keys/${key}`)).status).toBe(404)
    expect((await t.request("GET", `/environments/${a.uuid}/api-keys/${key}`)).status).toBe(200)
  })

  test("have a name of their own, and are fifty at most", async () => {
    const { id } = await environment()
    const add = (display_name: string) =>
      t.request("POST", "/environment/api-keys", { body: { environment_id: id, display_name } })
    expect((await add("k0")).status).toBe(200)
    expect((await add("k0")).body.error.code).toBe("conflict")
    for (let index = 1; index < 50; index++) expect((await add(`k${index}`)).status).toBe(200)
    const last = await add("one too many")
    expect([last.status, last.body.error.code]).toEqual([400, "resource_capped"])
    expect(
      (await t.request("POST", "/environment/api-keys", { body: { environment_id: 9999, display_name: "k" } })).status,
    ).toBe(404)
  })

  test("tell when they were used last, without a write for each request", async () => {
    const { uuid: env } = await environment()
    const path = `/environments/${env}/api-keys`
    const { secret, uuid: key } = (await t.request("POST", path, { body: { display_name: "used" } })).body.data
    for (let index = 0; index < 3; index++) await t.request("GET", "/integrations", { key: secret })
    expect((await t.request("GET", `${path}/${key}`)).body.data.last_used_at).toBeNull()
    await t.app.keyTouches.flush()
    expect((await t.request("GET", `${path}/${key}`)).body.data.last_used_at).toBe("2026-03-01T12:00:00.000Z")
  })

  test("of the database may not speak for a running function; those of the configuration may", async () => {
    const headers = { "nango-is-script": "true" }
    const key = await keyWith(["environment:*"])
    const stored = await t.request("GET", "/connections", { key, headers })
    expect([stored.status, stored.body.error.code]).toEqual([401, "unknown_account"])
    expect((await t.request("GET", "/connections", { headers })).status).toBe(200)
    const no = { "nango-is-script": "false" }
    expect((await t.request("GET", "/connections", { key, headers: no })).status).toBe(200)
    for (const path of ["/integrations", "/providers", "/providers/unauthenticated"])
      expect((await t.request("GET", path, { key, headers })).status).toBe(200)
  })
})

test("the key that signs webhooks is replaced", async () => {
  const { id } = await environment()
  const { secret } = (
    await t.request("POST", "/environment/api-keys", { body: { environment_id: id, display_name: "k" } })
  ).body.data
  const rotate = async () =>
    (await t.request("POST", "/environment/webhook-signing-key/rotate", { key: secret })).body.data.webhook_signing_key
  const [first, second] = [await rotate(), await rotate()]
  expect(first).toEqual(uuid)
  expect(second).not.toBe(first)
  const [row] = await t.app.store.select<{ webhook_signing_key: string }>("SELECT * FROM environments WHERE id = ?", [
    id,
  ])
  expect(readSigningKey({ ...t.ctx, environment: row as never })).toBe(second)
})
