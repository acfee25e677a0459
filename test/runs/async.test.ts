import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { eq } from "drizzle-orm"
import { inTransaction } from "../../src/app/context.ts"
import { sweepResults } from "../../src/runs/async-actions.ts"
import { asyncActions } from "../../src/runs/model.ts"
import { type Answer, temporaryFolder, until } from "../helpers/sluice.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { type Receiver, startReceiver } from "../helpers/receiver.ts"

const action = (exec: string) => `import { createAction } from "nango"
import * as z from "zod"

export default createAction({
  description: "Does what the test needs.",
  input: z.any(),
  output: z.any(),
  exec: async (nango, input) => { ${exec} },
})
`
const files = {
  "k/actions/ask.ts": action('const { data } = await nango.post({ endpoint: "/ask", data: input }); return data'),
  "k/actions/nothing.ts": action("return undefined"),
  "k/actions/refuse.ts": action('throw new nango.ActionError({ reason: "no" })'),
}

/** A provider that answers as the test says, and tells what it was asked, in order. */
let asked: any[]
let respond: (input: any) => Response | Promise<Response>
const provider = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    const input = await request.json()
    asked.push(input)
    return respond(input)
  },
})

let t: TestApp
let receiver: Receiver
let dataDir: string
const config = { egressAllow: "127.0.0.0/8" }
beforeAll(async () => {
  dataDir = temporaryFolder("async")
  receiver = startReceiver()
})
afterAll(async () => {
  rmSync(dataDir, { recursive: true })
  await receiver.stop()
  await provider.stop(true)
})
beforeEach(async () => {
  asked = []
  respond = (input) => Response.json({ got: input })
  t = await testApp({ dataDir, config })
  if ((await t.request("GET", "/integrations/k")).status === 200) return
  await t.request("PATCH", "/sluice/webhooks/settings", {
    body: { primary_url: receiver.url, on_auth_creation: false },
  })
  await t.request("POST", "/integrations", { body: { provider: "private-api-bearer", unique_key: "k" } })
  const credentials = { type: "API_KEY", apiKey: "some-api-key" }
  const connection_config = { baseUrl: `http://127.0.0.1:${provider.port}` }
  const body = { provider_config_key: "k", connection_id: "c", credentials, connection_config }
  expect((await t.request("POST", "/connections", { body })).status).toBe(201)
  const deployed = await t.request("POST", "/sluice/deploy", { body: { files, mode: "apply" } })
  expect(deployed.text).toContain('"deployed":true')
}, 60_000)
afterEach(() => t.close())

const on = { "connection-id": "c", "provider-config-key": "k" }
const trigger = (action_name: string, input?: unknown, headers: Record<string, string> = {}) =>
  t.request("POST", "/action/trigger", {
    body: { action_name, input },
    headers: { ...on, "x-async": "true", ...headers },
  })
async function submit(action_name: string, input?: unknown, headers?: Record<string, string>): Promise<string> {
  const answer = await trigger(action_name, input, headers)
  if (answer.status !== 202) throw new Error(answer.text)
  return answer.body.id
}
const look = (id: string) => t.request("GET", `/action/${id}`)
const ended = (id: string): Promise<Answer> =>
  until(async () => {
    t.app.queue.wake()
    const answer = await look(id)
    return answer.body?.error?.code !== "not_found" && answer
  }, `the action ${id} to end`)
const row = async (id: string) => (await t.ctx.db.select().from(asyncActions).where(eq(asyncActions.id, id)))[0]
const told = (id: string) =>
  until(() => receiver.received.filter(({ body }) => JSON.parse(body).payload?.id === id)[0], "the webhook")

describe("an asynchronous action", () => {
  test("is accepted at once, is not found until it has ended, and then answers what it returned", async () => {
    const answer = await trigger("ask", { n: 1 })
    expect(answer.status).toBe(202)
    const { id } = answer.body
    expect(answer.body).toEqual({ id, statusUrl: `/action/${id}` })
    expect(answer.headers.get("location")).toBe(`/action/${id}`)
    const early = await look(id)
    expect([early.status, early.body]).toEqual([
      404,
      { error: { code: "not_found", message: `No action '${id}' found` } },
    ])
    await t.start()
    const result = await ended(id)
    expect([result.status, result.text]).toEqual([200, '{"got":{"n":1}}'])
    expect((await look(id)).text).toBe(result.text)
    const { body } = await told(id)
    expect(JSON.parse(body)).toEqual({
      from: "nango",
      type: "async_action",
      connectionId: "c",
      providerConfigKey: "k",
      payload: { id, statusUrl: `/action/${id}` },
    })
  })

  test("that returned nothing answers null", async () => {
    await t.start()
    const result = await ended(await submit("nothing"))
    expect([result.status, result.text]).toEqual([200, "null"])
  })

  test("that failed answers as a call that waits would, and is told of as well", async () => {
    await t.start()
    const direct = await t.request("POST", "/action/trigger", { body: { action_name: "refuse" }, headers: on })
    const id = await submit("refuse")
    const result = await ended(id)
    expect(result.status).toBe(500)
    expect(result.body).toEqual(direct.body)
    expect(result.body.error).toMatchObject({ code: "action_script_runtime_error", payload: { reason: "no" } })
    await told(id)
    respond = () => Response.json({ oops: true }, { status: 422 })
    const upstream = await ended(await submit("ask", {}))
    expect([upstream.status, upstream.body.error.code]).toEqual([424, "script_http_error"])
    expect(upstream.body.error.upstream.status).toBe(422)
  })

  test("is refused at once when what it names is not there", async () => {
    expect((await trigger("absent")).body.error.code).toBe("not_found")
    const elsewhere = await trigger("ask", {}, { "connection-id": "absent" })
    expect([elsewhere.status, elsewhere.body.error.code]).toEqual([400, "unknown_connection"])
    const bad = await trigger("ask", {}, { "x-max-retries": "6" })
    expect([bad.status, bad.body.error.code]).toEqual([400, "invalid_headers"])
  })

  test("of another environment does not exist, nor does one that never was", async () => {
    await t.start()
    const id = await submit("nothing")
    await ended(id)
    for (const answer of [await t.request("GET", `/action/${id}`, { key: t.prodKey }), await look(crypto.randomUUID())])
      expect([answer.status, answer.body.error.code]).toEqual([404, "not_found"])
    const bad = await look("nonsense")
    expect([bad.status, bad.body.error.code]).toEqual([400, "invalid_uri_params"])
  })
})

