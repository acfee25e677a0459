import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { rmSync } from "node:fs"
import { eq } from "drizzle-orm"
import { Nango } from "@nangohq/node"
import { testApp, type TestApp } from "../helpers/app.ts"
import { tasks } from "../../src/queue/model.ts"
import { type Receiver, startReceiver } from "../helpers/receiver.ts"
import { temporaryFolder, until } from "../helpers/sluice.ts"
import { address } from "../kit/certificates.ts"
import { day, hour, type Webhooks, webhooksOf } from "./room.ts"

let t: TestApp
let w: Webhooks
let receiver: Receiver
beforeEach(async () => {
  t = await testApp({ config: { egressAllow: "127.0.0.0/8" } })
  w = webhooksOf(t)
  receiver = startReceiver()
  await w.settings({ primary_url: `${receiver.url}/hook` })
  await t.start()
})
afterEach(async () => {
  await t.close()
  await receiver.stop()
})

const delivered = (row: { state: string }) => row.state === "delivered"
const bodies = () => receiver.received.map(({ body }) => JSON.parse(body))
const status = (code: number, headers: Record<string, string> = {}) =>
  receiver.answer(() => new Response("", { status: code, headers }))

describe("a webhook", () => {
  test("arrives as compact JSON with sorted members, an id and both kinds of signature", async () => {
    await w.tell({ b: { d: 1, c: "ü" }, a: [{ z: undefined, y: null }], from: "nango" })
    await w.settled(delivered)
    const [one] = receiver.received
    expect(one?.body).toBe('{"a":[{"y":null}],"b":{"c":"ü","d":1},"from":"nango"}')
    expect(one?.path).toBe("/hook")
    expect(one?.headers["content-type"]).toBe("application/json")
    expect(one?.id).toMatch(/^msg_[0-9a-f]{32}$/)

    const { data } = (await t.request("GET", "/sluice/webhooks/key")).body
    const nango = new Nango({ apiKey: t.key, host: "http://localhost:1", webhookSigningKey: data.webhook_signing_key })
    expect(nango.verifyIncomingWebhookRequest(one?.body ?? "", one?.headers ?? {})).toBe(true)
    expect(nango.verifyIncomingWebhookRequest(`${one?.body} `, one?.headers ?? {})).toBe(false)
    expect(nango.verifyWebhookSignature(one?.headers["x-nango-signature"] ?? "", JSON.parse(one?.body ?? ""))).toBe(
      true,
    )
    expect(nango.verifyWebhookSignature(one?.headers["x-nango-signature"] ?? "", { other: true })).toBe(false)
    expect(verifyStandard(data.standard_webhooks_secret, one!)).toBe(true)
    expect(verifyStandard(data.standard_webhooks_secret, { ...one!, body: "{}" })).toBe(false)
  })

  test("keeps its id and bytes through every retry, and signs each with its own time", async () => {
    status(500)
    await w.tell({ n: 1 })
    await w.settled((row) => row.attempts === 1)
    await w.pass(hour)
    status(200)
    await w.pass(hour)
    await w.settled(delivered)
    const [first, second, third] = receiver.received
    expect(receiver.received).toHaveLength(3)
    for (const again of [second, third]) {
      expect(again).toMatchObject({ id: first?.id, body: first?.body })
      expect(again?.headers["x-nango-hmac-sha256"]).toBe(first?.headers["x-nango-hmac-sha256"] ?? "")
    }
    const stamps = receiver.received.map(({ headers }) => Number(headers["webhook-timestamp"]))
    expect(stamps.map((stamp) => stamp - (stamps[0] ?? 0))).toEqual([0, 3600, 7200])
    const attempts = await w.attempts()
    expect(attempts.map(({ status }) => status)).toEqual([500, 500, 200])
  })

  test("is tried for about three days and then given up", async () => {
    status(503)
    await w.tell({ n: 1 })
    await w.settled((row) => row.attempts === 1)
    const began = t.clock.now().getTime()
    let last = began
    for (let n = 0; n < 40 && (await w.deliveries())[0]?.state === "pending"; n++) {
      const next = (await w.deliveries())[0]?.next_at ?? 0
      last = next
      await w.pass(next - t.clock.now().getTime())
    }
    const [row] = await w.deliveries()
    expect(row).toMatchObject({ state: "failed", last_status: 503, next_at: null })
    expect(receiver.received.length).toBe(row?.attempts ?? 0)
    expect(last - began).toBeGreaterThan(2.4 * day)
    expect(last - began).toBeLessThan(3.5 * day)
  })

  test.each([
    ["seconds", () => "7200"],
    ["a date", () => new Date(t.clock.now().getTime() + 2 * hour).toUTCString()],
  ])("waits as long as Retry-After says in %s", async (_form, value) => {
    status(429, { "retry-after": value() })
    await w.tell({ n: 1 })
    const [row] = await w.settled(({ attempts }) => attempts === 1)
    const waits = (row?.next_at ?? 0) - t.clock.now().getTime()
    expect(Math.round(waits / 1000)).toBe(7200)
    status(200)
    await w.pass(hour)
    expect(receiver.received).toHaveLength(1)
    await w.pass(hour)
    await w.settled(delivered)
  })

  test("is due again when its row says, however long it takes to close the attempt", async () => {
    status(429, { "retry-after": "7200" })
    const { open } = t.app.logs
    t.app.logs.open = (input) => {
      if (input.type === "webhook") t.clock.advance(hour)
      return open(input)
    }
    await w.tell({ n: 1 })
    const [row] = await w.settled(({ attempts }) => attempts > 0)
    const [task] = await until(async () => {
      const waiting = await t.ctx.db.select().from(tasks).where(eq(tasks.state, "waiting"))
      return waiting.length > 0 && waiting
    }, "the lane to wait")
    expect(task?.run_at).toBe(row?.next_at ?? 0)
  })

  test("is never held back longer than a day by what the receiver asks for", async () => {
    status(429, { "retry-after": "99999999" })
    await w.tell({ n: 1 })
    const [row] = await w.settled(({ attempts }) => attempts === 1)
    expect((row?.next_at ?? 0) - t.clock.now().getTime()).toBe(day)
  })

  test("does not follow a redirect, and says so", async () => {
    const elsewhere = startReceiver()
    status(301, { location: elsewhere.url })
    await w.tell({ n: 1 })
    const [row] = await w.settled(({ attempts }) => attempts === 1)
    expect(row).toMatchObject({ state: "pending", last_status: 301, last_error: expect.stringContaining("redirect") })
    expect(elsewhere.received).toEqual([])
    await elsewhere.stop()
  })

  test("is not sent to a receiver whose certificate nobody vouches for", async () => {
    await using secret = startReceiver({ tls: address })
    await w.settings({ primary_url: secret.url })
    await w.tell({ n: 1 })
    const [row] = await w.settled(({ attempts }) => attempts === 1)
    expect(row).toMatchObject({
      state: "pending",
      last_status: null,
      last_error: expect.stringMatching(/CERT|SELF_SIGNED|verify/i),
    })
    expect(secret.received).toEqual([])
  })

  test("is not sent into a private network unless that was allowed", async () => {
    const dataDir = temporaryFolder("closed")
    const open = await testApp({ dataDir, config: { egressAllow: "127.0.0.0/8" } })
    await webhooksOf(open).settings({ primary_url: receiver.url })
    await open.close()
    await using strict = await testApp({ dataDir })
    const own = webhooksOf(strict)
    await strict.start()
    await own.tell({ n: 1 })
    const [row] = await own.settled(({ attempts }) => attempts === 1)
    expect(row).toMatchObject({ state: "pending", last_error: expect.stringContaining("not allowed") })
    expect(receiver.received).toEqual([])
    rmSync(dataDir, { recursive: true })
  })
})

