import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createKey } from "../../src/environments/keys.ts"
import { endpoints } from "../../src/http/api.ts"
import type { Endpoint } from "../../src/http/endpoint.ts"
import { testApp, type TestApp } from "../helpers/app.ts"

let t: TestApp
let powerless: string
beforeAll(async () => {
  t = await testApp()
  powerless = await keyWith([])
})
afterAll(() => t.close())

async function keyWith(scopes: string[], of = t): Promise<string> {
  const made = await createKey(of.app, { environment: of.ctx.environment, displayName: "test", scopes })
  return made.secretKey
}
const routes = endpoints.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const)
const closed = routes.filter(([, endpoint]) => endpoint.access === "key")
const scopesOf = (endpoint: Endpoint): string[] => (endpoint.access === "key" ? [endpoint.scope].flat() : [])
const concrete = (path: string) => path.replace(/:\w+/g, "x")
/** As the wire format lists them. */
const jsonOnly =
  "oauth api-auth auth providers environments integrations connection connections environment-variables environment sync cli records mcp scripts functions action connect v1".split(
    " ",
  )
/** Routes that turn everybody away, whatever they hold. */
const isShut = (endpoint: Endpoint) => "guard" in endpoint && endpoint.path.endsWith("/result")
const guarded = closed.filter(([, { path }]) => jsonOnly.includes(path.split("/")[1] ?? ""))

describe("the order of the checks", () => {
  test.each(guarded)("%s: the content type comes before anything else", async (_, { method, path }) => {
    const headers = { "content-type": "text/plain" }
    const body = method === "GET" ? undefined : "{broken"
    const answer = await t.request(method, `${concrete(path)}?nope=1`, { key: null, headers, body })
    expect(answer.status).toBe(415)
    expect(answer.body).toEqual({
      error: { code: "invalid_content_type", message: "Content-Type header must be application/json" },
    })
  })

  test.each(["/oauth/callback", "/OAuth/Callback/", "/oauth/client-metadata/x/y"])(
    "%s is asked by those whose content type is not ours to choose",
    async (path) => {
      const answer = await t.request("GET", path, { key: null, headers: { "content-type": "text/plain" } })
      expect(answer.status).not.toBe(415)
    },
  )

  // Of a raw body nobody knows a syntax before the verb does.
  test.each(closed.filter(([, endpoint]) => endpoint.method !== "GET" && !("rawBody" in endpoint)))(
    "%s: the syntax of the body comes before the key",
    async (_, { method, path }) => {
      const answer = await t.request(method, `${concrete(path)}?nope=1`, { key: null, body: "{broken" })
      expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_json"])
      expect(answer.body.error.message).toBeString()
    },
  )

  test.each(closed)("%s: the key comes before the scope and the shapes", async (_, { method, path }) => {
    const at = `${concrete(path)}?nope=1`
    const missing = await t.request(method, at, { key: null })
    expect(missing.status).toBe(401)
    expect(missing.body).toEqual({
      error: {
        code: "missing_auth_header",
        message: "Authentication failed. The request is missing the Authorization header.",
        payload: {},
      },
    })
    const unknown = await t.request(method, at, { key: crypto.randomUUID() })
    expect([unknown.status, unknown.body.error.code]).toEqual([401, "unknown_account"])
  })

  test("only what every key may know asks for no scope", () => {
    const free = closed.filter(([, endpoint]) => scopesOf(endpoint).length === 0).map(([name]) => name)
    const known = [
      "GET /sluice/environment",
      "GET /providers",
      "GET /providers/:provider",
      "GET /providers/:provider/templates",
    ]
    expect(free.filter((name) => !known.includes(name))).toEqual([])
  })

  test.each(closed.filter(([, endpoint]) => scopesOf(endpoint).length > 0 && !isShut(endpoint)))(
    "%s: the scope comes before the shapes, and is named",
    async (_, endpoint) => {
      const scopes = scopesOf(endpoint)
      const answer = await t.request(endpoint.method, `${concrete(endpoint.path)}?nope=1`, { key: powerless })
      expect([answer.status, answer.body.error.code]).toEqual([403, "forbidden"])
      for (const scope of scopes) expect(answer.body.error.message).toContain(scope)
      for (const scope of scopes) {
        const held = scope.startsWith("account:") ? scope : `environment:${scope}`
        const allowed = await t.request(endpoint.method, `${concrete(endpoint.path)}?nope=1`, {
          key: await keyWith([held]),
        })
        expect(allowed.status).not.toBe(403)
      }
    },
  )

  test.each(closed.filter(([, endpoint]) => !endpoint.ignoreQuery && !isShut(endpoint)))(
    "%s: a query that is not known is refused",
    async (_, { method, path }) => {
      const answer = await t.request(method, `${concrete(path)}?nope=1&__proto__=2&constructor[x]=3`)
      expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_query_params"])
      const unknown = answer.body.error.errors.find((issue: any) => issue.code === "unrecognized_keys")
      for (const name of ["nope", "__proto__", "constructor"]) expect(unknown.message).toContain(`"${name}"`)
      expect(answer.body.error.message).toBeUndefined()
    },
  )
})

