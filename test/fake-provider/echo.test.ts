import { afterAll, beforeAll, expect, test } from "bun:test"
import { gunzipSync } from "node:zlib"
import type { FakeProvider } from "../../src/fake-provider/server.ts"
import { startFakeProvider } from "../../src/fake-provider/server.ts"
import { reasonOf } from "./reason.ts"

type Echo = {
  method: string
  path: string
  query: unknown
  headers: Record<string, string>
  body: string
  bodyEncoding: string
}

let fake: FakeProvider
beforeAll(async () => {
  fake = await startFakeProvider({ maxSeen: 5 })
})
afterAll(() => fake.stop())

const get = (path: string, init?: RequestInit) => fetch(fake.url + path, { redirect: "manual", ...init })

test("echo tells method, path, query, headers and body as they came", async () => {
  const headers = { "X-Own": "1", authorization: "Bearer t" }
  const response = await get("/echo/deep/er?a=1&b=2&a=3&c=", { method: "PATCH", headers, body: "naïve" })
  const echo = (await response.json()) as Echo
  expect([echo.method, echo.path, echo.body, echo.bodyEncoding]).toEqual(["PATCH", "/echo/deep/er", "naïve", "utf8"])
  expect(echo.query).toEqual({ a: ["1", "3"], b: "2", c: "" })
  expect(echo.headers).toMatchObject({ "x-own": "1", authorization: "Bearer t" })
  const { headers: seen } = (await (await get("/headers", { headers })).json()) as Echo
  expect(seen).toMatchObject({ "x-own": "1" })
})

test("binary bodies are told as base64", async () => {
  const bytes = new Uint8Array([0, 255, 254, 128])
  const echo = (await (await get("/echo", { method: "POST", body: bytes })).json()) as Echo
  expect([echo.bodyEncoding, echo.body]).toEqual(["base64", Buffer.from(bytes).toString("base64")])
})

test.each([200, 204, 304, 404, 418, 503])("status %i is answered", async (status) => {
  expect((await get(`/status/${status}`)).status).toBe(status)
})

test("bytes have the asked length and are the same each time", async () => {
  const size = 3 * 1024 * 1024 + 17
  const read = async () => Buffer.from(await (await get(`/bytes/${size}`)).arrayBuffer())
  const [one, again] = [await read(), await read()]
  expect(one.byteLength).toBe(size)
  expect(one.equals(again)).toBe(true)
  expect([one.readUInt32BE(0), one.readUInt32BE(64 * 1024)]).toEqual([0, 1])
  expect((await get("/bytes/0")).headers.get("content-length")).toBe("0")
  expect((await get("/bytes/many")).status).toBe(400)
})

test("compressed answers say how they are compressed", async () => {
  const raw = await get("/gzip?size=50000", { decompress: false } as RequestInit)
  expect(raw.headers.get("content-encoding")).toBe("gzip")
  const bytes = new Uint8Array(await raw.arrayBuffer())
  expect(bytes.byteLength).toBeLessThan(1000)
  expect(JSON.parse(gunzipSync(bytes).toString()).text).toHaveLength(50_000)
  for (const encoding of ["gzip", "deflate", "br"]) {
    expect(await (await get(`/gzip?encoding=${encoding}`)).json()).toMatchObject({ compressed: true, encoding })
  }
  expect((await get("/gzip?encoding=constructor")).status).toBe(400)
})

test("redirects go where they are told, with the code that was asked", async () => {
  const one = await get("/redirect?to=/echo&code=307")
  expect([one.status, one.headers.get("location")]).toEqual([307, `${fake.url}/echo`])
  expect((await get("/redirect?to=https://example.com/x")).headers.get("location")).toBe("https://example.com/x")
  fake.clear()
  expect((await get("/redirect/3", { redirect: "follow" })).url).toBe(`${fake.url}/echo`)
  expect(fake.requests.map((seen) => seen.path)).toEqual(["/redirect/3", "/redirect/2", "/redirect/1", "/echo"])
  expect((await get("/redirect?to=nowhere")).status).toBe(400)
})

test("slow waits and then echoes", async () => {
  expect(await (await get("/slow?ms=30")).json()).toMatchObject({ path: "/slow" })
})

test("drip sends its head and first chunk long before the last", async () => {
  const leaving = new AbortController()
  const response = await get("/drip?chunks=2&ms=600000", { signal: leaving.signal })
  const reader = response.body?.getReader()
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("chunk 0\n")
  leaving.abort()
  expect(await (await get("/drip?chunks=3&ms=1")).text()).toBe("chunk 0\nchunk 1\nchunk 2\n")
})

test("sse sends numbered events", async () => {
  const response = await get("/sse?n=2&ms=1")
  expect(response.headers.get("content-type")).toBe("text/event-stream")
  const event = (index: number) => `id: ${index}\nevent: tick\ndata: {"index":${index}}\n\n`
  expect(await response.text()).toBe(event(0) + event(1))
})

test("broken answers are broken in the asked way", async () => {
  expect((await get("/broken?mode=html")).headers.get("content-type")).toBe("text/html")
  const bad = await get("/broken?mode=badjson")
  expect(bad.headers.get("content-type")).toStartWith("application/json")
  expect(await reasonOf(bad.json())).toBeInstanceOf(SyntaxError)
  const short = get("/broken?mode=wronglength").then((response) => response.text())
  expect(await reasonOf(short)).toBeInstanceOf(Error)
  expect((await get("/broken?mode=no")).status).toBe(400)
})

test("what was seen is listed, bounded, and can be cleared", async () => {
  fake.clear()
  for (let index = 0; index < 7; index++) await get(`/status/200?n=${index}&raw=%7e`, { headers: { cookie: "s=1" } })
  const list = (await (await get("/__requests")).json()) as { total: number; requests: typeof fake.requests }
  expect(list.total).toBe(7)
  expect(list.requests).toEqual(fake.requests)
  expect(list.requests.map((seen) => seen.query.n)).toEqual(["2", "3", "4", "5", "6"])
  expect(list.requests[0]).toMatchObject({ method: "GET", url: "/status/200?n=2&raw=%7e", status: 200, bodyBytes: 0 })
  expect(list.requests[0]?.headers.cookie).toBe("s=1")
  expect((await get("/__requests", { method: "DELETE" })).status).toBe(204)
  expect(fake.requests).toEqual([])
})

test("unknown paths are 404 with a reason", async () => {
  const response = await get("/nothing/here")
  expect([response.status, await response.json()]).toEqual([
    404,
    { error: { code: "unknown_path", message: "Nothing is served at GET /nothing/here." } },
  ])
  expect((await get("/__nothing")).status).toBe(404)
})

test("links use the host that the client named", async () => {
  const response = await get("/items?per_page=1", { headers: { host: "provider.test:8080" } })
  expect(response.headers.get("link")).toContain("<http://provider.test:8080/items?per_page=1&page=2>")
})
