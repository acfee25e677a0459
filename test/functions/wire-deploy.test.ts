import { expect, test } from "bun:test"
import { eq } from "drizzle-orm"
import { inTransaction } from "../../src/app/context.ts"
import { listFunctions, readCode } from "../../src/functions/functions.ts"
import { functions } from "../../src/functions/model.ts"
import { actionFlow, eventScript, root, syncFlow } from "../contract/flows.ts"
import { type TestApp, testApp } from "../helpers/app.ts"

async function deploy(t: TestApp, flows: unknown[], more: Record<string, unknown> = {}): Promise<any> {
  const body = root(flows, { reconcile: true, nangoYamlBody: "", source: "repo", ...more })
  const answer = await t.request("POST", "/sync/deploy", { body })
  if (answer.status !== 200) throw new Error(answer.text)
  return answer.body
}
async function start(): Promise<TestApp> {
  const t = await testApp()
  const made = await t.request("POST", "/integrations", { body: { provider: "unauthenticated", unique_key: "k" } })
  if (made.status === 200) return t
  await t.close()
  throw new Error(made.text)
}
const one = async (t: TestApp) => {
  const [row] = await listFunctions(t.ctx)
  if (!row) throw new Error("There is no function.")
  return row
}

test("a function that was disabled stays so, whatever is deployed over it", async () => {
  await using t = await start()
  await deploy(t, [syncFlow("k", "things")])
  const { id } = await one(t)
  await inTransaction(t.ctx, (ctx) => ctx.db.update(functions).set({ enabled: false }).where(eq(functions.id, id)))
  await deploy(t, [syncFlow("k", "things", { exec: "", runs: "every day" })])
  expect(await one(t)).toMatchObject({ id, enabled: false, version: "2" })
})

test("what the catalogue deployed is not ended; what came alone is", async () => {
  await using t = await start()
  await deploy(t, [actionFlow("k", "a"), actionFlow("k", "b")])
  await inTransaction(t.ctx, (ctx) =>
    ctx.db.update(functions).set({ source: "catalog" }).where(eq(functions.name, "a")),
  )
  await deploy(t, [actionFlow("k", "c")], { source: "standalone" })
  expect((await listFunctions(t.ctx)).map(({ name, source }) => [name, source])).toEqual([
    ["a", "catalog"],
    ["c", "standalone"],
  ])
  await deploy(t, [actionFlow("k", "d")])
  expect((await listFunctions(t.ctx)).map(({ name }) => name)).toEqual(["a", "d"])
})

test("the definition is what was sent, the code is without its map, and only loading it tells of webhooks", async () => {
  await using t = await start()
  const webhookSubscriptions = ["issues", "*"]
  const more = { extra: "onWebhook: async () => {}", runs: "every 5 minutes", input: "Thing", webhookSubscriptions }
  await deploy(t, [syncFlow("k", "things", { ...more, ts: "the source" })])
  const row = await one(t)
  expect(row.definition).toMatchObject({
    file: "k/syncs/things.ts",
    description: "things",
    frequency: "every 5 minutes",
    input: "Thing",
    models: ["Thing"],
    webhookSubscriptions,
    hasWebhookHandler: true,
    legacy: false,
  })
  const { code, map, source } = await readCode(t.ctx, row.id)
  expect(code).not.toContain("sourceMappingURL")
  expect(JSON.parse(map ?? "null").sources).toEqual(["k/syncs/things.ts"])
  expect(source).toBe("the source")
  await deploy(t, [syncFlow("k", "things", { ...more, extra: "", ts: "the source" })])
  expect((await one(t)).definition.hasWebhookHandler).toBe(false)
})

test("event functions keep their event, and another one replaces it in place", async () => {
  await using t = await start()
  const scripts = (event: string) => ({
    onEventScriptsByProvider: [{ providerConfigKey: "k", scripts: [eventScript("hello", event)] }],
  })
  await deploy(t, [], scripts("validate-connection"))
  expect((await one(t)).definition.event).toBe("validate-connection")
  await deploy(t, [], scripts("pre-connection-deletion"))
  expect(await listFunctions(t.ctx)).toHaveLength(1)
  expect(await one(t)).toMatchObject({ version: "0.0.1", definition: { event: "pre-connection-deletion" } })
})