describe("a key", () => {
  const list = (headers: Record<string, string>) => t.request("GET", "/integrations", { key: null, headers })

  test.each([
    ["with Bearer", (key: string) => `Bearer ${key}`],
    ["with bearer in small letters", (key: string) => `bearer ${key}`],
    ["with spaces", (key: string) => `Bearer    ${key}  `],
    ["bare", (key: string) => key],
    ["after the last Bearer", (key: string) => `Bearer nothing Bearer ${key}`],
  ])("is read %s", async (_, write) => {
    expect((await list({ authorization: write(t.key) })).status).toBe(200)
  })

  test.each([
    ["empty", "Bearer"],
    ["no UUID", "Bearer abc"],
    ["a UUID of another version", "Bearer 00000000-0000-1000-8000-000000000000"],
    ["in capitals", "Bearer 3F2504E0-4F89-41D3-9A0C-0305E82C3301"],
    ["of Basic authentication", "Basic dTpw"],
  ])("that is %s is refused for its form", async (_, authorization) => {
    const { status, body } = await list({ authorization })
    expect([status, body.error.code, body.error.payload]).toEqual([401, "invalid_secret_key_format", {}])
  })

  test("of another environment sees that environment only", async () => {
    const own = { provider: "unauthenticated", unique_key: "only-in-dev" }
    expect((await t.request("POST", "/integrations", { body: own })).status).toBe(200)
    const theirs = await t.request("GET", "/integrations/only-in-dev", { key: t.prodKey })
    const nowhere = await t.request("GET", "/integrations/nowhere", { key: t.prodKey })
    expect(theirs.status).toBe(404)
    expect(theirs.text.replaceAll("only-in-dev", "nowhere")).toBe(nowhere.text)
    expect((await t.request("GET", "/integrations", { key: t.prodKey })).body.data).toEqual([])
  })

  test("that was shown at first start works, and is nowhere in the database", async () => {
    const dev = t.newKeys.find(({ name }) => name === "dev")?.secretKey ?? ""
    expect((await t.request("GET", "/integrations", { key: dev })).status).toBe(200)
    const rows = await t.app.store.select("SELECT * FROM api_keys", [])
    expect(rows.length).toBeGreaterThan(1)
    expect(JSON.stringify(rows)).not.toContain(dev)
  })

  test("may hold wildcards at any level, which reach no further than their prefix", async () => {
    const key = await keyWith(["environment:connections:*", "environment:syncs:read"])
    expect((await t.request("GET", "/connections", { key })).status).toBe(200)
    expect((await t.request("GET", "/sync/status?syncs=*&provider_config_key=no", { key })).status).toBe(200)
    expect((await t.request("GET", "/integrations", { key })).status).toBe(403)
    const body = { syncs: [], provider_config_key: "no" }
    expect((await t.request("POST", "/sync/trigger", { key, body })).status).toBe(403)
  })

  test.each([
    ["environment:connections"],
    ["connections:*"],
    ["*"],
    ["account:*"],
    ["environment:conn*"],
    ["environment"],
  ])("with the scope %s may not list connections", async (scope) => {
    expect((await t.request("GET", "/connections", { key: await keyWith([scope]) })).status).toBe(403)
  })

  test("that misses one of several scopes is told all of them", async () => {
    expect((await t.request("GET", "/integrations", { key: powerless })).body.error.message).toBe(
      "Insufficient scope. Required one of: environment:integrations:list or environment:integrations:list_credentials",
    )
    expect((await t.request("DELETE", "/integrations/x", { key: powerless })).body.error.message).toBe(
      "Insufficient scope. Required: environment:integrations:delete",
    )
  })
})

describe("a content type", () => {
  const send = (type: string, path = "/sync/trigger") =>
    t.request("POST", path, { headers: { "content-type": type }, body: '{"syncs":[],"provider_config_key":"no"}' })

  test.each(["application/json", "application/json; charset=utf-8", "Application/JSON", "application/json;v=1"])(
    "%s is taken",
    async (type) => {
      expect((await send(type)).body.error.code).toBe("unknown_provider_config")
    },
  )

  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/json",
    "json",
  ])("%s is not", async (type) => {
    expect((await send(type)).status).toBe(415)
    expect((await send(type, "/SYNC/Trigger/")).status).toBe(415)
  })

  test("may be absent", async () => {
    const request = new Request("http://localhost:3003/sync/trigger", {
      method: "POST",
      headers: { authorization: `Bearer ${t.key}` },
      body: new TextEncoder().encode('{"syncs":[],"provider_config_key":"no"}'),
    })
    expect(await (await t.send(request)).text()).toContain("unknown_provider_config")
  })

  test("does not matter where no body is looked at", async () => {
    expect((await t.request("GET", "/health", { headers: { "content-type": "text/plain" } })).status).toBe(200)
  })
})

