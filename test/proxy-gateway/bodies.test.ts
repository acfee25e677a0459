import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { head, jsonOf, openWire, playUpstream, startWorld, type World } from "./stage.ts"

let world: World
beforeAll(async () => void (world = await startWorld({ SLUICE_BODY_LIMIT_BYTES: "100000" })))
afterAll(() => world[Symbol.asyncDispose]())

const form = "application/x-www-form-urlencoded"

describe("bodies go out as they came", () => {
  const rows: [what: string, type: string, body: string][] = [
    ["JSON with odd spacing and number forms", "application/json", '{ "a":1.0,\n"b" : 12345678901234567890 }'],
    ["JSON that is none", "application/json", '{"a":'],
    ["a form with repeated keys", form, "e=1&e=2&f%5B%5D=%20+"],
    ["a form of axios without data", form, ""],
    ["XML", "text/xml; charset=utf-8", "<a>ü</a>"],
    ["GraphQL", "application/graphql", "{ viewer { login } }"],
    ["text", "text/plain", "hello"],
    ["lines of JSON", "application/x-ndjson", '{"a":1}\n{"a":2}\n'],
  ]
  test.each(rows)("%s", async (_, type, body) => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const seen = await world.echo({ method, body, headers: { "content-type": type } })
      expect([seen.method, seen.headers["content-type"], seen.body]).toEqual([method, type, body])
      if (body !== "") expect(seen.headers["content-length"]).toBe(String(Buffer.byteLength(body)))
    }
  })

  test("binary, also without a type", async () => {
    const body = crypto.getRandomValues(new Uint8Array(5_000))
    const seen = await world.echo({ method: "POST", body, headers: { "content-type": "image/png" } })
    expect([seen.headers["content-type"], seen.body]).toEqual(["image/png", Buffer.from(body).toString("base64")])
    const bare = await world.echo({ method: "POST", body })
    expect([bare.headers["content-type"], bare.body]).toEqual([undefined, seen.body] as never)
  })

  test("multipart, boundary and all", async () => {
    const body = new FormData()
    body.append("name", "ü")
    body.append("file", new File([new Uint8Array([0, 255, 10])], "a b.bin", { type: "application/x-own" }))
    const request = new Request("http://any", { method: "POST", body })
    const type = request.headers.get("content-type") ?? ""
    const bytes = await request.bytes()
    const asked: Record<string, string>[] = [{}, { "nango-proxy-content-type": "multipart/form-data" }]
    for (const more of asked) {
      const seen = await world.echo({ method: "POST", body: bytes, headers: { "content-type": type, ...more } })
      expect(seen.headers["content-type"]).toBe(type)
      expect(Buffer.from(seen.body, "base64").equals(Buffer.from(bytes))).toBe(true)
    }
  })

  test("nothing stays nothing, and has a length of 0", async () => {
    const seen = await world.echo({ method: "POST", headers: { "content-type": "application/json" } })
    const { "content-type": type, "content-length": length } = seen.headers
    expect([type, length, seen.body]).toEqual(["application/json", "0", ""])
  })

  test("GET and HEAD send none, whatever the caller sends", async () => {
    const wire = await openWire(world.sluice.port)
    const own = { ...world.headers(), "content-type": "text/plain", "content-length": "3", connection: "close" }
    wire.write(`${head("GET /proxy/echo", own)}abc`)
    const text = await wire.closed
    const seen = JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4))
    expect([seen.body, seen.headers["content-type"], seen.headers["content-length"]]).toEqual([
      "",
      undefined,
      undefined,
    ])
  })

  test.each(["PROPFIND", "REPORT"])("%s carries its body", async (method) => {
    const wire = await openWire(world.sluice.port)
    const own = { ...world.headers(), "content-type": "text/xml", "content-length": "4", connection: "close" }
    wire.write(`${head(`${method} /proxy/echo`, own)}<a/>`)
    const text = await wire.closed
    expect(JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4)).body).toBe("<a/>")
  })
})

