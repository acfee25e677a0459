import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { eq } from "drizzle-orm"
import { inTransaction } from "../../src/app/context.ts"
import { maxLosses, tasks } from "../../src/queue/model.ts"
import { queueAuthWebhook } from "../../src/webhooks/auth.ts"
import { sweepDeliveries, wakeForgottenLanes } from "../../src/webhooks/upkeep.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { type Receiver, startReceiver } from "../helpers/receiver.ts"
import { day, hour, type Webhooks, webhooksOf } from "./room.ts"

let t: TestApp
let w: Webhooks
let receiver: Receiver
beforeEach(async () => {
  t = await testApp({ config: { egressAllow: "127.0.0.0/8" } })
  w = webhooksOf(t)
  receiver = startReceiver()
  await w.integrate()
})
afterEach(async () => {
  await t.close()
  await receiver.stop()
})

const summary = async () =>
  (await w.deliveries()).map(({ body }) => {
    const { type, operation, success } = JSON.parse(body)
    return `${type} ${operation} ${success}`
  })
const switches = [
  "on_sync_completion_always",
  "on_sync_error",
  "on_auth_creation",
  "on_auth_refresh_error",
  "on_async_action_completion",
  "on_connection_deletion",
] as const

describe("the settings", () => {
  test("begin with every switch on and no address, and change one by one", async () => {
    const shown = (await t.request("GET", "/sluice/webhooks/settings")).body.data
    expect(shown).toMatchObject({ primary_url: null, secondary_url: null, disabled_urls: [] })
    for (const name of switches) expect(shown[name]).toBe(true)
    await w.settings({ primary_url: receiver.url, on_sync_error: false })
    expect(await w.settings({ secondary_url: "https://example.com/x" })).toMatchObject({
      primary_url: receiver.url,
      secondary_url: "https://example.com/x",
      on_sync_error: false,
      on_auth_creation: true,
    })
    expect((await w.settings({ primary_url: "" })).primary_url).toBeNull()
  })

  test.each(["http://10.1.2.3/hook", "https://metadata.google.internal/", "https://a:b@hooks.example.com/"])(
    "refuse %s, where nothing could be sent",
    async (url) => {
      for (const name of ["primary_url", "secondary_url"]) {
        const answer = await t.request("PATCH", "/sluice/webhooks/settings", { body: { [name]: url } })
        const [issue] = answer.body.error.errors
        expect([answer.status, answer.body.error.code, issue.path]).toEqual([400, "invalid_body", [name]])
        expect(issue.message).toContain(new URL(url).hostname)
      }
      expect((await t.request("GET", "/sluice/webhooks/settings")).body.data.primary_url).toBeNull()
    },
  )

  test.each([{ primary_url: "ftp://x" }, { primary_url: "nonsense" }, { on_sync_error: "yes" }, { other: 1 }])(
    "refuse %p",
    async (body) => {
      expect((await t.request("PATCH", "/sluice/webhooks/settings", { body })).status).toBe(400)
    },
  )

  test("are those of one environment", async () => {
    await w.settings({ primary_url: receiver.url })
    const other = await t.request("GET", "/sluice/webhooks/settings", { key: t.prodKey })
    expect(other.body.data.primary_url).toBeNull()
  })

  test("without an address nothing is queued", async () => {
    await w.tell({ n: 1 })
    expect(await w.deliveries()).toEqual([])
  })

  test.each(switches)("%s lets its kind pass or not, and nothing else", async (name) => {
    await w.settings({ primary_url: receiver.url, [name]: false })
    for (const when of switches) await w.tell({ when }, { when })
    await w.tell({ when: "always" })
    const passed = (await w.deliveries()).map(({ body }) => JSON.parse(body).when)
    expect(passed).toEqual([...switches.filter((one) => one !== name), "always"])
  })

  test.each([
    [
      {},
      ["auth creation true", "auth override true", "auth creation false", "auth refresh false", "auth deletion true"],
    ],
    [{ on_auth_creation: false }, ["auth override true", "auth refresh false", "auth deletion true"]],
    [
      { on_auth_refresh_error: false },
      ["auth creation true", "auth override true", "auth creation false", "auth deletion true"],
    ],
    [
      { on_connection_deletion: false },
      ["auth creation true", "auth override true", "auth creation false", "auth refresh false"],
    ],
  ])("%p decide which auth webhooks are sent", async (change, expected) => {
    await w.settings({ primary_url: receiver.url, ...change })
    const { connection } = await w.connect("c")
    await w.connect("c")
    const error = { type: "some_error", description: "bad" }
    for (const operation of ["creation", "refresh"] as const)
      await inTransaction(t.ctx, (ctx) => queueAuthWebhook(ctx, { connection, operation, error }))
    await t.request("DELETE", "/connections/c?provider_config_key=k")
    expect(await summary()).toEqual(expected)
  })

  test("a connection's own address replaces both", async () => {
    await w.settings({ primary_url: receiver.url, secondary_url: "https://example.com/second" })
    const found = await w.connect("c", { webhook_url_override: "https://example.com/own" })
    await w.tell({ n: 1 }, { found })
    await w.tell({ n: 2 })
    const urls = (await w.deliveries()).map(({ body, url }) => [JSON.parse(body).n, url])
    expect(urls).toEqual([
      [undefined, "https://example.com/own"],
      [1, "https://example.com/own"],
      [2, receiver.url],
      [2, "https://example.com/second"],
    ])
  })

  test("both addresses get the same event, each at its own pace", async () => {
    await using second = startReceiver()
    await w.settings({ primary_url: receiver.url, secondary_url: second.url })
    receiver.answer(() => new Response("", { status: 500 }))
    await t.start()
    await w.tell({ n: 1 })
    await w.settled((row) => row.attempts === 1)
    expect((await w.deliveries()).map(({ state }) => state)).toEqual(["pending", "delivered"])
    expect(receiver.received[0]?.id).toBe(second.received[0]?.id ?? "")
  })

  test("what waits moves to the address that replaces its own, and ends when there is none", async () => {
    await using moved = startReceiver()
    receiver.answer(() => new Response("", { status: 500 }))
    await w.settings({ primary_url: receiver.url, secondary_url: `${receiver.url}/second` })
    await t.start()
    await w.tell({ n: 1 })
    await w.tell({ n: 2 })
    await w.settled((row) => row.id > 2 || row.attempts === 1)
    await w.settings({ primary_url: moved.url, secondary_url: null })
    await w.settled((row) => row.state !== "pending")
    expect((await w.deliveries()).map(({ state, url }) => `${state} ${url === moved.url}`)).toEqual([
      "delivered true",
      "disabled false",
      "delivered true",
      "disabled false",
    ])
    expect(moved.received.map(({ body }) => body)).toEqual(['{"n":1}', '{"n":2}'])
  })
})