describe("a receiver", () => {
  test("that is down for hours gets everything, in order for each connection", async () => {
    await w.integrate()
    const a = await w.connect("a")
    const b = await w.connect("b")
    await w.settled(delivered)
    receiver.received.length = 0
    const { port } = new URL(receiver.url)
    await receiver.stop()
    for (let n = 0; n < 5; n++) {
      for (const found of [a, b]) await w.tell({ of: found.connection.connection_id, n }, { found })
      await w.pass(20 * 60_000)
    }
    await w.pass(3 * hour)
    receiver = startReceiver({ port: Number(port) })
    await w.pass(12 * hour)
    await w.settled(delivered)
    for (const name of ["a", "b"])
      expect(
        bodies()
          .filter(({ of }) => of === name)
          .map(({ n }) => n),
      ).toEqual([0, 1, 2, 3, 4])
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(10)
  })

  test("that fails for one connection holds up that connection only", async () => {
    await w.integrate()
    const bad = await w.connect("bad")
    const good = await w.connect("good")
    await w.settled(delivered)
    receiver.received.length = 0
    receiver.answer(({ body }) => new Response("", { status: JSON.parse(body).of === "bad" ? 500 : 200 }))
    for (let n = 0; n < 3; n++) {
      await w.tell({ of: "bad", n }, { found: bad })
      await w.tell({ of: "good", n }, { found: good })
    }
    await w.settled((row) => row.connection !== "good" || row.state === "delivered")
    expect(
      bodies()
        .filter(({ of }) => of === "good")
        .map(({ n }) => n),
    ).toEqual([0, 1, 2])
    expect(
      bodies()
        .filter(({ of }) => of === "bad")
        .map(({ n }) => n),
    ).toEqual([0])
    status(200)
    await w.pass(hour)
    await w.settled(delivered)
    expect(
      bodies()
        .filter(({ of }) => of === "bad")
        .map(({ n }) => n),
    ).toEqual([0, 0, 1, 2])
  })

  test("that answers 410 gets nothing more until it is opened again", async () => {
    status(410)
    await w.tell({ n: 1 })
    await w.settled(({ state }) => state === "disabled")
    await w.tell({ n: 2 })
    expect(await w.deliveries()).toHaveLength(1)
    expect((await t.request("GET", "/sluice/webhooks/settings")).body.data.disabled_urls).toEqual([
      `${receiver.url}/hook`,
    ])
    status(200)
    await w.settings({})
    await w.tell({ n: 3 })
    await w.settled((row) => row.id === 1 || row.state === "delivered")
    expect(bodies().map(({ n }) => n)).toEqual([1, 3])
  })

  test("that is gone is not asked again for what was in line behind, until somebody sends it anew", async () => {
    status(500)
    await w.tell({ n: 1 })
    await w.tell({ n: 2 })
    await w.settled((row) => row.id > 1 || row.attempts === 1)
    status(410)
    await w.pass(hour)
    await w.settled(({ state }) => state === "disabled")
    expect(bodies().map(({ n }) => n)).toEqual([1, 1])
    status(200)
    expect((await t.request("POST", "/sluice/webhooks/deliveries/2/redeliver")).status).toBe(200)
    await w.settled((row) => row.id === 1 || row.state === "delivered")
    expect((await t.request("GET", "/sluice/webhooks/settings")).body.data.disabled_urls).toEqual([])
  })

  test("that hangs when the daemon stops is asked again by the next one", async () => {
    const asked = Promise.withResolvers<void>()
    receiver.answer(() => {
      asked.resolve()
      return new Promise<Response>(() => undefined)
    })
    const dataDir = temporaryFolder("restart")
    const config = { egressAllow: "127.0.0.0/8" }
    const before = await testApp({ dataDir, config })
    await webhooksOf(before).settings({ primary_url: receiver.url })
    await before.start()
    await webhooksOf(before).tell({ n: 1 })
    await asked.promise
    await before.close()
    status(200)
    const after = await testApp({ dataDir, config })
    expect(await webhooksOf(after).deliveries()).toMatchObject([{ state: "pending", attempts: 0 }])
    await after.start()
    await webhooksOf(after).settled(delivered)
    await after.close()
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1)
    expect(bodies()).toEqual([{ n: 1 }, { n: 1 }])
    rmSync(dataDir, { recursive: true })
  })
})

function verifyStandard(secret: string, { headers, body }: { headers: Record<string, string>; body: string }): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64")
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`
  const expected = createHmac("sha256", key).update(signed).digest("base64")
  return (headers["webhook-signature"] ?? "").split(" ").includes(`v1,${expected}`)
}
