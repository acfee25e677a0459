import { afterAll, beforeAll, expect, test } from "bun:test"
import { type Receiver, startReceiver } from "../helpers/receiver.ts"
import { connectFake } from "../helpers/setup.ts"
import { executable, startSluice, until } from "../helpers/sluice.ts"
import { startCommands } from "./commands.ts"

let world: Awaited<ReturnType<typeof startCommands>>
let receiver: Receiver
beforeAll(async () => {
  world = await startCommands()
  receiver = startReceiver()
  await world.sluice.call("POST", "/integrations", { body: { provider: "unauthenticated", unique_key: "plain" } })
})
afterAll(async () => {
  await world.close()
  await receiver.stop()
})

const ok = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await world.run(args)
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: expect.any(String) as string })
  return stdout
}
const json = async (...args: string[]): Promise<any> => JSON.parse(await ok(...args, "--json"))

test("settings show and change where webhooks go and which are sent", async () => {
  expect(await ok("webhooks", "settings")).toMatch(/^primary url +-$/m)
  const shown = await ok(
    "webhooks",
    "settings",
    "--primary-url",
    receiver.url,
    "--off",
    "sync-error,async-action",
    "--on",
    "auth-creation",
  )
  expect(shown).toContain(receiver.url)
  expect(shown).toMatch(/^sync-error +off$/m)
  expect(shown).toMatch(/^sync-completion +on$/m)
  expect((await json("webhooks", "settings")).data).toMatchObject({
    on_sync_error: false,
    on_async_action_completion: false,
  })
  await ok("webhooks", "settings", "--on", "sync-error,async-action")
  const wrong = await world.run(["webhooks", "settings", "--on", "nothing"])
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("sync-completion") as string])
})

test("what was sent is listed, shown with its attempts, and sent again", async () => {
  receiver.answer(() => new Response("", { status: 503 }))
  await connectFake(world.sluice)
  await until(async () => (await json("webhooks", "list")).data[0]?.attempts === 1, "the first attempt")
  const { id, event_id } = (await json("webhooks", "list", "--type", "auth", "-i", "fake", "-c", "c1")).data[0]
  expect(await ok("webhooks", "list", "--state", "pending")).toMatch(new RegExp(`^${id} .* auth +pending +1 +503`, "m"))
  const shown = await ok("webhooks", "show", String(id))
  expect(shown).toContain(event_id)
  expect(shown).toContain('"operation":"creation"')
  expect(shown).toMatch(/ms +503/)
  receiver.answer(() => new Response("ok"))
  expect((await world.run(["webhooks", "redeliver", String(id)])).code).toBe(0)
  await until(async () => (await json("webhooks", "show", String(id))).data.state === "delivered", "the delivery")
  expect(receiver.received.map((one) => one.id)).toEqual([event_id, event_id])
  expect((await world.run(["webhooks", "show", "999"])).code).toBe(3)
})

test("the key is shown, and replaced only when that is confirmed", async () => {
  const before = (await json("webhooks", "key")).data
  expect(await ok("webhooks", "key")).toContain(before.webhook_signing_key)
  expect(before.standard_webhooks_secret).toBe(`whsec_${Buffer.from(before.webhook_signing_key).toString("base64")}`)
  expect((await world.run(["webhooks", "key", "--rotate", "--no-input"])).code).toBe(2)
  expect((await json("webhooks", "key", "--rotate", "--yes")).data.webhook_signing_key).not.toBe(
    before.webhook_signing_key,
  )
})

