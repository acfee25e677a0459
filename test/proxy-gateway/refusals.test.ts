import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { until } from "../helpers/sluice.ts"
import { codeOf, startWorld, type World } from "./stage.ts"

let world: World
const prodKey = crypto.randomUUID()
beforeAll(async () => void (world = await startWorld({ NANGO_SECRET_KEY_PROD: prodKey })))
afterAll(() => world[Symbol.asyncDispose]())

const call = (path: string, more: Record<string, string> = {}, key?: string) => {
  const { authorization: _, ...named } = world.headers()
  const headers: Record<string, string> = { ...named, ...more }
  return world.sluice.call("GET", `/proxy${path}`, { headers, ...(key === undefined ? {} : { key }) })
}

describe("names", () => {
  test("an integration that does not exist", async () => {
    expect(codeOf(await call("/echo", { "provider-config-key": "nobody" }))).toEqual([404, "unknown_provider_config"])
  })

  test("a connection that does not exist", async () => {
    const answer = await call("/echo", { "connection-id": "nobody" })
    expect([answer.status, answer.body]).toEqual([
      400,
      { error: { code: "server_error", message: "Failed to get connection" } },
    ])
  })
})

test("what another environment has does not exist", async () => {
  const there = await call("/echo", {}, prodKey)
  const nowhere = await call("/echo", { "provider-config-key": "nobody" }, prodKey)
  expect([there.status, there.text]).toEqual([nowhere.status, nowhere.text])
  expect(codeOf(there)).toEqual([404, "unknown_provider_config"])
})

describe("credentials that cannot be renewed", () => {
  const on = { "provider-config-key": "renewed", "connection-id": "expired" }
  beforeAll(async () => {
    const app = { type: "OAUTH2", client_id: "fake-client-id", client_secret: "fake-client-secret" }
    const integration = { provider: "renewed", unique_key: "renewed", credentials: app }
    expect((await world.sluice.call("POST", "/integrations", { body: integration })).status).toBe(200)
    const expired = {
      type: "OAUTH2",
      access_token: "old-access",
      refresh_token: "never-given-out",
      expires_at: "2020-01-01",
    }
    const connection = { provider_config_key: "renewed", connection_id: "expired", credentials: expired }
    const made = await world.sluice.call("POST", "/connections", { body: connection })
    expect(made.status).toBe(201)
  })

  test("the provider is not asked; the first call hears why, the next that it is too early", async () => {
    const first = await call("/echo", on)
    expect(codeOf(first)[1]).toBe("server_error")
    expect(first.status).toBeGreaterThanOrEqual(400)
    expect(first.body.error.message).toStartWith("Failed to get connection credentials: '")
    expect(codeOf(await call("/echo", on))).toEqual([424, "connection_refresh_backoff"])
    expect(world.fake.requests.filter(({ path }) => path === "/echo")).toEqual([])
  })
})

describe("base URL overrides", () => {
  test.each([
    "http://169.254.169.254/latest",
    "http://metadata.google.internal",
    "http://10.0.0.1",
    "http://[::1]:1",
    "http://[::ffff:10.0.0.1]",
    "http://0.0.0.0",
    "http://user:pass@127.0.0.1",
  ])("%s is not allowed", async (url) => {
    expect(codeOf(await call("/x", { "base-url-override": url }))).toEqual([400, "base_url_override_not_allowed"])
  })

  test("nor is this daemon itself", async () => {
    // What the operator opened by name is open; the daemon's own address is opened only by a list that names it.
    const answer = await call("/health", { "base-url-override": `http://localhost:${world.sluice.port}` })
    expect(codeOf(answer)).toEqual([400, "base_url_override_not_allowed"])
  })

  test("another host is asked when it may be", async () => {
    const other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: ({ url }) => new Response(new URL(url).pathname) })
    const answer = await call("/b", { "base-url-override": `http://127.0.0.1:${other.port}/a/` })
    await other.stop(true)
    expect([answer.status, answer.text]).toEqual([200, "/a/b"])
  })

  test("the owner can close the environment to them", async () => {
    const change = (base_url_override: boolean) =>
      world.sluice.call("PATCH", "/sluice/environment", { body: { base_url_override } })
    expect((await change(false)).body.base_url_override).toBe(false)
    const override = { "base-url-override": world.fake.url }
    expect(codeOf(await call("/echo", override))).toEqual([400, "base_url_override_disabled"])
    expect((await call("/echo", { "base-url-override": "" })).status).toBe(200)
    await change(true)
    expect((await call("/echo", override)).status).toBe(200)
  })
})

describe("no answer from the provider", () => {
  test.each([
    ["reset", "/broken?mode=reset", {}, "ECONNRESET"],
    ["nobody listens", "/x", { "base-url-override": "http://127.0.0.1:1" }, "ECONNREFUSED"],
    ["no such name", "/x", { "base-url-override": "http://no-such-host.invalid" }, /^(ENOTFOUND|EAI_AGAIN)$/],
  ] as const)("%s", async (_, path, headers, code) => {
    const answer = await call(path, headers)
    expect(answer.status).toBe(500)
    expect(answer.body).toMatchObject({ status: null, method: "get", message: expect.any(String) })
    expect(answer.body.code).toMatch(code)
    expect(answer.body.error.code).toBe(answer.body.code)
  })
})

test("every call is one operation, without a secret in it", async () => {
  const path = "/echo?api_key=mine-is-secret&page=2"
  expect(
    (await call(path, { "provider-config-key": "in-query", "nango-proxy-x-api-key": "header-secret" })).status,
  ).toBe(200)
  expect((await call("/status/404")).status).toBe(404)
  const [failed, fine] = await until(async () => {
    const { body } = await world.sluice.call("GET", "/sluice/logs?type=proxy&limit=2")
    return body.data[0]?.message === "GET /status/404" && body.data[0].ended_at !== null ? body.data : undefined
  }, "the operations to be stored")
  expect(failed).toMatchObject({ type: "proxy", action: "call", state: "failed", error: { code: "404" } })
  expect(fine).toMatchObject({ state: "success", message: "GET /echo", integration: "in-query", connection: "c1" })
  const { text, body } = await world.sluice.call("GET", `/sluice/logs/${fine.id}`)
  expect(body.data.messages).toHaveLength(1)
  expect(body.data.messages[0]).toMatchObject({ type: "http", level: "info", detail: { response: { code: 200 } } })
  expect(text).toContain("page=2")
  for (const secret of ["fake-key-123", "mine-is-secret", "header-secret"]) expect(text).not.toContain(secret)
})
