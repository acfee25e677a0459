import { afterAll, beforeAll, expect, test } from "bun:test"
import { head, openWire, startWorld, type World } from "./stage.ts"

let world: World
beforeAll(async () => void (world = await startWorld()))
afterAll(() => world[Symbol.asyncDispose]())

/** The URL that the provider saw, byte for byte, when this path was asked for on a raw connection. */
async function seenFor(path: string): Promise<string | undefined> {
  world.fake.clear()
  const wire = await openWire(world.sluice.port)
  wire.write(head(`GET ${path}`, { ...world.headers(), connection: "close" }))
  await wire.closed
  return world.fake.requests[0]?.url
}

test.each([
  ["/proxy/a/b", "/a/b"],
  ["/proxy/a/", "/a/"],
  ["/PROXY/CamelCase/Id", "/CamelCase/Id"],
  ["/Proxy/a", "/a"],
  ["/proxy/", "/"],
  ["/proxy/a%2Fb%2fc", "/a%2Fb%2fc"],
  ["/proxy/a//b///c", "/a//b///c"],
  ["/proxy/a%20b+c", "/a%20b+c"],
  ["/proxy/%E2%82%AC/ü", "/%E2%82%AC/%C3%BC"],
  ["/proxy/a/./b/../c", "/a/c"],
  ["/proxy/a/%2e%2e/b", "/b"],
  ["/proxy/a;v=1,2/$batch(x)/@me/~x", "/a;v=1,2/$batch(x)/@me/~x"],
  ["/proxy/%zz/%", "/%zz/%"],
  ["/proxy/proxy/connections", "/proxy/connections"],
  ["/proxy/a?", "/a"],
  ["/proxy/a?b=1&b=2&c[]=3&d[e]=4", "/a?b=1&b=2&c[]=3&d[e]=4"],
  ["/proxy/a?q=%2B+%20&r=a%26b&&=&x", "/a?q=%2B+%20&r=a%26b&&=&x"],
  ["/proxy/a?u=https://x.example/?y=1&z=ü", "/a?u=https://x.example/?y=1&z=%C3%BC"],
  ["/proxy?b=1", undefined],
  ["/proxy/a#fragment", "/a"],
])("%s", async (path, seen) => {
  expect(await seenFor(path)).toBe(seen)
})

test("a full URL as path is taken for the base when it is the provider's own", async () => {
  expect(await seenFor(`/proxy/${world.fake.url}/items?limit=1`)).toBe("/items?limit=1")
  expect(await seenFor("/proxy/https://elsewhere.example/items")).toBeUndefined()
})

test("a path that leads out of /proxy is another route of ours, not the provider's", async () => {
  expect(await seenFor("/proxy/../integrations")).toBeUndefined()
  expect(await seenFor("/proxy/%2e%2e/integrations")).toBeUndefined()
})

test("a path that only begins like it", async () => {
  expect((await world.sluice.call("GET", "/proxyfoo/echo", { headers: world.headers() })).status).toBe(404)
})

test("no path at all", async () => {
  const answer = await world.sluice.call("GET", "/proxy", { headers: world.headers() })
  expect([answer.status, answer.body.error.code]).toEqual([400, "missing_api_url"])
})

test.each(["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "REPORT", "OPTIONS"])("%s", async (method) => {
  const wire = await openWire(world.sluice.port)
  wire.write(head(`${method} /proxy/echo`, { ...world.headers(), connection: "close", "content-length": "0" }))
  const text = await wire.closed
  expect(text).toStartWith("HTTP/1.1 200 OK")
  expect(JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4)).method).toBe(method)
})

test("HEAD has the head of the answer, with its length, and no body", async () => {
  const wire = await openWire(world.sluice.port)
  wire.write(head("HEAD /proxy/bytes/12345", { ...world.headers(), connection: "close" }))
  const text = await wire.closed
  expect(text).toContain("content-length: 12345")
  expect(text.endsWith("\r\n\r\n")).toBe(true)
  expect(world.fake.requests.at(-1)?.method).toBe("HEAD")
})

test("TRACE is not passed on", async () => {
  const wire = await openWire(world.sluice.port)
  wire.write(head("TRACE /proxy/echo", { ...world.headers(), connection: "close" }))
  expect(await wire.closed).toStartWith("HTTP/1.1 400 ")
})

test("a preflight of a browser is ours to answer", async () => {
  world.fake.clear()
  const headers = { origin: "https://app.example", "access-control-request-method": "POST" }
  const answer = await world.sluice.call("OPTIONS", "/proxy/echo", { headers, key: null })
  expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([204, "*"])
  expect(world.fake.requests).toEqual([])
})