test("what providers sent is listed, shown and replayed", async () => {
  const { webhook_url } = (await world.sluice.call("GET", "/integrations/plain?include=webhook")).body.data
  const post = (body: unknown) =>
    fetch(webhook_url.replace(/^https?:\/\/[^/]+/, world.sluice.url), { method: "POST", body: JSON.stringify(body) })
  for (const connectionId of ["p1", "p2", "p3"]) expect((await post({ type: "ping", connectionId })).status).toBe(200)
  expect(await ok("webhooks", "inbox")).toMatch(/plain +unmatched +ping/)
  const { data } = await json("webhooks", "inbox", "--state", "unmatched", "-i", "plain")
  expect(data).toHaveLength(3)
  expect(await ok("webhooks", "inbox", data[2].id)).toContain('{"type":"ping","connectionId":"p1"}')
  const none = await world.run(["webhooks", "replay", data[2].id])
  expect([none.code, none.stdout]).toEqual([1, expect.stringContaining("unmatched") as string])
  for (const connection_id of ["p1", "p2"]) {
    const body = { provider_config_key: "plain", connection_id, credentials: { type: "NONE" } }
    await world.sluice.call("POST", "/connections", { body })
  }
  const some = await world.run(["webhooks", "replay", "--state", "unmatched", "-i", "plain", "--json"])
  expect(some.code).toBe(7)
  expect(JSON.parse(some.stdout).data.map(({ state }: { state: string }) => state)).toEqual([
    "matched",
    "matched",
    "unmatched",
  ])
  expect((await world.run(["webhooks", "replay"])).code).toBe(2)
  expect((await world.run(["webhooks", "replay", crypto.randomUUID()])).code).toBe(3)
})

test("logs can be searched, and narrowed by level and time", async () => {
  await until(async () => (await ok("logs", "--search", "503 webhook")).includes("webhook"), "the log entries")
  expect(await ok("logs", "--search", "nowhere-to-be-found")).not.toContain("webhook")
  expect((await json("logs", "--level", "error", "--type", "webhook")).data.length).toBeGreaterThan(0)
  expect((await json("logs", "--to", "2020-01-01T00:00:00Z")).data).toEqual([])
  expect((await world.run(["logs", "--from", "yesterday"])).code).toBe(1)
  expect((await world.run(["logs", "-f", "--state", "failed"])).code).toBe(2)
})

test("logs are followed across a restart of the daemon, until Ctrl-C", async () => {
  const key = crypto.randomUUID()
  const first = await startSluice({ key, keepData: true })
  const proc = Bun.spawn([executable, "logs", "-f", "--json"], {
    env: { SLUICE_HOST: first.url, SLUICE_SECRET_KEY: key },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let text = ""
  const reading = (async () => {
    for await (const chunk of proc.stdout.pipeThrough(new TextDecoderStream())) text += chunk
  })()
  /** Something that is logged: a sync that fails because of its connection is not needed, a dry delivery will do. */
  const make = async (sluice: typeof first, name: string) => {
    await sluice.call("POST", "/integrations", { body: { provider: "unauthenticated", unique_key: "k" } })
    await sluice.call("PATCH", "/sluice/webhooks/settings", { body: { primary_url: "http://nobody.invalid/" } })
    const body = { provider_config_key: "k", connection_id: name, credentials: { type: "NONE" } }
    await sluice.call("POST", "/connections", { body })
  }
  const seen = (name: string) => until(() => text.includes(`"connection":"${name}"`), `${name} to be told of`)
  await until(async () => {
    await make(first, `before-${Date.now()}`)
    return text.includes('"connection":"before-')
  }, "the first line")
  await first.stop()
  const second = await startSluice({ key, dataDir: first.dataDir, args: ["--port", String(first.port)] })
  await make(second, "after")
  await seen("after")
  for (const line of text.trim().split("\n")) expect(["operation", "message"]).toContain(JSON.parse(line).event)
  proc.kill("SIGINT")
  expect(await proc.exited).toBe(130)
  await reading
  await second.stop()
}, 60_000)

test("an action is put in line, and its result asked for later", async () => {
  const source = `import { createAction } from "nango"
import * as z from "zod"
export default createAction({ description: "x", input: z.any(), output: z.any(), exec: async (nango, input) => ({ got: input }) })
`
  await world.sluice.call("POST", "/sluice/deploy", {
    body: { files: { "fake/actions/echo.ts": source }, mode: "apply" },
  })
  const id = (
    await ok("actions", "trigger", "echo", "-i", "fake", "-c", "c1", "--input", "[1]", "--async", "--max-retries", "1")
  ).trim()
  const result = await until(async () => {
    const { code, stdout } = await world.run(["actions", "result", id])
    return code === 0 && stdout
  }, "the result")
  expect(JSON.parse(result)).toEqual({ got: [1] })
  expect((await world.run(["actions", "result", crypto.randomUUID()])).code).toBe(3)
})
