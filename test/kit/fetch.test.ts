import { describe, expect, test } from "bun:test"
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib"
import { parseAllowList } from "../../src/kit/address.ts"
import { createEgress, finalUrlOf } from "../../src/kit/fetch.ts"
import type { Answer } from "./egress-servers.ts"
import { codeOf, failureOf, rawServer } from "./egress-servers.ts"

const lookup = async () => ["127.0.0.1"]
const makeEgress = () => createEgress({ allow: parseAllowList(["127.0.0.0/8"]), lookup })
/** Answers with a head and, in pieces, whatever else is given. */
function respond(head: string, ...pieces: (string | Uint8Array)[]): Answer {
  return (_request, socket) => {
    socket.write(`HTTP/1.1 ${head}\r\n\r\n`)
    for (const piece of pieces) socket.write(piece)
  }
}

describe("requests", () => {
  test("carry method, headers and body, and nothing of the connection that the caller made up", async () => {
    await using server = await rawServer()
    const headers = {
      host: "evil.test",
      connection: "upgrade",
      "transfer-encoding": "chunked",
      "content-length": "1",
      "x-a": "1",
    }
    await (
      await makeEgress().send({ method: "patch", url: `http://a.test:${server.port}/p?q=1#h`, headers, body: "héllo" })
    ).text()
    const [head = "", body] = (server.requests[0] ?? "").split("\r\n\r\n")
    expect(head).toStartWith("PATCH /p?q=1 HTTP/1.1\r\n")
    expect(head.toLowerCase().split("\r\n")).toEqual(
      expect.arrayContaining([`host: a.test:${server.port}`, "x-a: 1", "content-length: 6"]),
    )
    expect(head.toLowerCase()).not.toMatch(/evil|upgrade|transfer-encoding|content-type/)
    expect(Buffer.from(body ?? "", "latin1").toString()).toBe("héllo")
  })

  test("a stream cannot write past its announced length into a connection that others use", async () => {
    await using server = await rawServer(() => {})
    const pieces = ["ab", "cGET /smuggled HTTP/1.1\r\n\r\n"].map((text) => new TextEncoder().encode(text))
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await Bun.sleep(1)
        controller.enqueue(pieces.shift())
        if (pieces.length === 0) controller.close()
      },
    })
    const headers = { "content-length": "3" }
    const code = await codeOf(
      makeEgress().send({ method: "POST", url: `http://a.test:${server.port}/`, headers, body }),
    )
    expect(code).toBe("ERR_HTTP_CONTENT_LENGTH_MISMATCH")
    expect(server.requests.join()).not.toContain("smuggled")
  })

  test.each(["FOO", "GET /x", "CONNECT", "TRACE", "", "G\r\nT"])("method %p is refused", async (method) => {
    expect(await codeOf(makeEgress().send({ method, url: "http://a.test/" }))).toBe("invalid_request")
  })

  test("bad headers are refused without quoting them", async () => {
    const failure = await failureOf(
      makeEgress().send({ url: "http://a.test/", headers: { authorization: "s3cret\r\nx: y" } }),
    )
    expect(failure).toMatchObject({ code: "invalid_request" })
    expect(failure.message).not.toContain("s3cret")
    expect(await codeOf(makeEgress().send({ url: "http://a.test/", body: "x" }))).toBe("invalid_request")
  })

  test("one origin uses one connection, until the gate is closed", async () => {
    await using server = await rawServer()
    const egress = makeEgress()
    for (let i = 0; i < 3; i++) await (await egress.send({ url: `http://a.test:${server.port}/${i}` })).text()
    expect([server.connections, server.requests.length]).toEqual([1, 3])
    egress.close()
    await server.untilClosed(1)
  })
})

describe("failures", () => {
  test("have a network code and tell no secret of the URL", async () => {
    await using dead = await rawServer((_request, socket) => socket.destroy())
    await using mute = await rawServer(() => {})
    const cases: [url: string, code: string][] = [
      ["http://a.test:1", "ECONNREFUSED"],
      [`http://a.test:${dead.port}`, "ECONNRESET"],
      [`http://a.test:${mute.port}`, "ETIMEDOUT"],
      [`https://a.test:${dead.port}`, "ECONNRESET"],
    ]
    for (const [url, code] of cases) {
      const failure = await failureOf(makeEgress().send({ url: `${url}/p4th?key=hunter2`, timeoutMs: 200 }))
      expect(failure).toMatchObject({ code, name: "EgressError", host: "a.test" })
      expect(JSON.stringify([failure.message, failure.stack, failure.cause])).not.toMatch(/hunter2|p4th/)
    }
  })

  test("what the caller's body stream throws is thrown as it is", async () => {
    await using server = await rawServer(() => {})
    const mine = Object.assign(new Error("mine"), { code: "my_fault" })
    const body = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(mine) })
    expect(await failureOf(makeEgress().send({ method: "POST", url: `http://a.test:${server.port}/`, body }))).toBe(
      mine,
    )
  })

  test("a signal ends the exchange at the socket, before and after the headers", async () => {
    const started = Promise.withResolvers<void>()
    await using server = await rawServer((request, socket) => {
      if (request.startsWith("GET /body")) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc")
      else started.resolve()
    })
    const mine = Object.assign(new Error("stop"), { code: "ECONNRESET" })
    const early = new AbortController()
    const work = failureOf(makeEgress().send({ url: `http://a.test:${server.port}/`, signal: early.signal }))
    await started.promise
    early.abort(mine)
    expect(await work).toBe(mine)
    await server.untilClosed(1)

    const late = new AbortController()
    const response = await makeEgress().send({ url: `http://a.test:${server.port}/body`, signal: late.signal })
    const reader = response.body!.getReader()
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("abc")
    const rest = failureOf(reader.read())
    late.abort(mine)
    expect(await rest).toBe(mine)
    await server.untilClosed(2)
  })

  test("a body that is cancelled closes its connection", async () => {
    await using server = await rawServer(respond("200 OK\r\ncontent-length: 9", "abc"))
    const response = await makeEgress().send({ url: `http://a.test:${server.port}/` })
    await response.body!.cancel()
    await server.untilClosed(1)
  })
})

