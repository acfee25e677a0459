import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { testApp, type TestApp } from "../helpers/app.ts"

let t: TestApp
let made = 0

beforeAll(async () => {
  t = await testApp()
  await t.request("POST", "/integrations", { body: { provider: "unauthenticated", unique_key: "k" } })
})
afterAll(() => t.close())

async function makeConnection(metadata: Record<string, unknown> = {}): Promise<string> {
  const connection_id = `c${++made}`
  const body = { provider_config_key: "k", connection_id, credentials: { type: "NONE" }, metadata }
  expect((await t.request("POST", "/connections", { body })).status).toBe(201)
  return connection_id
}
const metadataOf = async (id: string) =>
  (await t.request("GET", `/connections/${id}?provider_config_key=k`)).body.metadata
const send = (method: "POST" | "PATCH", connection_id: unknown, metadata: unknown, more = {}) =>
  t.request(method, "/connections/metadata", { body: { connection_id, provider_config_key: "k", metadata, ...more } })

describe("metadata", () => {
  test("is replaced as a whole, and the answer is what was sent", async () => {
    const id = await makeConnection({ old: 1 })
    const answer = await send("POST", id, { new: { deep: [1, null] } })
    expect([answer.status, answer.body]).toEqual([
      201,
      { connection_id: id, provider_config_key: "k", metadata: { new: { deep: [1, null] } } },
    ])
    expect(await metadataOf(id)).toEqual({ new: { deep: [1, null] } })
    await send("POST", id, {})
    expect(await metadataOf(id)).toEqual({})
  })

  test("is merged at the top level only; null is a value", async () => {
    const id = await makeConnection({ keep: 1, nested: { a: 1, b: 2 }, gone: "x" })
    const answer = await send("PATCH", id, { nested: { c: 3 }, gone: null })
    expect(answer.status).toBe(200)
    expect(await metadataOf(id)).toEqual({ keep: 1, nested: { c: 3 }, gone: null })
  })

  test("of several connections changes on all, or on none", async () => {
    const [a, b] = [await makeConnection({ n: 1 }), await makeConnection({ n: 2 })]
    expect((await send("PATCH", [a, b, a], { shared: true })).status).toBe(200)
    expect([await metadataOf(a), await metadataOf(b)]).toEqual([
      { n: 1, shared: true },
      { n: 2, shared: true },
    ])
    for (const method of ["POST", "PATCH"] as const) {
      const refused = await send(method, [a, "nowhere", b], { broken: true })
      expect([refused.status, refused.body.error.code]).toEqual([404, "unknown_connection"])
      expect(refused.body.error.message).toContain("nowhere")
      expect(refused.body.error.message).toContain("Nothing was changed")
      expect(await metadataOf(a)).toEqual({ n: 1, shared: true })
      expect(await metadataOf(b)).toEqual({ n: 2, shared: true })
    }
  })

  test("of no connection is no mistake", async () => {
    expect((await send("POST", [], { a: 1 })).status).toBe(201)
  })

  test("of a connection or an integration that is not there", async () => {
    const { status, body } = await send("POST", "nowhere", {})
    expect([status, body.error]).toEqual([
      404,
      {
        code: "unknown_connection",
        message: "Connection with connection id nowhere and provider config key k not found.",
      },
    ])
    const id = await makeConnection()
    expect((await send("POST", id, {}, { provider_config_key: "nowhere" })).status).toBe(404)
    const other = await t.request("POST", "/connections/metadata", {
      key: t.prodKey,
      body: { connection_id: id, provider_config_key: "k", metadata: { stolen: true } },
    })
    expect(other.status).toBe(404)
    expect(await metadataOf(id)).toEqual({})
  })

  test("that two change at the same time keeps both changes", async () => {
    const id = await makeConnection()
    await Promise.all(Array.from({ length: 10 }, (_, n) => send("PATCH", id, { [`k${n}`]: n })))
    expect(Object.keys(await metadataOf(id))).toHaveLength(10)
  })

  test("may have any member names, and they stay what they are", async () => {
    const id = await makeConnection()
    const text = `{"connection_id":"${id}","provider_config_key":"k","metadata":{"constructor":1,"toString":"x","":2,"a.b":{"ü":"\\u0000"}}}`
    expect((await t.request("POST", "/connections/metadata", { body: text })).status).toBe(201)
    expect(await metadataOf(id)).toEqual({ constructor: 1, toString: "x", "": 2, "a.b": { ü: "\u0000" } } as never)
    expect(({} as Record<string, unknown>)["a.b"]).toBeUndefined()
  })

  test.each([
    ["a list", [1]],
    ["a text", "x"],
    ["nothing", null],
    ["missing", undefined],
  ])("that is %s is refused", async (_, metadata) => {
    const id = await makeConnection({ a: 1 })
    expect((await send("POST", id, metadata)).body.error.code).toBe("invalid_body")
    expect((await send("PATCH", id, {}, { nope: 1 })).body.error.code).toBe("invalid_body")
    expect(await metadataOf(id)).toEqual({ a: 1 })
  })

  test("works by the older path, too", async () => {
    const id = await makeConnection()
    const body = { connection_id: id, provider_config_key: "k", metadata: { a: 1 } }
    expect((await t.request("POST", "/connection/metadata", { body })).status).toBe(201)
    expect((await t.request("PATCH", "/connection/metadata", { body: { ...body, metadata: { b: 2 } } })).status).toBe(
      200,
    )
    expect(await metadataOf(id)).toEqual({ a: 1, b: 2 })
  })
})
