import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { gunzipSync } from "node:zlib"
import { head, openWire, playUpstream, startWorld, type World } from "./stage.ts"

let world: World
beforeAll(async () => void (world = await startWorld({ SLUICE_RATE_LIMIT_PER_MINUTE: "100000" })))
afterAll(() => world[Symbol.asyncDispose]())

/** What a caller gets, byte for byte, when the provider answers so. */
async function whenAnswered(
  answer: string,
  more: Record<string, string> = {},
  line = "GET /proxy/any",
): Promise<string> {
  const upstream = playUpstream(async (conversation) => {
    await conversation.seen("\r\n\r\n")
    conversation.write(answer)
    conversation.end()
  })
  try {
    const wire = await openWire(world.sluice.port)
    wire.write(head(line, { ...world.headers(), connection: "close", "base-url-override": upstream.url, ...more }))
    return await wire.closed
  } finally {
    upstream.stop()
  }
}
const headersOf = (text: string): string[] =>
  text
    .slice(0, text.indexOf("\r\n\r\n"))
    .split("\r\n")
    .slice(1)
    .map((line) => line.toLowerCase())
const bodyOf = (text: string): string => text.slice(text.indexOf("\r\n\r\n") + 4)

describe("status", () => {
  test.each([
    200, 201, 202, 203, 204, 206, 207, 300, 304, 400, 401, 403, 404, 409, 418, 422, 429, 451, 500, 502, 503, 599,
  ])("%d", async (status) => {
    const text = await whenAnswered(`HTTP/1.1 ${status} Whatever\r\ncontent-length: 0\r\n\r\n`)
    expect(text).toStartWith(`HTTP/1.1 ${status} `)
  })

  test("one that HTTP does not have cannot be passed on", async () => {
    const text = await whenAnswered("HTTP/1.1 999 Denied\r\ncontent-length: 2\r\nx-why: bots\r\n\r\nno")
    expect(text).toStartWith("HTTP/1.1 502 ")
    expect([headersOf(text).includes("x-why: bots"), bodyOf(text)]).toEqual([true, "no"])
  })
})