describe("deliveries", () => {
  test("are listed newest first, filtered, paged, and shown with every attempt", async () => {
    receiver.answer(() => new Response("", { status: 500 }))
    await w.settings({ primary_url: receiver.url })
    await t.start()
    const found = await w.connect("c")
    await w.settled((row) => row.attempts === 1)
    for (let n = 0; n < 3; n++) await w.tell({ n }, { found })
    const list = async (query: string): Promise<number[]> =>
      (await t.request("GET", `/sluice/webhooks/deliveries?${query}`)).body.data.map(({ id }: { id: number }) => id)
    expect(await list("")).toEqual([4, 3, 2, 1])
    expect(await list("type=auth")).toEqual([1])
    expect(await list("state=delivered")).toEqual([])
    expect(await list("connection=c&integration=k&limit=2")).toEqual([4, 3])
    expect(await list("before=3&limit=1")).toEqual([2])
    expect(await list("connection=other")).toEqual([])
    await w.pass(hour)
    const { data } = (await t.request("GET", "/sluice/webhooks/deliveries/1")).body
    expect(data).toMatchObject({ id: 1, state: "pending", attempts: 2, last_status: 500 })
    expect(JSON.parse(data.body)).toMatchObject({ type: "auth", connectionId: "c" })
    expect(data.attempt_list.map(({ status }: { status: number }) => status)).toEqual([500, 500])
    expect((await t.request("GET", "/sluice/webhooks/deliveries/1", { key: t.prodKey })).status).toBe(404)
    expect((await t.request("POST", "/sluice/webhooks/deliveries/1/redeliver", { key: t.prodKey })).status).toBe(404)
  })

  test("one that was given up or delivered can be sent again, at once and unchanged", async () => {
    await w.settings({ primary_url: receiver.url })
    await t.start()
    await w.tell({ n: 1 })
    await w.settled((row) => row.state === "delivered")
    expect((await t.request("POST", "/sluice/webhooks/deliveries/1/redeliver")).body).toEqual({ success: true })
    await w.settled((row) => row.state === "delivered" && receiver.received.length === 2)
    const [first, second] = receiver.received
    expect(second).toMatchObject({ id: first?.id, body: first?.body })
    expect(await w.attempts()).toHaveLength(2)
  })

  test("sending again does not wait for the next planned attempt", async () => {
    receiver.answer(() => new Response("", { status: 500 }))
    await w.settings({ primary_url: receiver.url })
    await t.start()
    await w.tell({ n: 1 })
    await w.settled((row) => row.attempts === 1)
    receiver.answer(() => new Response("ok"))
    await t.request("POST", "/sluice/webhooks/deliveries/1/redeliver")
    await w.settled((row) => row.state === "delivered")
  })

  test("that are over go after the retention time; what waits stays", async () => {
    await w.settings({ primary_url: receiver.url })
    await t.start()
    await w.tell({ n: 1 })
    await w.settled((row) => row.state === "delivered")
    t.clock.advance(29 * day)
    receiver.answer(() => new Response("", { status: 500 }))
    await w.tell({ n: 2 })
    await w.settled((row) => row.id === 1 || row.attempts === 1)
    await sweepDeliveries(t.app)
    expect(await w.deliveries()).toHaveLength(2)
    t.clock.advance(2 * day)
    await sweepDeliveries(t.app)
    expect((await w.deliveries()).map(({ id }) => id)).toEqual([2])
    expect((await w.attempts()).map(({ delivery_id }) => delivery_id)).toEqual([2])
  })

  test("a lane that lost its task finds one again, as one does that was lost too often", async () => {
    await w.settings({ primary_url: receiver.url })
    await w.tell({ n: 1 })
    await inTransaction(t.ctx, (ctx) => ctx.db.delete(tasks))
    expect(await wakeForgottenLanes(t.app)).toBe(1)
    expect(await wakeForgottenLanes(t.app)).toBe(0)
    // As if the daemon had died in the middle of it, again and again.
    await inTransaction(t.ctx, (ctx) =>
      ctx.db.update(tasks).set({ state: "started", losses: maxLosses - 1, lease_until: 0 }),
    )
    await t.start()
    await w.settled((row) => row.state === "delivered")
    expect(receiver.received).toHaveLength(1)
  })

  test("of a deleted environment are not sent", async () => {
    const made = await t.request("POST", "/environments", { body: { name: "gone" } })
    const id = made.body.data.id as number
    await inTransaction(t.ctx, async (ctx) => {
      const environment = { ...ctx.environment, id, name: "gone" }
      const { saveSettings } = await import("../../src/webhooks/settings.ts")
      const { queueWebhook } = await import("../../src/webhooks/outbox.ts")
      await saveSettings({ ...ctx, environment }, { primary_url: receiver.url })
      await queueWebhook({ ...ctx, environment }, { type: "sync", body: { n: 1 } })
    })
    expect((await t.request("DELETE", `/environments/${id}`)).status).toBe(204)
    await t.start()
    expect(await w.deliveries()).toEqual([])
    expect(await t.ctx.db.select().from(tasks).where(eq(tasks.state, "started"))).toEqual([])
    expect(receiver.received).toEqual([])
  })
})

test("the signing key can be read, and replaced", async () => {
  await w.settings({ primary_url: receiver.url })
  const before = (await t.request("GET", "/sluice/webhooks/key")).body.data.webhook_signing_key
  const rotated = (await t.request("POST", "/environment/webhook-signing-key/rotate")).body.data.webhook_signing_key
  const after = (await t.request("GET", "/sluice/webhooks/key")).body.data.webhook_signing_key
  expect(after).toBe(rotated)
  expect(after).not.toBe(before)
})
