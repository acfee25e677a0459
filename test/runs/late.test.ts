import { afterAll, beforeAll, expect, test } from "bun:test"
import { inTransaction } from "../../src/app/context.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { until } from "../helpers/sluice.ts"

const source = `import { createSync } from "nango"
import * as z from "zod"

export default createSync({
  description: "Waits at the provider, then ends well.",
  frequency: "every hour",
  autoStart: false,
  models: { Thing: z.object({ id: z.string() }) },
  exec: async (nango) => {
    await nango.saveCheckpoint({ page: 1 })
    await nango.get({ endpoint: "/wait" })
  },
})
`

/** A provider that answers when the test says so. */
function startGate() {
  let asked = Promise.withResolvers<void>()
  let open = Promise.withResolvers<void>()
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch() {
      asked.resolve()
      await open.promise
      return Response.json({})
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    asked: () => asked.promise,
    open: () => open.resolve(),
    reset() {
      asked = Promise.withResolvers()
      open = Promise.withResolvers()
    },
    stop: () => server.stop(true),
  }
}

let t: TestApp
const gate = startGate()
beforeAll(async () => {
  t = await testApp({ config: { egressAllow: "127.0.0.0/8" } })
  await t.request("POST", "/integrations", { body: { provider: "private-api-bearer", unique_key: "k" } })
  const credentials = { type: "API_KEY", apiKey: "some-api-key" }
  const connection_config = { baseUrl: gate.url }
  const body = { provider_config_key: "k", connection_id: "c", credentials, connection_config }
  expect((await t.request("POST", "/connections", { body })).status).toBe(201)
  const deployed = await t.request("POST", "/sluice/deploy", {
    body: { files: { "k/syncs/waits.ts": source }, mode: "apply" },
  })
  expect(deployed.text).toContain('"deployed":true')
  await t.start()
}, 60_000)
afterAll(async () => {
  await t.close()
  await gate.stop()
})

const command = (verb: string, more = {}) =>
  t.request("POST", `/sync/${verb}`, {
    body: { provider_config_key: "k", connection_id: "c", syncs: ["waits"], ...more },
  })
const status = async () => (await t.request("GET", "/sync/status?syncs=waits&provider_config_key=k")).body.syncs[0]
const lastSync = async () =>
  (await t.app.store.select<{ at: number | null }>("SELECT last_sync_at AS at FROM syncs", []))[0]?.at
const runs = () =>
  t.app.store.select<{ status: string; error: string | null }>("SELECT status, error FROM sync_runs ORDER BY id", [])

/** Lets the function end well while a command that cancels its run is already in line before its closing step. */
async function endBehind(verb: string, more = {}): Promise<void> {
  gate.reset()
  await command("trigger")
  await gate.asked()
  const blocked = Promise.withResolvers<void>()
  const holding = inTransaction(t.app, () => blocked.promise)
  const cancelling = command(verb, more)
  gate.open()
  await until(() => t.app.runner.stats().busy === 0, "the function to end")
  blocked.resolve()
  await Promise.all([holding, cancelling])
}

test("a run that ends well is remembered, until a reset that came first says otherwise", async () => {
  gate.reset()
  await command("trigger")
  await gate.asked()
  gate.open()
  await until(async () => (await status()).latestExecutionStatus === "SUCCESS", "the first run to end")
  expect(await lastSync()).toBe(t.clock.now().getTime())

  await endBehind("pause")
  await until(
    async () => (await runs()).length === 2 && (await runs())[1]?.status !== "RUNNING",
    "the paused run to end",
  )
  expect((await runs())[1]).toMatchObject({ status: "STOPPED" })
  expect(JSON.parse((await runs())[1]?.error ?? "{}")).toMatchObject({ type: "script_aborted" })

  await endBehind("trigger", { opts: { reset: true } })
  await until(async () => (await runs()).length >= 4 && (await runs())[2]?.status !== "RUNNING", "the new run to begin")
  expect((await runs())[2]).toMatchObject({ status: "STOPPED" })
  await until(async () => (await status()).status !== "RUNNING", "the run after the reset to end")
  expect((await runs()).map((run) => run.status)).toEqual(["SUCCESS", "STOPPED", "STOPPED", "SUCCESS"])
  expect((await status()).checkpoint).toEqual({ page: 1 })
}, 60_000)

test("after a reset the old run leaves no trace of where it was", async () => {
  t.clock.advance(60_000)
  const before = (await runs()).length
  gate.reset()
  await command("trigger")
  await gate.asked()
  await t.request("POST", "/sync/pause", { body: { provider_config_key: "k", connection_id: "c", syncs: ["waits"] } })
  gate.open()
  await until(
    async () => (await runs()).length === before + 1 && (await runs()).at(-1)?.status === "STOPPED",
    "the run to stop",
  )
  expect(await lastSync()).toBeLessThan(t.clock.now().getTime())
}, 60_000)
