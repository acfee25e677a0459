import { afterEach, expect, test } from "bun:test"
import { connect } from "node:net"
import type { FakeProviderOptions, FaultRule } from "../../src/fake-provider/model.ts"
import type { FakeProvider } from "../../src/fake-provider/server.ts"
import { startFakeProvider } from "../../src/fake-provider/server.ts"
import { reasonOf } from "./reason.ts"

const running: FakeProvider[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((fake) => fake.stop()))
})

async function start(options: FakeProviderOptions = {}): Promise<FakeProvider> {
  const fake = await startFakeProvider(options)
  running.push(fake)
  return fake
}

async function statuses(fake: FakeProvider, count: number, path = "/echo"): Promise<number[]> {
  const seen: number[] = []
  for (let index = 0; index < count; index++) seen.push((await fetch(fake.url + path)).status)
  return seen
}

async function inFlight(fake: FakeProvider): Promise<number> {
  const state = (await (await fetch(`${fake.url}/__state`)).json()) as { requests: { inFlight: number } }
  return state.requests.inFlight
}

/** Sends one GET and gives every byte of the answer, and whether the connection ended with an error. */
function readRaw(port: number, path: string): Promise<{ text: string; failed: boolean }> {
  return new Promise((resolve) => {
    let text = ""
    let failed = false
    const socket = connect(port, "127.0.0.1", () => socket.write(`GET ${path} HTTP/1.1\r\nHost: fake\r\n\r\n`))
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()))
    socket.on("error", () => (failed = true))
    socket.on("close", () => resolve({ text, failed }))
  })
}

test("a 429 says when to come back, and ends after its times", async () => {
  const fake = await start({ faults: [{ match: { path: "/items" }, times: 2, status: 429 }] })
  const limited = await fetch(`${fake.url}/items`)
  expect(limited.status).toBe(429)
  expect(limited.headers.get("retry-after")).toBe("1")
  expect(limited.headers.get("x-ratelimit-remaining")).toBe("0")
  expect(Number(limited.headers.get("x-ratelimit-reset"))).toBeGreaterThanOrEqual(Math.floor(Date.now() / 1000))
  expect(await statuses(fake, 1)).toEqual([200])
  expect(await statuses(fake, 3, "/items")).toEqual([429, 200, 200])
  expect(fake.requests.map((seen) => seen.fault)).toEqual(["429", undefined, "429", undefined, undefined])
})

test("headers and body of a fault are those of the rule; null leaves a header out", async () => {
  const headers = { "Retry-After": null, "X-Why": "quota" }
  const fake = await start({ faults: [{ status: 429, headers, body: { ok: false } }] })
  const response = await fetch(`${fake.url}/echo`)
  expect([response.headers.get("retry-after"), response.headers.get("x-why")]).toEqual([null, "quota"])
  expect(await response.json()).toEqual({ ok: false })
  fake.control({ faults: [{ status: 503, body: "down" }] })
  expect(await (await fetch(`${fake.url}/echo`)).text()).toBe("down")
})

test.each<[string, FaultRule, number[]]>([
  ["every", { every: 3, status: 500 }, [200, 200, 500, 200, 200, 500]],
  ["every and times", { every: 2, times: 1, status: 500 }, [200, 500, 200, 200, 200, 200]],
  ["another method", { match: { method: "POST" }, status: 500 }, [200, 200, 200, 200, 200, 200]],
  ["a pattern", { match: { method: "get", path: "^/echo\\?a=\\d$" }, status: 502 }, [502, 502, 502, 502, 502, 502]],
  ["another pattern", { match: { path: "^/echo$" }, status: 502 }, [200, 200, 200, 200, 200, 200]],
])("a rule with %s fires when it should", async (_name, rule, expected) => {
  expect(await statuses(await start({ faults: [rule] }), 6, "/echo?a=1")).toEqual(expected)
})

test("the first rule that fires wins, the next takes over when it is used up", async () => {
  const fake = await start()
  fake.control({
    faults: [
      { times: 1, status: 500 },
      { times: 1, status: 503 },
    ],
  })
  expect(await statuses(fake, 3)).toEqual([500, 503, 200])
})

test("control endpoints stay reachable under every fault", async () => {
  const fake = await start({ faults: [{ mode: "reset" }] })
  const post = (body: unknown) => fetch(`${fake.url}/__control`, { method: "POST", body: JSON.stringify(body) })
  expect((await post({ faults: [] })).status).toBe(200)
  expect(await statuses(fake, 1)).toEqual([200])
  expect((await post({ reset: true })).status).toBe(200)
  expect(await reasonOf(fetch(`${fake.url}/echo`))).toBeInstanceOf(Error)
  expect((await post({ faults: [{ match: { path: "^(" } }] })).status).toBe(400)
  expect((await post({ fault: [] })).status).toBe(400)
})

