import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { Nango } from "@nangohq/node"
import { signWebhook } from "../../src/fake-provider/webhooks.ts"
import { readEvents } from "../helpers/events.ts"
import { type Receiver, startReceiver } from "../helpers/receiver.ts"
import { connectFake, onFake, startWithFake, syncEnded } from "../helpers/setup.ts"
import { deploy, until } from "../helpers/sluice.ts"
import { client040, client042 } from "./clients.ts"

const head = 'import { createAction, createSync } from "nango"\nimport * as z from "zod"\n'
const sync = (exec: string, model = "Item", more = "") =>
  `${head}export default createSync({ description: "x", frequency: "every hour", autoStart: false, models: { ${model}: z.object({ id: z.string() }) }, ${more}\n  exec: async (nango) => { ${exec} } })\n`
const files = {
  "fake/syncs/fresh.ts": sync('await nango.batchSave([{ id: String(Date.now()) }], "Item")'),
  "fake/syncs/idle.ts": sync("await nango.log('nothing to do')", "Idle"),
  "fake/syncs/broken.ts": sync('await nango.saveCheckpoint({ n: 1 }); throw new Error("it broke")', "Broken"),
  "fake/syncs/waits.ts": sync('await nango.get({ endpoint: "/slow?ms=60000" })', "Waits"),
  "fake/actions/echo.ts": `${head}export default createAction({ description: "x", input: z.any(), output: z.any(), exec: async (nango, input) => ({ got: input }) })\n`,
  "chat/syncs/messages.ts": sync(
    "",
    "Message",
    `webhookSubscriptions: ["message"],
  onWebhook: async (nango, payload) => { await nango.batchSave([{ id: payload.event.ts, text: payload.event.text }], "Message") },`,
  ),
}

let world: Awaited<ReturnType<typeof startWithFake>>
let receiver: Receiver
let nango: Nango
let signingKey: string
beforeAll(async () => {
  world = await startWithFake()
  receiver = startReceiver()
  const { sluice } = world
  await connectFake(sluice)
  const oauth = { type: "OAUTH2", client_id: "i", client_secret: "s", webhook_secret: "the-secret" }
  await sluice.call("POST", "/integrations", { body: { provider: "slack", unique_key: "chat", credentials: oauth } })
  const connection = {
    provider_config_key: "chat",
    connection_id: "team",
    credentials: { type: "OAUTH2", access_token: "t" },
  }
  await sluice.call("POST", "/connections", { body: { ...connection, connection_config: { "team.id": "T1" } } })
  await deploy(sluice, files)
  await sluice.call("PATCH", "/sluice/webhooks/settings", { body: { primary_url: receiver.url } })
  signingKey = (await sluice.call("GET", "/sluice/webhooks/key")).body.data.webhook_signing_key
  nango = new Nango({ apiKey: sluice.key, host: sluice.url, webhookSigningKey: signingKey })
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await receiver.stop()
})

const next = (is: (body: any) => boolean) =>
  until(
    () => receiver.received.map((one) => ({ ...one, json: JSON.parse(one.body) })).find(({ json }) => is(json)),
    "the webhook",
  )
const forget = () => void (receiver.received.length = 0)
async function run(name: string): Promise<void> {
  const last = (await world.sluice.call("GET", `/sync/status?syncs=${name}&provider_config_key=fake&connection_id=c1`))
    .body.syncs[0].finishedAt
  await nango.triggerSync("fake", [name], "c1")
  await syncEnded(world.sluice, name, { after: last ?? undefined })
}

describe("a sync", () => {
  test("that saved something is told of, signed so that the official client accepts it", async () => {
    forget()
    await run("fresh")
    const { json, body, headers } = await next(({ type }) => type === "sync")
    expect(json).toMatchObject({
      from: "nango",
      type: "sync",
      connectionId: "c1",
      providerConfigKey: "fake",
      syncName: "fresh",
      syncVariant: "base",
      model: "Item",
      syncType: "INITIAL",
      success: true,
      responseResults: { added: 1, updated: 0, deleted: 0 },
    })
    expect(json.queryTimeStamp).toBe(json.modifiedAfter)
    expect(nango.verifyIncomingWebhookRequest(body, headers)).toBe(true)
    expect(nango.verifyWebhookSignature(headers["x-nango-signature"] ?? "", json)).toBe(true)
    // Older clients know one key only, so who verifies with them makes one with the signing key.
    for (const old of [client042(world.sluice, signingKey), client040(world.sluice, signingKey)]) {
      expect(old.verifyWebhookSignature(headers["x-nango-signature"] ?? "", json)).toBe(true)
      expect(old.verifyWebhookSignature(headers["x-nango-signature"] ?? "", { ...json, model: "Other" })).toBe(false)
    }
    const { records } = await nango.listRecords({
      providerConfigKey: "fake",
      connectionId: "c1",
      model: "Item",
      modifiedAfter: json.modifiedAfter,
    })
    expect(records).toHaveLength(1)
  })

  test.each([
    ["idle", "on_sync_completion_always", { success: true, responseResults: { added: 0, updated: 0, deleted: 0 } }],
    [
      "broken",
      "on_sync_error",
      { success: false, error: { type: "script_error" }, checkpoints: { from: null, to: { n: 1 } } },
    ],
  ])("%s is told of as %s says", async (name, flag, expected) => {
    forget()
    await run(name)
    expect((await next(({ syncName }) => syncName === name)).json).toMatchObject(expected)
    await world.sluice.call("PATCH", "/sluice/webhooks/settings", { body: { [flag]: false } })
    forget()
    await run(name)
    await run("fresh")
    await next(({ syncName }) => syncName === "fresh")
    expect(receiver.received.map(({ body }) => JSON.parse(body).syncName)).toEqual(["fresh"])
    await world.sluice.call("PATCH", "/sluice/webhooks/settings", { body: { [flag]: true } })
  })
})

