import { describe, expect, test } from "bun:test"
import { identifyFetch, identifyRequest } from "../../src/fixtures/identity.ts"
import { explainMiss, findExchanges } from "../../src/fixtures/match.ts"
import { Fixture } from "../../src/fixtures/model.ts"
import { ProxySend } from "../../src/runner/calls.ts"
import { encodeBody } from "../../src/runner/guest/bodies.ts"

type Call = { endpoint?: string; method?: string; params?: unknown; headers?: Record<string, string>; data?: unknown }
type Row = [name: string, call: Call, recorded: unknown, fits: boolean]

/** The call as it leaves a function. */
async function sent({ endpoint = "/a", method = "GET", params, headers = {}, data }: Call) {
  const body = method === "GET" ? { kind: "none" as const } : await encodeBody(data, headers["content-type"])
  const input = ProxySend.parse({
    endpoint,
    method,
    params,
    headers: {
      accept: "application/json",
      "content-type": "contentType" in body ? (body.contentType ?? "undefined") : "undefined",
      ...headers,
    },
    data: { kind: body.kind, boundary: "boundary" in body ? body.boundary : undefined },
    retries: 3,
  })
  return identifyRequest(input, "body" in body ? body.body : undefined)
}

const sha1 = (text: string) => new Bun.CryptoHasher("sha1").update(text).digest("hex")
const get = (...entries: object[]) => ({ get: { "/a": entries.length === 1 ? entries[0] : entries } })
const post = (entry: object) => ({ post: { "/a": entry } })
const long = { text: "x".repeat(2000) }
const form = { "content-type": "application/x-www-form-urlencoded" }

const rows: Row[] = [
  ["same path, alone, nothing said about the request", {}, get({ response: 1 }), true],
  ["the same with parameters in the call", { params: { p: "1" } }, get({ response: 1 }), false],
  ["nothing said, but not alone", {}, get({ response: 1 }, { response: 2 }), false],
  ["another path", { endpoint: "/b" }, get({ response: 1 }), false],
  ["another method", { method: "DELETE" }, get({ response: 1 }), false],
  ["endpoint without a leading slash", { endpoint: "a" }, get({ request: {} }), true],
  ["endpoint with several slashes", { endpoint: "//a" }, get({ request: {} }), true],
  ["full URL, any host", { endpoint: "https://api.example.com/a" }, get({ request: {} }), true],
  ["percent-encoding of the path", { endpoint: "/x y/ü" }, { get: { "/x%20y/%C3%BC": { request: {} } } }, true],
  ["path as it was written", { endpoint: "/x%20y" }, { get: { "/x y": { request: {} } } }, true],
  [
    "parameters, whatever their order",
    { params: { b: "2", a: "1" } },
    get({ request: { params: { a: "1", b: 2 } } }),
    true,
  ],
  ["parameters in the endpoint", { endpoint: "/a?x=1" }, get({ request: { params: { x: "1" } } }), true],
  [
    "parameters replace those of the endpoint",
    { endpoint: "/a?x=1", params: { x: "2" } },
    get({ request: { params: { x: 2 } } }),
    true,
  ],
  ["parameters as text", { params: "x=1&y=2" }, get({ request: { params: { x: 1, y: "2" } } }), true],
  ["a list, joined by commas", { params: { ids: "1,2" } }, get({ request: { params: { ids: [1, 2] } } }), true],
  ["one parameter more", { params: { a: "1", b: "2" } }, get({ request: { params: { a: "1" } } }), false],
  ["one parameter less", { params: { a: "1" } }, get({ request: { params: { a: "1", b: "2" } } }), false],
  ["another value", { params: { a: "1" } }, get({ request: { params: { a: "2" } } }), false],
  [
    "a header that the function sets",
    { headers: { Revision: "2024" } },
    get({ request: { headers: { revision: "2024" } } }),
    true,
  ],
  [
    "another value of it",
    { headers: { revision: "2023" } },
    get({ request: { headers: { revision: "2024" } } }),
    false,
  ],
  ["a header that was not recorded", { headers: { revision: "2024" } }, get({ request: {} }), false],
  [
    "headers that say nothing",
    { headers: { authorization: "x", "user-agent": "y" } },
    get({ request: { headers: { "Nango-Is-Sync": "true", Retries: "3", "Accept-Encoding": "gzip" } } }),
    true,
  ],
  [
    "default content types",
    { method: "POST", data: { a: 1 } },
    post({ request: { headers: { "content-type": "application/json; charset=utf-8" }, data: { a: 1 } } }),
    true,
  ],
  [
    "another content type",
    { method: "POST", headers: { "content-type": "text/xml" }, data: "<a/>" },
    post({ request: { data: "<a/>" } }),
    false,
  ],
  [
    "the same one",
    { method: "POST", headers: { "content-type": "text/xml" }, data: "<a/>" },
    post({ request: { headers: { "Content-Type": "text/xml" }, data: "<a/>" } }),
    true,
  ],
  [
    "a body, whatever the order of keys",
    { method: "POST", data: { b: 2, a: 1 } },
    post({ request: { data: { a: 1, b: 2 } } }),
    true,
  ],
  ["another body", { method: "POST", data: { a: 1 } }, post({ request: { data: { a: 2 } } }), false],
  ["a body that was not recorded is not compared", { method: "POST", data: { a: 1 } }, post({ request: {} }), true],
  ["a body recorded as JSON text", { method: "POST", data: { a: 1 } }, post({ request: { data: '{"a":1}' } }), true],
  [
    "a long body by its digest",
    { method: "POST", data: long },
    post({ request: { data: `sha1:${sha1(JSON.stringify(long))}` } }),
    true,
  ],
  ["another digest", { method: "POST", data: long }, post({ request: { data: `sha1:${sha1("x")}` } }), false],
  [
    "bytes as base64",
    { method: "POST", data: Buffer.from("hello") },
    post({ request: { data: Buffer.from("hello").toString("base64") } }),
    true,
  ],
  ["a form as text", { method: "POST", headers: form, data: "a=1&b=2" }, post({ request: { data: "a=1&b=2" } }), true],
  [
    "a form as an object",
    { method: "POST", headers: form, data: { a: 1, b: "x y" } },
    post({ request: { data: { b: "x y", a: 1 } } }),
    true,
  ],
  ["null as a body", { method: "POST", data: null }, post({ request: { data: null } }), true],
  ["no body where one was recorded", { method: "POST" }, post({ request: { data: { a: 1 } } }), false],
  [
    "hash of the identity as pairs",
    { params: { b: "2", a: "1" } },
    get({
      hash: sha1(
        JSON.stringify({
          method: "get",
          endpoint: "a",
          params: [
            ["a", "1"],
            ["b", "2"],
          ],
          headers: [],
        }),
      ),
    }),
    true,
  ],
  [
    "hash of the identity as objects",
    { params: { a: "1" } },
    get({ hash: sha1(JSON.stringify({ method: "get", endpoint: "a", params: { a: "1" }, headers: {} })) }),
    true,
  ],
  [
    "hash with a body",
    { method: "POST", data: { a: 1 } },
    post({ hash: sha1(JSON.stringify({ method: "post", endpoint: "a", params: [], headers: [], data: '{"a":1}' })) }),
    true,
  ],
  ["another hash", { params: { a: "1" } }, get({ hash: sha1("x") }), false],
  [
    "another hash, but the right request",
    { params: { a: "1" } },
    get({ hash: "x", request: { params: { a: 1 } } }),
    true,
  ],
]