test("reset ends the connection without a byte", async () => {
  const fake = await start({ faults: [{ match: { path: "/items" }, mode: "reset" }] })
  expect(await readRaw(fake.port, "/items")).toEqual({ text: "", failed: true })
  expect(await readRaw(fake.port, "/broken?mode=reset")).toEqual({ text: "", failed: true })
  expect(fake.requests.map((seen) => seen.status)).toEqual([null, null])
})

test("a path that looks like a host is a path", async () => {
  const fake = await start({ faults: [{ mode: "truncate" }] })
  expect((await readRaw(fake.port, "//evil.example/echo")).text).toStartWith("HTTP/1.1 404 ")
  expect(fake.requests[0]).toMatchObject({ url: "//evil.example/echo", path: "//evil.example/echo" })
})

test("truncate promises the whole length and sends half of it", async () => {
  const fake = await start({ faults: [{ match: { path: "/items" }, mode: "truncate" }] })
  for (const path of ["/items", "/broken?mode=truncate"]) {
    const { text } = await readRaw(fake.port, path)
    const [head = "", body = ""] = text.split("\r\n\r\n")
    const promised = Number(/content-length: (\d+)/i.exec(head)?.[1])
    expect(Math.abs(Buffer.byteLength(body) - promised / 2)).toBeLessThanOrEqual(1)
    expect(await reasonOf(fetch(fake.url + path).then((response) => response.text()))).toBeInstanceOf(Error)
  }
})

test("a truncated status keeps its status", async () => {
  const fake = await start({ faults: [{ status: 500, mode: "truncate" }] })
  expect((await readRaw(fake.port, "/items")).text).toStartWith("HTTP/1.1 500 ")
})

test("hang is silent until the client leaves", async () => {
  const fake = await start({ faults: [{ match: { path: "/items" }, mode: "hang" }] })
  const leaving = new AbortController()
  const reason = reasonOf(fetch(`${fake.url}/items`, { signal: leaving.signal }))
  await fake.waitForRequest((seen) => seen.path === "/items")
  leaving.abort()
  expect(await reason).toMatchObject({ name: "AbortError" })
  // Only the question itself is left once the server has noticed that the client is gone.
  while ((await inFlight(fake)) > 1) await Bun.sleep(5)
})

test("stop ends requests that hang, wait or drip", async () => {
  const fake = await startFakeProvider({ faults: [{ match: { path: "/items" }, mode: "hang" }] })
  const asked = ["/items", "/slow?ms=600000", "/drip?chunks=5&ms=600000"].map((path) =>
    fetch(fake.url + path).then((response) => response.text()),
  )
  const ended = Promise.allSettled(asked)
  await Promise.all(["/items", "/slow", "/drip"].map((path) => fake.waitForRequest((seen) => seen.path === path)))
  await fake.stop()
  expect((await ended).map((result) => result.status)).toEqual(["rejected", "rejected", "rejected"])
  expect(await reasonOf(fetch(fake.url))).toBeInstanceOf(Error)
})

test("a delay holds the answer back while other requests go on, and ends with the answer", async () => {
  const fake = await start({ faults: [{ match: { path: "/items" }, times: 1, delayMs: 600_000 }] })
  const reason = reasonOf(fetch(`${fake.url}/items`))
  await fake.waitForRequest((seen) => seen.fault === "delay" || seen.path === "/items")
  expect(await statuses(fake, 2, "/items")).toEqual([200, 200])
  expect(await inFlight(fake)).toBe(2)
  fake.control({ faults: [{ delayMs: 1, status: 503 }] })
  expect(await statuses(fake, 1)).toEqual([503])
  await fake.stop()
  expect(await reason).toBeInstanceOf(Error)
})

test("the latency of the options holds back each request, but no control", async () => {
  const fake = await start({ latencyMs: 600_000 })
  const reason = reasonOf(fetch(`${fake.url}/echo`))
  await fake.waitForRequest((seen) => seen.path === "/echo")
  expect(await inFlight(fake)).toBe(2)
  fake.control({ latencyMs: 1 })
  expect(await statuses(fake, 1)).toEqual([200])
  expect(await inFlight(fake)).toBe(2)
  await fake.stop()
  expect(await reason).toBeInstanceOf(Error)
})

test("waiting for a request that never comes ends when the server stops", async () => {
  const fake = await start()
  const reason = reasonOf(fake.waitForRequest((seen) => seen.path === "/never"))
  await fetch(`${fake.url}/echo`)
  await fake.stop()
  expect(await reason).toBeInstanceOf(Error)
})