describe("headers", () => {
  test("all but those of the connection, repeated ones too", async () => {
    const text = await whenAnswered(
      [
        "HTTP/1.1 200 OK",
        "Content-Type: application/vnd.own+json; v=1",
        'ETag: W/"1"',
        'Link: <https://api.example/?page=2>; rel="next"',
        "Set-Cookie: a=1; Path=/",
        "Set-Cookie: b=2",
        "X-Request-Id: r1",
        "X-RateLimit-Remaining: 7",
        "Retry-After: 3",
        "Date: Mon, 01 Jan 2024 00:00:00 GMT",
        "Connection: close, X-Hop",
        "X-Hop: gone",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: close",
        "Upgrade: h2c",
        "Content-Length: 2",
        "",
        "{}",
      ].join("\r\n"),
    )
    const headers = headersOf(text)
    for (const kept of [
      "content-type: application/vnd.own+json; v=1",
      'etag: w/"1"',
      'link: <https://api.example/?page=2>; rel="next"',
      "set-cookie: a=1; path=/",
      "set-cookie: b=2",
      "x-request-id: r1",
      "retry-after: 3",
      "date: mon, 01 jan 2024 00:00:00 gmt",
      "content-length: 2",
    ]) {
      expect(headers).toContain(kept)
    }
    expect(headers.filter((line) => /^(keep-alive|proxy-connection|upgrade|x-hop|te|trailer)/.test(line))).toEqual([])
    expect(headers.filter((line) => line.startsWith("date:"))).toHaveLength(1)
  })

  test("the provider's rate limit is not mixed with ours", async () => {
    const theirs = await whenAnswered("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-ratelimit-remaining: 7\r\n\r\n")
    expect(headersOf(theirs).filter((line) => line.startsWith("x-ratelimit"))).toEqual(["x-ratelimit-remaining: 7"])
    const none = await whenAnswered("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    expect(headersOf(none)).toContain("x-ratelimit-limit: 100000")
  })

  test("who may read it in a browser is ours to say", async () => {
    const text = await whenAnswered(
      "HTTP/1.1 200 OK\r\naccess-control-allow-origin: https://evil.example\r\naccess-control-allow-credentials: true\r\nx-frame-options: DENY\r\ncontent-length: 0\r\n\r\n",
    )
    const headers = headersOf(text)
    expect(headers).toContain("access-control-allow-origin: *")
    expect(headers.filter((line) => line.startsWith("access-control-allow-credentials"))).toEqual([])
    expect(headers.filter((line) => line.startsWith("x-frame-options"))).toEqual(["x-frame-options: deny"])
    expect(headers).toContain("x-content-type-options: nosniff")
  })

  test.each([
    ["content-length: 2\r\n\r\nok", "content-length: 2"],
    ["transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "transfer-encoding: chunked"],
  ])("no content type is made up", async (rest) => {
    const text = await whenAnswered(`HTTP/1.1 200 OK\r\n${rest}`)
    if (rest.startsWith("content-length"))
      expect(headersOf(text).filter((line) => line.startsWith("content-type"))).toEqual([])
    expect(text).toContain("ok")
  })
})

describe("encoded bodies", () => {
  const raw = (path: string, headers: Record<string, string>) =>
    world.pass(path, { headers, decompress: false } as RequestInit)

  test("pass as they are, with their length", async () => {
    const answer = await raw("/gzip?size=10000", { "accept-encoding": "gzip" })
    const bytes = await answer.bytes()
    expect(answer.headers.get("content-encoding")).toBe("gzip")
    expect(answer.headers.get("content-length")).toBe(String(bytes.byteLength))
    expect(JSON.parse(gunzipSync(bytes).toString()).compressed).toBe(true)
  })

  test("Decompress: true decodes, and says so", async () => {
    for (const encoding of ["gzip", "deflate", "br"]) {
      const answer = await raw(`/gzip?encoding=${encoding}`, { decompress: "true" })
      expect(answer.headers.get("content-encoding")).toBeNull()
      expect(((await answer.json()) as { encoding: string }).encoding).toBe(encoding)
    }
  })

  test("what the caller can read is what the provider is asked for", async () => {
    const asked = async (headers: Record<string, string>) => {
      const wire = await openWire(world.sluice.port)
      wire.write(head("GET /proxy/echo", { ...world.headers(), connection: "close", ...headers }))
      const text = await wire.closed
      return JSON.parse(bodyOf(text)).headers["accept-encoding"]
    }
    expect(await asked({ "accept-encoding": "br" })).toBe("br")
    expect(await asked({})).toBeUndefined()
    expect(await asked({ "accept-encoding": "br", "nango-proxy-accept-encoding": "identity" })).toBe("identity")
    expect(await asked({ decompress: "true" })).toContain("gzip")
  })
})

describe("redirects", () => {
  test("are followed, up to five", async () => {
    expect((await world.echo({ path: "/redirect/5" })).path).toBe("/echo")
    const answer = await world.pass("/redirect/6")
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([500, "too_many_redirects"])
  })

  test("keep method and body where HTTP says so", async () => {
    const send = (code: number) =>
      world.echo({
        path: `/redirect?code=${code}`,
        method: "POST",
        body: '{"a":1}',
        headers: { "content-type": "application/json" },
      })
    const kept = await send(307)
    expect([kept.method, kept.body]).toEqual(["POST", '{"a":1}'])
    const turned = await send(303)
    expect([turned.method, turned.body]).toEqual(["GET", ""])
  })

  test("leave the credentials behind on the way to another origin, unless told otherwise", async () => {
    const other = world.fake.url.replace("127.0.0.1", "127.0.0.2")
    const elsewhere = Bun.serve({
      hostname: "127.0.0.2",
      port: 0,
      fetch: (request) => Response.json(Object.fromEntries(request.headers)),
    })
    try {
      expect(other).not.toBe(world.fake.url)
      const path = `/redirect?to=${encodeURIComponent(`http://127.0.0.2:${elsewhere.port}/x`)}`
      const headers = { "nango-proxy-x-api-key": "secret-of-mine" }
      const dropped = (await (await world.pass(path, { headers })).json()) as Record<string, string>
      expect([dropped["authorization"], dropped["x-api-key"]]).toEqual([undefined, undefined] as never)
      const more = { ...headers, "forward-headers-on-redirect": "true" }
      const kept = (await (await world.pass(path, { headers: more })).json()) as Record<string, string>
      expect([kept["authorization"], kept["x-api-key"]]).toEqual(["Bearer fake-key-123", "secret-of-mine"])
    } finally {
      await elsewhere.stop(true)
    }
  })

  test("to where nobody may go are refused", async () => {
    const path = `/redirect?to=${encodeURIComponent("http://169.254.169.254/latest/meta-data")}`
    const answer = await world.pass(path)
    expect([answer.status, ((await answer.json()) as { error: { code: string } }).error.code]).toEqual([
      400,
      "proxy_redirect_to_denied_host",
    ])
  })
})