describe("responses", () => {
  const fetchText = async (
    answer: Answer,
    request: { maxBytes?: number; idleTimeoutMs?: number; decompress?: boolean } = {},
  ) => {
    await using server = await rawServer(answer)
    const response = await makeEgress().send({ url: `http://a.test:${server.port}/x?y#z`, ...request })
    return { response, text: await response.text() }
  }

  test("keep status, repeated headers and the logical URL", async () => {
    const head = "404 Gone Fishing\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nkeep-alive: timeout=5\r\ncontent-length: 2"
    const { response, text } = await fetchText(respond(head, "no"))
    expect([response.status, response.statusText, response.ok, text]).toEqual([404, "Gone Fishing", false, "no"])
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"])
    expect(response.headers.has("keep-alive")).toBe(false)
    expect(finalUrlOf(response)).toMatch(/^http:\/\/a\.test:\d+\/x\?y#z$/)
  })

  test("a status that no Response can be made with comes through", async () => {
    const { response, text } = await fetchText(respond("999 Request Denied\r\ncontent-length: 2", "no"))
    expect([response.status, response.ok, text]).toEqual([999, false, "no"])
  })

  test.each([204, 304])("status %d has no body", async (status) => {
    const { response, text } = await fetchText(respond(`${status} Empty`))
    expect([response.status, response.body, text]).toEqual([status, null, ""])
  })

  const plain = Buffer.from("hello ".repeat(100))
  const codings = {
    gzip: gzipSync(plain),
    br: brotliCompressSync(plain),
    deflate: deflateSync(plain),
    zstd: zstdCompressSync(plain),
  }
  test.each(Object.entries(codings))("%s is decoded, or left alone on demand", async (coding, bytes) => {
    const answer = respond(`200 OK\r\ncontent-encoding: ${coding}\r\ncontent-length: ${bytes.length}`, bytes)
    const decoded = await fetchText(answer)
    expect(decoded.text).toBe(plain.toString())
    expect(["content-encoding", "content-length"].filter((name) => decoded.response.headers.has(name))).toEqual([])
    await using server = await rawServer(answer)
    const raw = await makeEgress().send({ url: `http://a.test:${server.port}/`, decompress: false })
    expect(Buffer.from(await raw.arrayBuffer()).equals(bytes)).toBe(true)
    expect(raw.headers.get("content-encoding")).toBe(coding)
  })

  test("maxBytes counts the announced, the arriving and the decoded size", async () => {
    const limit = { maxBytes: 100 }
    const fits = await fetchText(respond("200 OK\r\ncontent-length: 100", "x".repeat(100)), limit)
    expect(fits.text).toHaveLength(100)
    expect(await codeOf(fetchText(respond("200 OK\r\ncontent-length: 101", "x"), limit))).toBe("response_too_large")
    const chunks = Array.from({ length: 11 }, () => `a\r\n${"x".repeat(10)}\r\n`)
    const chunked = respond("200 OK\r\ntransfer-encoding: chunked", ...chunks)
    expect(await codeOf(fetchText(chunked, limit))).toBe("response_too_large")
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    const answer = respond(`200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}`, bomb)
    expect(await codeOf(fetchText(answer, { maxBytes: 1_000_000 }))).toBe("response_too_large")
  })

  test("too large a body closes its connection", async () => {
    await using server = await rawServer(respond("200 OK\r\ncontent-length: 101", "x"))
    expect(await codeOf(makeEgress().send({ url: `http://a.test:${server.port}/`, maxBytes: 100 }))).toBe(
      "response_too_large",
    )
    await server.untilClosed(1)
  })

  test("a body that stops is given up, one that is cut off fails", async () => {
    const stuck = respond("200 OK\r\ncontent-length: 9", "abc")
    expect(await codeOf(fetchText(stuck, { idleTimeoutMs: 20 }))).toBe("ETIMEDOUT")
    const cut: Answer = (_request, socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc")
    expect(await codeOf(fetchText(cut))).toBe("ECONNRESET")
  })
})
