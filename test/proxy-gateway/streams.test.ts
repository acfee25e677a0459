import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { until } from "../helpers/sluice.ts"
import { head, openWire, playUpstream, startWorld, type Upstream, type World } from "./stage.ts"

let world: World
const upstreams: Upstream[] = []
beforeAll(async () => void (world = await startWorld()))
afterAll(async () => {
  for (const upstream of upstreams) upstream.stop()
  await world[Symbol.asyncDispose]()
})

function play(...args: Parameters<typeof playUpstream>): Upstream {
  const upstream = playUpstream(...args)
  upstreams.push(upstream)
  return upstream
}
const via = (upstream: Upstream, more: Record<string, string> = {}) => ({
  ...world.headers(),
  "base-url-override": upstream.url,
  ...more,
})
const rssMb = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${world.sluice.pid}/status`, "utf8"))?.[1]) / 1024

describe("pieces pass at once", () => {
  test("events of the provider, each before the next is sent", async () => {
    const next = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const upstream = play(async (conversation) => {
      await conversation.seen("\r\n\r\n")
      conversation.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
      for (const [index, gate] of next.entries()) {
        const event = `data: ${index}\n\n`
        conversation.write(`${event.length.toString(16)}\r\n${event}\r\n`)
        await gate.promise
      }
      conversation.write("0\r\n\r\n")
    })
    const wire = await openWire(world.sluice.port)
    wire.write(head("GET /proxy/events", via(upstream, { connection: "close" })))
    await wire.seen("text/event-stream")
    await wire.seen("data: 0")
    expect(wire.text()).not.toContain("data: 1")
    next[0]?.resolve()
    await wire.seen("data: 1")
    next[1]?.resolve()
    expect(await wire.closed).toEndWith("0\r\n\r\n")
  })

  test("what the caller sends, before it has sent all", async () => {
    const got = Promise.withResolvers<void>()
    const upstream = play(async (conversation) => {
      await conversation.seen("first piece")
      got.resolve()
      await conversation.seen("last piece")
      conversation.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone")
    })
    const wire = await openWire(world.sluice.port)
    wire.write(head("POST /proxy/upload", via(upstream, { connection: "close", "transfer-encoding": "chunked" })))
    wire.write("b\r\nfirst piece\r\n")
    await got.promise
    wire.write("a\r\nlast piece\r\n0\r\n\r\n")
    expect(await wire.closed).toEndWith("done")
  })
})

describe("whoever leaves", () => {
  test("a caller that waits for the head ends the request at the provider", async () => {
    const arrived = Promise.withResolvers<void>()
    const left = Promise.withResolvers<void>()
    const upstream = play(async (conversation) => {
      await conversation.seen("\r\n\r\n")
      arrived.resolve()
      await conversation.closed
      left.resolve()
    })
    const wire = await openWire(world.sluice.port)
    wire.write(head("GET /proxy/silent", via(upstream)))
    await arrived.promise
    wire.leave()
    await left.promise
    const operation = await until(async () => {
      const { body } = await world.sluice.call("GET", "/sluice/logs?type=proxy&state=cancelled")
      return body.data[0]
    }, "the operation to be cancelled")
    expect([operation.message, operation.error.code]).toEqual(["GET /silent", "caller_left"])
  })

  test("a caller in the middle of a stream too", async () => {
    const left = Promise.withResolvers<void>()
    const upstream = play(async (conversation) => {
      await conversation.seen("\r\n\r\n")
      conversation.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegun\r\n")
      await conversation.closed
      left.resolve()
    })
    const wire = await openWire(world.sluice.port)
    wire.write(head("GET /proxy/stream", via(upstream)))
    await wire.seen("begun")
    wire.leave()
    await left.promise
  })

  test("a caller in the middle of an upload too", async () => {
    const left = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const upstream = play(async (conversation) => {
      await conversation.seen("x".repeat(1000))
      begun.resolve()
      await conversation.closed
      left.resolve()
    })
    const wire = await openWire(world.sluice.port)
    wire.write(head("POST /proxy/upload", via(upstream, { "content-length": "1000000" })))
    wire.write("x".repeat(100_000))
    await begun.promise
    wire.leave()
    await left.promise
  })

  test("a provider in the middle of its answer: the caller's connection breaks as well, and nothing secret is printed", async () => {
    const upstream = play(async (conversation) => {
      await conversation.seen("\r\n\r\n")
      conversation.write("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nhalf of it")
      await Bun.sleep(50)
      conversation.end()
    })
    for (const key of ["fake", "in-query"]) {
      const headers = { ...via(upstream, { connection: "close" }), "provider-config-key": key }
      const wire = await openWire(world.sluice.port)
      wire.write(head("GET /proxy/breaks?token=a-token-of-the-caller", headers))
      const text = await wire.closed
      expect(text).toContain("half of it")
      // Neither a length that fits nor the end of a chunked body: the caller can tell that something is missing.
      expect(text.endsWith("0\r\n\r\n")).toBe(false)
      expect(/content-length: (?!1000000)/i.test(text)).toBe(false)
    }
    expect((await world.sluice.call("GET", "/health")).status).toBe(200)
    expect(world.sluice.output()).not.toContain("fake-key-123")
    expect(world.sluice.output()).not.toContain("a-token-of-the-caller")
  })

  test("a provider in the middle of a small answer is an error with a body", async () => {
    const upstream = play(async (conversation) => {
      await conversation.seen("\r\n\r\n")
      conversation.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of it")
      conversation.end()
    })
    const answer = await fetch(`${world.sluice.url}/proxy/breaks`, { headers: via(upstream) })
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([500, "ECONNRESET"])
  })
})

describe("much data", () => {
  const size = 200 * 1024 * 1024
  const growthAllowedMb = 20

  test("200 MB down", async () => {
    await (await world.pass("/bytes/1000000")).bytes()
    const before = rssMb()
    let peak = before
    let got = 0
    const answer = await world.pass(`/bytes/${size}`)
    for await (const chunk of answer.body as ReadableStream<Uint8Array>) {
      got += chunk.byteLength
      peak = Math.max(peak, rssMb())
    }
    expect(got).toBe(size)
    expect(peak - before).toBeLessThan(growthAllowedMb)
  }, 60_000)

  test("200 MB up", async () => {
    const sink = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: async (request) => {
        let got = 0
        for await (const chunk of request.body ?? []) got += (chunk as Uint8Array).byteLength
        return new Response(String(got))
      },
    })
    const chunk = new Uint8Array(65_536)
    const before = rssMb()
    let peak = before
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent >= size) return controller.close()
        controller.enqueue(chunk)
        sent += chunk.byteLength
        peak = Math.max(peak, rssMb())
      },
    })
    const headers = { "base-url-override": `http://127.0.0.1:${sink.port}` }
    const answer = await world.pass("/sink", { method: "POST", body, headers })
    expect(await answer.text()).toBe(String(size))
    expect(peak - before).toBeLessThan(growthAllowedMb)
    await sink.stop(true)
  }, 60_000)

  test("a slow reader holds back the provider", async () => {
    let written = 0
    const chunk = "x".repeat(65_536)
    const upstream = play(async (conversation) => {
      await conversation.seen("\r\n\r\n")
      conversation.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`)
      let open = true
      void conversation.closed.then(() => (open = false))
      while (open && written < size) {
        const taken = conversation.write(chunk)
        written += Math.max(0, taken)
        if (taken < chunk.length) await Bun.sleep(5)
      }
    })
    const wire = await openSlowly(world.sluice.port)
    wire.write(head("GET /proxy/much", via(upstream)))
    await until(() => written > 100_000, "the provider to begin")
    // It has come to a stop when nothing more is taken for a while.
    let last = -1
    await until(async () => {
      const stopped = last === written
      last = written
      await Bun.sleep(300)
      return stopped && last === written
    }, "the provider to be held back")
    expect(written).toBeLessThan(size / 4)
    wire.leave()
  }, 60_000)
})

/** A connection that does not read. */
async function openSlowly(port: number) {
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: { data: () => {}, open: (one) => one.pause() },
  })
  return { write: (text: string) => void socket.write(text), leave: () => socket.terminate() }
}
