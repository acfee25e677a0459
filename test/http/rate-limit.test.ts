import { describe, expect, test } from "bun:test"
import { createKey } from "../../src/environments/keys.ts"
import { callerAddress } from "../../src/http/caller-address.ts"
import { testApp, type TestApp } from "../helpers/app.ts"

const limited = (perMinute: number, now = "2026-03-01T12:00:10.000Z") =>
  testApp({ now, config: { rateLimitPerMinute: perMinute } })
const list = (t: TestApp, key?: string, headers?: Record<string, string>) =>
  t.request("GET", "/integrations", { key, headers })
const told = ({ headers }: { headers: Headers }) =>
  ["limit", "remaining", "reset"].map((name) => headers.get(`x-ratelimit-${name}`))
const endOfWindow = String(Date.parse("2026-03-01T12:01:00.000Z") / 1000)

describe("the rate limit", () => {
  test("is told on every answer of a known key, refusals too", async () => {
    await using t = await limited(10)
    expect(told(await list(t))).toEqual(["10", "9", endOfWindow])
    expect(told(await t.request("GET", "/integrations/nowhere"))).toEqual(["10", "8", endOfWindow])
    expect(told(await t.request("GET", "/integrations?nope=1"))).toEqual(["10", "7", endOfWindow])
    const { secretKey } = await createKey(t.app, { environment: t.ctx.environment, displayName: "x", scopes: [] })
    expect(told(await list(t, secretKey))).toEqual(["10", "9", endOfWindow])
  })

  test("refuses what goes beyond it until the window ends", async () => {
    await using t = await limited(2)
    expect([(await list(t)).status, (await list(t)).status]).toEqual([200, 200])
    const refused = await t.request("GET", "/connections/x?provider_config_key=y")
    expect([refused.status, refused.body]).toEqual([
      429,
      { error: { code: "too_many_request", method: "GET", path: "/connections/x" } },
    ])
    expect(refused.headers.get("retry-after")).toBe("50")
    expect(told(refused)).toEqual(["2", "0", endOfWindow])
    t.clock.advance(49_999)
    expect((await list(t)).headers.get("retry-after")).toBe("1")
    t.clock.advance(1)
    const next = await list(t)
    expect([next.status, ...told(next)]).toEqual([200, "2", "1", String(Number(endOfWindow) + 60)])
  })

  test("counts each key for itself, and functions apart", async () => {
    await using t = await limited(1)
    const { secretKey } = await createKey(t.app, { environment: t.ctx.environment, displayName: "x" })
    expect((await list(t)).status).toBe(200)
    expect((await list(t)).status).toBe(429)
    expect((await list(t, secretKey)).status).toBe(200)
    expect((await list(t, t.prodKey)).status).toBe(200)
    const headers = { "nango-is-script": "true" }
    expect((await t.request("GET", "/connections", { headers })).status).toBe(200)
    // Routes that sessions call as well do not look at that header.
    expect((await list(t, undefined, headers)).status).toBe(429)
  })

  test("comes after the key and before the scope", async () => {
    await using t = await limited(1)
    for (let index = 0; index < 3; index++) {
      const unknown = await list(t, crypto.randomUUID())
      expect([unknown.status, unknown.headers.get("x-ratelimit-limit")]).toEqual([401, null])
    }
    const { secretKey } = await createKey(t.app, { environment: t.ctx.environment, displayName: "x", scopes: [] })
    expect([(await list(t, secretKey)).status, (await list(t, secretKey)).status]).toEqual([403, 429])
  })

  test("can be switched off", async () => {
    await using t = await limited(0)
    const answer = await list(t)
    expect([answer.status, ...told(answer)]).toEqual([200, null, null, null])
  })

  test("counts who has no key by the address, in points", async () => {
    await using t = await limited(20)
    const report = async (peer: string, noted?: string) => {
      const headers = { "content-type": "application/json", ...(noted ? { "x-forwarded-for": noted } : {}) }
      const body = JSON.stringify({ deviceId: "x", event: "y" })
      return (
        await t.send(new Request("http://localhost:3003/cli/telemetry", { method: "POST", headers, body }), () => peer)
      ).status
    }
    expect([await report("203.0.113.1"), await report("203.0.113.1")]).toEqual([204, 204])
    // What a stranger says about its own address does not count.
    expect(await report("203.0.113.1", "198.51.100.7")).toBe(429)
    expect(await report("203.0.113.2")).toBe(204)
    expect([await report("10.0.0.1", "198.51.100.7"), await report("10.0.0.1", "198.51.100.7")]).toEqual([204, 204])
    expect(await report("10.0.0.1", "9.9.9.9, 198.51.100.7")).toBe(429)
    expect(await report("10.0.0.1", "198.51.100.8")).toBe(204)
    expect((await t.request("GET", "/health", { key: null })).headers.get("x-ratelimit-limit")).toBeNull()
  })
})

test.each([
  ["2001:db8:1:2:3::4", undefined, "2001:db8:1:2:ffff::9", undefined, true],
  ["2001:db8:1:2::4", undefined, "2001:db8:1:3::4", undefined, false],
  ["::ffff:203.0.113.1", undefined, "203.0.113.1", undefined, true],
  ["127.0.0.1", "203.0.113.1", "203.0.113.1", undefined, true],
  ["127.0.0.1", "no address", "127.0.0.1", undefined, true],
])("%s (%s) and %s (%s) are one caller: %s", (a, notedA, b, notedB, same) => {
  const of = (peer: string, noted: string | undefined) =>
    callerAddress(new Headers(noted ? { "x-forwarded-for": noted } : {}), peer)
  expect(of(a, notedA) === of(b, notedB)).toBe(same)
})