describe("the type that the provider sees", () => {
  const send = (own: string, theirs: string, body: string) =>
    world.echo({ method: "POST", body, headers: { "content-type": own, "nango-proxy-content-type": theirs } })

  test("is the caller's wish", async () => {
    const seen = await send("application/json", "application/vnd.api+json", '{"a":1}')
    expect([seen.headers["content-type"], seen.body]).toEqual(["application/vnd.api+json", '{"a":1}'])
  })

  test("JSON becomes the form that was asked for", async () => {
    const seen = await send("application/json", form, '{"a":{"b":1},"c":[1,2]}')
    expect(seen.headers["content-type"]).toBe(form)
    expect(decodeURIComponent(seen.body)).toBe("a[b]=1&c[]=1&c[]=2")
  })

  test("JSON becomes the multipart body that was asked for", async () => {
    const seen = await send("application/json", "multipart/form-data", '{"a":"x"}')
    const type = seen.headers["content-type"] ?? ""
    const read = await new Response(seen.body, { headers: { "content-type": type } }).formData()
    expect([...(read as unknown as Iterable<[string, string]>)]).toEqual([["a", "x"]])
  })
})

describe("providers that change or sign the body", () => {
  test("members join JSON, forms, multipart and nothing", async () => {
    const send = (type: string, body: string) =>
      world.echo({ key: "in-body", method: "POST", body, headers: { "content-type": type } })
    expect(JSON.parse((await send("application/json", '{"a":1}')).body)).toEqual({ a: 1, secret_key: "fake-key-123" })
    expect((await send(form, "a=1")).body).toBe("a=1&secret_key=fake-key-123")
    expect(JSON.parse((await send("application/json", "")).body)).toEqual({ secret_key: "fake-key-123" })
    const part = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'
    expect((await send("multipart/form-data; boundary=b", part)).body).toContain("fake-key-123")
    expect((await send("text/plain", "as it is")).body).toBe("as it is")
  })

  test("a signature covers the bytes", async () => {
    const body = '{"a": "ü"}'
    const seen = await world.echo({ key: "signed", method: "POST", body, headers: { "content-type": "text/plain" } })
    expect(seen.headers["x-signature"]).toBe(createHmac("sha1", "fake-key-123").update(body).digest("hex"))
  })

  test.each(["in-body", "signed"])("%s: what is too large for that is refused, not sent without", async (key) => {
    world.fake.clear()
    const body = "x".repeat(100_001)
    const headers = { "content-type": "application/json" }
    const known = await world.pass("/echo", { key, method: "POST", body, headers })
    expect([known.status, (await jsonOf(known)).error.code]).toEqual([413, "body_too_large"])
    const unknown = await world.pass("/echo", { key, method: "POST", body: inPieces(body), headers })
    expect([unknown.status, (await jsonOf(unknown)).error.code]).toEqual([413, "body_too_large"])
    expect(world.fake.requests).toEqual([])
    expect((await world.echo({ method: "POST", body, headers })).body.length).toBe(100_001)
  })
})

describe("on the wire", () => {
  test("a large body keeps its length, one of unknown length is sent in chunks", async () => {
    const seen: string[] = []
    using upstream = disposable(
      playUpstream(async (conversation) => {
        await conversation.seen("\r\n\r\n")
        await conversation.seen("the end")
        seen.push(conversation.text())
        conversation.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        conversation.end()
      }),
    )
    const body = `${"x".repeat(200_000)}the end`
    const headers = { "base-url-override": upstream.url, "content-type": "text/plain" }
    expect(await (await world.pass("/", { method: "POST", body, headers })).text()).toBe("ok")
    expect(await (await world.pass("/", { method: "POST", body: inPieces(body), headers })).text()).toBe("ok")
    const [known, unknown] = seen.map((text) => text.slice(0, text.indexOf("\r\n\r\n")).toLowerCase())
    expect(known).toContain("content-length: 200007")
    expect(known).not.toContain("transfer-encoding")
    expect(unknown).toContain("transfer-encoding: chunked")
    expect(unknown).not.toContain("content-length")
  })

  test("a caller that waits for permission gets it", async () => {
    const wire = await openWire(world.sluice.port)
    const own = { ...world.headers(), expect: "100-continue", "content-length": "5", connection: "close" }
    wire.write(head("POST /proxy/echo", own))
    await wire.seen("100 Continue")
    wire.write("hello")
    expect(await wire.closed).toContain('"body":"hello"')
    expect(world.fake.requests.at(-1)?.headers["expect"]).toBeUndefined()
  })
})

/** A body whose length nobody knows beforehand. */
const inPieces = (text: string) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(Buffer.from(text.slice(0, 10)))
      controller.enqueue(Buffer.from(text.slice(10)))
      controller.close()
    },
  })

const disposable = <T extends { stop: () => void }>(one: T) => ({ ...one, [Symbol.dispose]: () => one.stop() })