test("a run that a pause ends is told of as one that failed", async () => {
  forget()
  await nango.triggerSync("fake", ["waits"], "c1")
  await until(() => world.fake.requests.some(({ path }) => path === "/slow"), "the run to wait at the provider")
  await nango.pauseSync("fake", ["waits"], "c1")
  const { json } = await next(({ syncName }) => syncName === "waits")
  expect(json).toMatchObject({ success: false, error: { type: "script_error", description: "The run was cancelled" } })
})

test("an asynchronous action through the official client, to its result and its webhook", async () => {
  forget()
  const queued = await nango.triggerActionAsync("fake", "c1", "echo", { n: 1 })
  expect(queued.statusUrl).toBe(`/action/${queued.id}`)
  const { json } = await next(({ type }) => type === "async_action")
  expect(json).toEqual({
    from: "nango",
    type: "async_action",
    connectionId: "c1",
    providerConfigKey: "fake",
    payload: queued,
  })
  expect(await nango.getAsyncActionResult<any>({ statusUrl: json.payload.statusUrl })).toEqual({ got: { n: 1 } })
  expect(await nango.getAsyncActionResult<any>({ id: queued.id })).toEqual({ got: { n: 1 } })
})

test("a provider's webhook runs its function, is forwarded, and shows in the change feed", async () => {
  forget()
  const { sluice } = world
  const url = (await sluice.call("GET", "/integrations/chat?include=webhook")).body.data.webhook_url as string
  const onTeam = { "connection-id": "team", "provider-config-key": "chat" }
  const cursor = (await sluice.call("GET", "/sluice/records/changes?after=now", { headers: onTeam })).body.next_cursor
  const waiting = sluice.call("GET", `/sluice/records/changes?after=${cursor}&wait=30`, { headers: onTeam })
  const payload = { type: "event_callback", team_id: "T1", event: { type: "message", ts: "1.2", text: "hello" } }
  const body = JSON.stringify(payload)
  const sign = { scheme: "slack-v0" as const, secret: "the-secret", timestamp: Math.floor(Date.now() / 1000), id: "" }
  const headers = { "content-type": "application/json", ...signWebhook(body, sign) }
  const target = url.replace(/^https?:\/\/[^/]+/, sluice.url)
  expect((await fetch(target, { method: "POST", body: `${body} `, headers })).status).toBe(401)
  const answer = await fetch(target, { method: "POST", body, headers })
  expect([answer.status, await answer.json()]).toEqual([200, { status: "success" }])
  expect((await waiting).body.changes).toMatchObject([{ model: "Message", record: { id: "1.2", text: "hello" } }])
  expect((await next(({ type }) => type === "forward")).json).toEqual({
    from: "slack",
    type: "forward",
    connectionId: "team",
    providerConfigKey: "chat",
    payload,
  })
  expect((await next(({ type }) => type === "sync")).json).toMatchObject({
    syncName: "messages",
    syncType: "WEBHOOK",
    responseResults: { added: 1 },
  })
})

test("streams pass at once through the daemon, and end when it stops", async () => {
  const { sluice } = world
  const authorization = `Bearer ${sluice.key}`
  const accept = "text/event-stream"
  const changes = readEvents(
    await fetch(`${sluice.url}/sluice/records/changes?after=now`, { headers: { authorization, accept, ...onFake() } }),
  )
  const logs = readEvents(await fetch(`${sluice.url}/sluice/logs/tail?function=fresh`, { headers: { authorization } }))
  await run("fresh")
  expect(await changes.next()).toMatchObject({ event: "change", data: { model: "Item" } })
  expect(await logs.next()).toMatchObject({ event: "operation", data: { function: "fresh", type: "sync" } })
  const ended = (async () => {
    while (await changes.next());
    while (await logs.next());
  })()
  const began = performance.now()
  await sluice.stop()
  await ended
  // Three seconds is what open requests get before they are cut.
  expect(performance.now() - began).toBeLessThan(3_000)
})