describe("the line of an environment", () => {
  test("is carried out one at a time, in the order of submission", async () => {
    let running = 0
    let most = 0
    respond = async (input) => {
      most = Math.max(most, ++running)
      await Bun.sleep(5)
      running--
      return Response.json(input)
    }
    const ids: string[] = []
    for (let n = 0; n < 4; n++) ids.push(await submit("ask", { n }))
    await t.start()
    for (let n = 4; n < 8; n++) ids.push(await submit("ask", { n }))
    for (const [n, id] of ids.entries()) expect((await ended(id)).body).toEqual({ n })
    expect(asked).toEqual(ids.map((_, n) => ({ n })))
    expect(most).toBe(1)
  })

  test("tries a failure again as often as asked, and lets nobody pass meanwhile", async () => {
    respond = (input) => (input.n === 1 && asked.length < 3 ? new Response("", { status: 418 }) : Response.json(input))
    await t.start()
    const first = await submit("ask", { n: 1 }, { "x-max-retries": "2" })
    const second = await submit("ask", { n: 2 })
    await until(
      async () => (await row(first))?.attempts === 1 && (await row(first))?.state === "waiting",
      "the first failure",
    )
    expect((await row(first))?.next_at).toBe(t.clock.now().getTime() + 1_000)
    t.clock.advance(1_000)
    t.app.queue.wake()
    await until(
      async () => (await row(first))?.attempts === 2 && (await row(first))?.state === "waiting",
      "the second failure",
    )
    expect(asked).toEqual([{ n: 1 }, { n: 1 }])
    expect(receiver.received.filter(({ body }) => body.includes(first))).toEqual([])
    t.clock.advance(2_000)
    expect((await ended(first)).body).toEqual({ n: 1 })
    expect((await ended(second)).body).toEqual({ n: 2 })
    expect(asked).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }, { n: 2 }])
  })

  test("gives a failure up after the last attempt, with the last error", async () => {
    respond = () => Response.json({ try: asked.length }, { status: 418 })
    await t.start()
    const id = await submit("ask", {}, { "x-max-retries": "1" })
    await until(
      async () => (await row(id))?.attempts === 1 && (await row(id))?.state === "waiting",
      "the first failure",
    )
    t.clock.advance(1_000)
    const result = await ended(id)
    expect([result.status, result.body.error.upstream.body]).toEqual([424, { try: 2 }])
    expect(asked).toHaveLength(2)
  })

  test("never begins what has waited for more than a day", async () => {
    const late = await submit("ask", { n: 1 })
    t.clock.advance(24 * 3_600_000 + 1)
    const intime = await submit("ask", { n: 2 })
    await t.start()
    const result = await ended(late)
    expect([result.status, result.body.error.code]).toEqual([400, "action_failure"])
    expect((await ended(intime)).body).toEqual({ got: { n: 2 } })
    expect(asked).toEqual([{ n: 2 }])
    await told(late)
  })

  test("does not run again what the daemon left in the middle, unless it may be retried", async () => {
    const began = Promise.withResolvers<void>()
    respond = () => {
      began.resolve()
      return new Promise<Response>(() => undefined)
    }
    await t.start()
    const once = await submit("ask", { n: 1 })
    const twice = await submit("ask", { n: 2 }, { "x-max-retries": "1" })
    await began.promise
    await t.close()
    // As a daemon that was killed leaves the one that ran.
    respond = (input) => Response.json(input)
    t = await testApp({ dataDir, config })
    await inTransaction(t.ctx, (ctx) =>
      ctx.db.update(asyncActions).set({ state: "running", attempts: 1 }).where(eq(asyncActions.id, twice)),
    )
    await t.start()
    const lost = await ended(once)
    expect([lost.status, lost.body.error.code]).toEqual([410, "script_aborted"])
    await until(async () => (await row(twice))?.state === "waiting", "the second to wait for its retry")
    t.clock.advance(1_000)
    expect((await ended(twice)).body).toEqual({ n: 2 })
    expect(asked).toEqual([{ n: 1 }, { n: 2 }])
  })

  test("keeps a result for seven days", async () => {
    await t.start()
    const id = await submit("nothing")
    await ended(id)
    t.clock.advance(7 * 86_400_000 - 1)
    await sweepResults(t.app)
    expect((await look(id)).status).toBe(200)
    t.clock.advance(2)
    await sweepResults(t.app)
    expect((await look(id)).status).toBe(404)
  })
})
