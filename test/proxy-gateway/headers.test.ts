import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createKey } from "../../src/environments/keys.ts"
import { testApp } from "../helpers/app.ts"
import { codeOf, startWorld, type World } from "./stage.ts"

let world: World
beforeAll(async () => void (world = await startWorld()))
afterAll(() => world[Symbol.asyncDispose]())

const call = (headers: Record<string, string>, key?: string | null) =>
  world.sluice.call("GET", "/proxy/echo", { headers, ...(key === undefined ? {} : { key }) })
const named = { "provider-config-key": "fake", "connection-id": "c1" }

describe("who may pass", () => {
  test("without a key", async () => expect(codeOf(await call(named, null))).toEqual([401, "missing_auth_header"]))
  test("with an unknown key", async () =>
    expect(codeOf(await call(named, crypto.randomUUID()))).toEqual([401, "unknown_account"]))

  test("a key without the scope", async () => {
    await using app = await testApp()
    const { environment } = app.ctx
    const few = await createKey(app.ctx, { environment, displayName: "few", scopes: ["environment:records:*"] })
    const answer = await app.request("GET", "/proxy/echo", { headers: named, key: few.secretKey })
    expect(codeOf(answer)).toEqual([403, "forbidden"])
    const enough = await createKey(app.ctx, { environment, displayName: "enough", scopes: ["environment:proxy"] })
    const other = await app.request("GET", "/proxy/echo", { headers: named, key: enough.secretKey })
    expect(codeOf(other)).toEqual([404, "unknown_provider_config"])
  })

  test("a customer's key in the name of a function", async () => {
    await using app = await testApp()
    const { secretKey } = await createKey(app.ctx, { environment: app.ctx.environment, displayName: "full" })
    const headers = { ...named, "nango-is-script": "true" }
    const answer = await app.request("GET", "/proxy/echo", { headers, key: secretKey })
    expect(codeOf(answer)).toEqual([401, "unknown_account"])
  })

  test("the headers are looked at only for who may call", async () =>
    expect(codeOf(await call({}, null))).toEqual([401, "missing_auth_header"]))
})

describe("invalid_headers", () => {
  const wrong: [string, string][] = [
    ["provider-config-key", "a/b"],
    ["provider-config-key", "x".repeat(256)],
    ["connection-id", "a<b>"],
    ["connection-id", "x".repeat(256)],
    ["retries", "-1"],
    ["retries", "1.5"],
    ["retries", "many"],
    ["retries", "1e3"],
    ["base-url-override", "not a url"],
    ["base-url-override", "ftp://host/"],
    ["base-url-override", "//host"],
    ["decompress", "yes"],
    ["decompress", "True"],
    ["retry-on", "4xx"],
    ["retry-on", "404,"],
    ["retry-on", "404, 500"],
    ["forward-headers-on-redirect", "1"],
    ["nango-activity-log-id", "x".repeat(256)],
    ["nango-is-sync", "maybe"],
    ["nango-is-dry-run", "0"],
  ]
  test.each(wrong)("%s: %s", async (name, value) => {
    const answer = await call({ ...named, [name]: value })
    expect(codeOf(answer)).toEqual([400, "invalid_headers"])
    expect(answer.body.error.errors.map((issue: { path: string[] }) => issue.path)).toEqual([[name]])
    expect(answer.body.error.message).toBeUndefined()
  })

  test.each(["provider-config-key", "connection-id"])("%s is missing", async (name) => {
    const { [name as "connection-id"]: _, ...rest } = named
    const answer = await call(rest)
    expect(codeOf(answer)).toEqual([400, "invalid_headers"])
    expect(answer.body.error.errors[0].path).toEqual([name])
  })

  test("all problems are told at once", async () => {
    const answer = await call({ retries: "x", "retry-on": "y" })
    const paths = answer.body.error.errors.map((issue: { path: string[] }) => issue.path[0])
    expect(paths).toEqual(["provider-config-key", "connection-id", "retries", "retry-on"])
  })

  test.each([
    ["base-url-override", ""],
    ["nango-activity-log-id", ""],
    ["nango-is-sync", "false"],
    ["nango-is-dry-run", "true"],
    ["retries", "0"],
    ["decompress", "true"],
    ["retry-on", "404,500"],
    ["forward-headers-on-redirect", "false"],
    ["nango-is-script", "false"],
  ])("%s: %j is fine", async (name, value) => {
    expect((await call({ ...named, [name]: value })).status).toBe(200)
  })

  test("names in any case", async () => {
    const headers = { "PROVIDER-CONFIG-KEY": "fake", "Connection-ID": "c1", "NANGO-proxy-X-One": "1" }
    expect((await call(headers)).body.headers["x-one"]).toBe("1")
  })

  test("the prefix alone names no header", async () => {
    expect((await call({ ...named, "nango-proxy-": "nobody" })).status).toBe(200)
  })
})

describe("what goes to the provider", () => {
  test("only what has the prefix, without it", async () => {
    const seen = await world.echo({
      headers: {
        accept: "text/html",
        "user-agent": "my-browser/1",
        cookie: "session=1",
        "x-own": "1",
        "x-forwarded-for": "1.2.3.4",
        origin: "https://app.example",
        "nango-is-sync": "false",
        "nango-proxy-x-mine": "2",
        "nango-proxy-cookie": "theirs=1",
      },
    })
    const { host, connection, "accept-encoding": _, ...rest } = seen.headers
    expect(rest).toEqual({
      accept: "application/json, text/plain, */*",
      "user-agent": "sluice",
      authorization: "Bearer fake-key-123",
      "x-mine": "2",
      cookie: "theirs=1",
    })
    expect(host).toBe(new URL(world.fake.url).host)
    expect(connection).toBe("keep-alive")
  })

  test("the caller's own win over what the provider's entry says, but for its user agent", async () => {
    const headers = { "nango-proxy-accept": "image/png", "nango-proxy-user-agent": "mine" }
    const agent = await world.echo({ key: "agent", headers })
    expect([agent.headers["accept"], agent.headers["user-agent"]]).toEqual(["image/png", "the-provider-wants-this"])
    const fake = await world.echo({ headers: { ...headers, "nango-proxy-authorization": "Basic abc" } })
    expect([fake.headers["user-agent"], fake.headers["authorization"]]).toEqual(["mine", "Basic abc"])
  })

  test("an empty value takes away what would be injected", async () => {
    const seen = await world.echo({ headers: { "nango-proxy-authorization": "" } })
    expect(seen.headers["authorization"]).toBeUndefined()
  })

  test("headers of the connection cannot be forced", async () => {
    const seen = await world.echo({
      headers: { "nango-proxy-host": "evil.example", "nango-proxy-connection": "close", "nango-proxy-te": "trailers" },
    })
    expect([seen.headers["host"], seen.headers["te"]]).toEqual([new URL(world.fake.url).host, undefined])
  })

  test("the key in the query joins the caller's", async () => {
    const seen = await world.echo({ key: "in-query", path: "/echo?a=1&api_key=mine&b=2" })
    expect(seen.query).toEqual({ a: "1", api_key: "fake-key-123", b: "2" })
  })
})
