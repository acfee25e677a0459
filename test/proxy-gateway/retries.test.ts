import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import type { FaultRule } from "../../src/fake-provider/model.ts"
import { jsonOf, startWorld, type World } from "./stage.ts"

let world: World
beforeAll(async () => void (world = await startWorld({ SLUICE_PROXY_REPLAY_BYTES: "100000" })))
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(() => void world.fake.control({ reset: true }))

const soon = { "retry-after": "1" }
const fault = (...faults: FaultRule[]) => world.fake.control({ faults })
const attempts = () => world.fake.requests.length

test("none without Retries", async () => {
  fault({ match: { path: "/echo" }, status: 503, headers: soon })
  expect([(await world.pass("/echo")).status, attempts()]).toEqual([503, 1])
})

test("with Retries, until it goes well", async () => {
  fault({ match: { path: "/echo" }, status: 503, headers: soon, times: 1 })
  expect((await world.echo({ headers: { retries: "3" } })).path).toBe("/echo")
  expect(world.fake.requests.map(({ status }) => status)).toEqual([503, 200])
})

test("the last answer is passed on when none goes well", async () => {
  fault({ match: { path: "/echo" }, status: 429, headers: { ...soon, "x-why": "too fast" }, body: { slow: "down" } })
  const answer = await world.pass("/echo", { headers: { retries: "1" } })
  expect([answer.status, answer.headers.get("x-why"), await answer.json()]).toEqual([429, "too fast", { slow: "down" }])
  expect(attempts()).toBe(2)
})

test("a status that is no reason is no reason, unless Retry-On names it", async () => {
  fault({ match: { path: "/echo" }, status: 409, headers: soon })
  expect([(await world.pass("/echo", { headers: { retries: "1" } })).status, attempts()]).toEqual([409, 1])
  const headers = { retries: "1", "retry-on": "404,409" }
  expect([(await world.pass("/echo", { headers })).status, attempts()]).toEqual([409, 3])
})

test("401 with credentials that have not changed ends it after the second attempt", async () => {
  fault({ match: { path: "/echo" }, status: 401 })
  const answer = await world.pass("/echo", { headers: { retries: "5" } })
  expect([answer.status, attempts()]).toEqual([401, 2])
}, 60_000)

test("401 is answered with credentials that were changed in between", async () => {
  fault({ match: { path: "/echo" }, status: 401, times: 1 })
  const pending = world.pass("/echo", { headers: { retries: "1" } })
  await world.fake.waitForRequest(({ path }) => path === "/echo")
  const body = {
    provider_config_key: "fake",
    connection_id: "c1",
    credentials: { type: "API_KEY", apiKey: "another-key-456" },
  }
  expect((await world.sluice.call("POST", "/connections", { body })).status).toBe(201)
  expect((await pending).status).toBe(200)
  expect(world.fake.requests.map(({ headers }) => headers["authorization"])).toEqual([
    "Bearer fake-key-123",
    "Bearer another-key-456",
  ])
}, 60_000)

test("a connection that is deleted in between ends it", async () => {
  const name = { provider_config_key: "fake", connection_id: "short-lived" }
  const made = await world.sluice.call("POST", "/connections", {
    body: { ...name, credentials: { type: "API_KEY", apiKey: "fake-key-123" } },
  })
  expect(made.status).toBe(201)
  fault({ match: { path: "/echo" }, status: 401 })
  const pending = world.pass("/echo", { headers: { retries: "1", "connection-id": "short-lived" } })
  await world.fake.waitForRequest(({ path }) => path === "/echo")
  await world.sluice.call("DELETE", "/connections/short-lived?provider_config_key=fake")
  const answer = await pending
  expect([answer.status, (await jsonOf(answer)).error]).toEqual([
    400,
    { code: "server_error", message: "Failed to get connection" },
  ])
  expect(attempts()).toBe(1)
}, 60_000)

test.each(["known", "unknown"])("a body of %s length is sent again whole", async (length) => {
  fault({ match: { path: "/echo" }, status: 503, headers: soon, times: 1 })
  const body = "y".repeat(90_000)
  const stream = () => new ReadableStream({ start: (c) => (c.enqueue(Buffer.from(body)), c.close()) })
  const seen = await world.echo({
    method: "POST",
    body: length === "known" ? body : stream(),
    headers: { retries: "2", "content-type": "text/plain" },
  })
  expect([seen.body.length, attempts()]).toEqual([90_000, 2])
  expect(world.fake.requests.map(({ bodyBytes }) => bodyBytes)).toEqual([90_000, 90_000])
})

test.each(["known", "unknown"])("one of %s length beyond the limit is sent once", async (length) => {
  fault({ match: { path: "/echo" }, status: 503, headers: soon })
  const body = "y".repeat(300_000)
  const stream = new ReadableStream({
    start(controller) {
      for (let at = 0; at < body.length; at += 50_000) controller.enqueue(Buffer.from(body.slice(at, at + 50_000)))
      controller.close()
    },
  })
  const answer = await world.pass("/echo", {
    method: "POST",
    body: length === "known" ? body : stream,
    headers: { retries: "5", "content-type": "text/plain" },
  })
  expect([answer.status, attempts(), world.fake.requests[0]?.bodyBytes]).toEqual([503, 1, 300_000])
})

test("a connection that breaks is a reason too", async () => {
  fault({ match: { path: "/echo" }, mode: "reset", times: 1 })
  expect((await world.echo({ headers: { retries: "1" } })).path).toBe("/echo")
}, 60_000)

test("a caller that leaves during the wait is not waited for", async () => {
  fault({ match: { path: "/echo" }, status: 503, headers: { "retry-after": "60" } })
  const controller = new AbortController()
  const pending = world.pass("/echo", { headers: { retries: "3" }, signal: controller.signal }).catch(() => "left")
  await world.fake.waitForRequest(({ path }) => path === "/echo")
  controller.abort()
  expect(await pending).toBe("left")
  expect(attempts()).toBe(1)
})