describe("which recorded answer fits a request", () => {
  test.each(rows)("%s", async (_, call, api, fits) => {
    const fixture = Fixture.parse({ api })
    expect(findExchanges(fixture, await sent(call)).length > 0).toBe(fits)
  })

  test("the first of several that fit", async () => {
    const entries = [
      { response: "other", request: { params: { a: "2" } } },
      { response: "first", request: { params: { a: "1" } } },
      { response: "second", request: { params: { a: "1" } } },
    ]
    const found = findExchanges(Fixture.parse({ api: get(...entries) }), await sent({ params: { a: "1" } }))
    expect(found.map(({ response }) => response)).toEqual(["first", "second"])
  })

  test("uncontrolledFetch goes by path and query of its URL", () => {
    const call = { url: "https://other.example.com/a?x=1", method: "GET", headers: {} }
    const fixture = Fixture.parse({ api: get({ request: { params: { x: "1" } } }) })
    expect(findExchanges(fixture, identifyFetch(call, undefined))).toHaveLength(1)
  })

  test("a miss says what is recorded instead", async () => {
    const fixture = Fixture.parse({
      api: { get: { "/a": { request: { params: { page: "1" } } } }, post: { "/a": { request: { data: { a: 1 } } } } },
    })
    expect(explainMiss(fixture, await sent({ params: { page: "2" } }))).toBe("GET /a?page=2 (recorded: ?page=1)")
    expect(explainMiss(fixture, await sent({ endpoint: "/b" }))).toBe("GET /b (nothing is recorded for this path)")
    expect(explainMiss(fixture, await sent({ method: "POST", data: { a: 2 } }))).toBe(
      'POST /a (recorded: body {"a":1} instead of {"a":2})',
    )
  })
})