describe("a body", () => {
  const trigger = (body: string) => t.request("POST", "/sync/trigger", { body })

  test.each(["", "   ", "\n"])("%p counts as absent", async (body) => {
    const { status, body: answer } = await trigger(body)
    expect([status, answer.error.code]).toEqual([400, "invalid_body"])
    expect((await t.request("GET", "/integrations", { headers: { "content-type": "application/json" } })).status).toBe(
      200,
    )
  })

  test.each(['"text"', "null", "1", "true", "{", "[1,", "{'a':1}", '{"a":NaN}', "undefined", "\u0000", '{"a":1}x'])(
    "%p is not JSON that a route could take",
    async (body) => {
      const answer = await trigger(body)
      expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_json"])
    },
  )

  test("where none is expected may be empty, and nothing else", async () => {
    const remove = (body: string) => t.request("DELETE", "/integrations/nowhere", { body })
    for (const body of ["", "{}", "[]"]) expect((await remove(body)).status).toBe(404)
    const answer = await remove('{"a":1,"b":2}')
    expect([answer.status, answer.body]).toEqual([
      400,
      {
        error: {
          code: "invalid_body",
          errors: [{ code: "unrecognized_keys", message: 'Unrecognized keys: "a", "b"', path: [] }],
        },
      },
    ])
  })

  test("that is a list where an object is expected is refused by its shape", async () => {
    const answer = await trigger("[]")
    expect([answer.status, answer.body.error.code, answer.body.error.errors[0].code]).toEqual([
      400,
      "invalid_body",
      "invalid_type",
    ])
  })

  test("has issues with paths of texts, also for places in lists", async () => {
    const answer = await trigger('{"syncs":["ok",{"name":"x y"}],"provider_config_key":"a","nope":1}')
    expect(answer.status).toBe(400)
    for (const issue of answer.body.error.errors) {
      expect(Object.keys(issue).toSorted()).toEqual(["code", "message", "path"])
      for (const part of issue.path) expect(part).toBeString()
    }
    expect(answer.body.error.errors.map((issue: any) => issue.path.join("."))).toContain("syncs.1.name")
  })

  test.each([500, 1_001, 100_000, 2_000_000])("nested %p levels deep does no harm", async (levels) => {
    const nested = `{"metadata":${"[".repeat(levels)}${"]".repeat(levels)},"provider_config_key":"a","connection_id":"a"}`
    const answer = await t.request("POST", "/connections/metadata", { body: nested })
    expect(answer.status).toBe(400)
    expect(answer.body.error.code).toBe(levels > 1_000 ? "invalid_json" : "invalid_body")
  })

  test("of many megabytes is read", async () => {
    const filler = "x".repeat(20 * 1024 * 1024)
    const answer = await trigger(JSON.stringify({ syncs: [], provider_config_key: "no", filler }))
    expect(answer.body.error.errors[0].message).toBe('Unrecognized key: "filler"')
  })

  test("cannot bring members that change what others mean", async () => {
    const answer = await trigger('{"syncs":[],"provider_config_key":"no","__proto__":{"admin":true}}')
    expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_body"])
    expect(({} as Record<string, unknown>).admin).toBeUndefined()
  })
})

describe("shapes", () => {
  test("the query is looked at before the body, and only the first group is reported", async () => {
    const path = "/connections/x?provider_config_key=a&nope=1"
    const answer = await t.request("PATCH", path, { body: { wrong: 1 } })
    expect(answer.body.error.code).toBe("invalid_query_params")
    const next = await t.request("PATCH", "/connections/%3C?provider_config_key=a", { body: { wrong: 1 } })
    expect(next.body.error.code).toBe("invalid_body")
    const last = await t.request("PATCH", "/connections/%3C?provider_config_key=a", { body: {} })
    expect(last.body.error.code).toBe("invalid_uri_params")
  })

  test("headers have a code of their own", async () => {
    const answer = await t.request("POST", "/action/trigger", { body: { action_name: "x" } })
    expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_headers"])
    expect(answer.body.error.errors.map((issue: any) => issue.path[0]).toSorted()).toEqual([
      "connection-id",
      "provider-config-key",
    ])
  })

  test.each([
    ["x-max-retries", "-1"],
    ["x-max-retries", "6"],
    ["x-max-retries", "x"],
    ["x-async", "maybe"],
  ])("the header %s: %s is refused", async (name, value) => {
    const headers = { "connection-id": "a", "provider-config-key": "b", [name]: value }
    const answer = await t.request("POST", "/action/trigger", { headers, body: { action_name: "x" } })
    expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_headers"])
  })

  test.each([
    ["refresh_token", "maybe"],
    ["provider_config_key", ""],
    ["provider_config_key", "a/b"],
    ["provider_config_key[x]", "a"],
  ])("the query %s=%s is refused", async (name, value) => {
    const answer = await t.request("GET", `/connections/x?provider_config_key=a&${name}=${value}`)
    expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_query_params"])
  })
})
