import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { endpoints } from "../../src/http/api.ts"
import { canonicalPath } from "../../src/http/paths.ts"
import { testApp, type TestApp } from "../helpers/app.ts"

let t: TestApp
beforeAll(async () => {
  t = await testApp()
  await t.request("POST", "/integrations", { body: { provider: "private-api-bearer", unique_key: "My Key" } })
  for (const connection_id of ["Metadata", "a/b c", 'x"y\\z|@$']) {
    const credentials = { type: "API_KEY", apiKey: "some-api-key" }
    const body = { provider_config_key: "My Key", connection_id, credentials }
    expect((await t.request("POST", "/connections", { body })).status).toBe(201)
  }
})
afterAll(() => t.close())

const ofKey = "?provider_config_key=My%20Key"

describe("a path", () => {
  test.each(["/health", "/health/", "/HEALTH", "/Health/"])("%s is the same route", async (path) => {
    expect((await t.request("GET", path, { key: null })).body).toEqual({ result: "ok" })
  })

  test.each([
    ["/integrations/My Key", "My Key"],
    ["/integrations/My%20Key", "My Key"],
    ["/Integrations/My%20Key/", "My Key"],
    ["/INTEGRATIONS/%4Dy%20Key", "My Key"],
  ])("%s keeps the case of its parameter", async (path, key) => {
    expect((await t.request("GET", path)).body.data.unique_key).toBe(key)
  })

  test("a parameter in another case is another thing", async () => {
    expect((await t.request("GET", "/integrations/my%20key")).status).toBe(404)
  })

  test.each([
    [`/connections/a%2Fb%20c${ofKey}`, "a/b c"],
    [`/Connections/a%2Fb%20c${ofKey}`, "a/b c"],
    [`/connection/x%22y%5Cz%7C@$${ofKey}`, 'x"y\\z|@$'],
    [`/connections/Metadata${ofKey}`, "Metadata"],
    [`/CONNECTIONS/Metadata${ofKey}`, "Metadata"],
  ])("%s is decoded once", async (path, id) => {
    const { status, body } = await t.request("GET", path)
    expect([status, body.connection_id]).toEqual([200, id])
  })

  test.each([
    "/integrations/My%2520Key",
    "/integrations/%E0%A4%A",
    "/integrations/%FF",
    "/integrations/%00",
    "/integrations/a%0Ab",
  ])("%s is refused, and is no accident", async (path) => {
    const { status, body } = await t.request("GET", path)
    expect([status, body.error.code]).toEqual([400, "invalid_uri_params"])
  })

  test("a fixed segment wins over a parameter, in capitals as well", async () => {
    const body = { provider_config_key: "My Key", connection_id: "Metadata", metadata: { a: 1 } }
    for (const path of ["/connections/metadata", "/Connections/Metadata", "/connection/METADATA/"]) {
      expect((await t.request("POST", path, { body })).status).toBe(201)
      expect((await t.request("PATCH", path, { body })).status).toBe(200)
    }
  })

  test("and not for a method that does not have it: a connection may be called `metadata`", async () => {
    const { status, body } = await t.request("GET", `/connections/metadata${ofKey}`)
    expect([status, body.error.code]).toEqual([404, "not_found"])
  })

  test("a body survives the correction of the case", async () => {
    const answer = await t.request("POST", "/Sync/Trigger", { body: { syncs: [], provider_config_key: "no" } })
    expect([answer.status, answer.body.error.code]).toEqual([400, "unknown_provider_config"])
  })

  test.each([
    "/",
    "/nope",
    "//health",
    "/health//",
    "/health/x",
    "/integrations/a/b/c",
    "/%68ealth",
    "/sync/..%2fhealth",
  ])("%s is nowhere", async (path) => {
    const { status, body, headers } = await t.request("GET", path)
    expect([status, body.error.code]).toEqual([404, "not_found"])
    expect(headers.get("access-control-allow-origin")).toBe("*")
  })

  test.each(["http://x", "http://api", "http://api:3003", "http://[::1]:3003", "http://sluice.example.com"])(
    "is found whatever the host is called: %s",
    async (origin) => {
      const headers = { authorization: `Bearer ${t.key}` }
      for (const path of ["/health", "/integrations", "/INTEGRATIONS/My%20Key", "/integrations/?"]) {
        expect((await t.send(new Request(origin + path, { headers }))).status).toBe(200)
      }
    },
  )

  test("a method that a route does not have is nowhere, too", async () => {
    const { status, body } = await t.request("PUT", "/integrations")
    expect([status, body.error.code]).toEqual([404, "not_found"])
  })

  test("every route finds itself in capitals, and only itself", () => {
    const canonical = canonicalPath(endpoints)
    for (const { method, path } of endpoints) {
      const concrete = path.replace(/:\w+/g, "Some.Value")
      const shouted = path
        .split("/")
        .map((part) => (part.startsWith(":") ? "Some.Value" : part.toUpperCase()))
        .join("/")
      const found = canonical(new Request(`http://x${shouted}`, { method }))
      expect(`${method} ${new URL(found.url).pathname}`).toBe(`${method} ${concrete}`)
    }
  })
})

describe("HEAD and OPTIONS", () => {
  test("HEAD answers like GET, without a body", async () => {
    const answer = await t.request("HEAD", "/integrations")
    expect([answer.status, answer.text]).toEqual([200, ""])
    expect((await t.request("HEAD", "/Integrations", { key: null })).status).toBe(401)
  })

  test("OPTIONS is answered for every path, without a key", async () => {
    for (const path of ["/records", "/nope"]) {
      const { status, headers, text } = await t.request("OPTIONS", path, { key: null })
      expect([status, text]).toEqual([204, ""])
      expect(headers.get("access-control-allow-origin")).toBe("*")
      expect(headers.get("access-control-max-age")).toBe("600")
      expect(headers.get("access-control-allow-methods")).toBe("GET,HEAD,PUT,PATCH,POST,DELETE")
      expect(headers.get("access-control-allow-headers")).toContain("Provider-Config-Key")
    }
  })
})

test("browsers are told to stay with TLS only by a server that has it", async () => {
  const header = async (of: TestApp) => (await of.request("GET", "/nope")).headers.get("strict-transport-security")
  await using secure = await testApp({ config: { serverUrl: "https://sluice.example.com" } })
  expect([await header(t), await header(secure)]).toEqual([null, "max-age=5184000"])
})
