import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { type Answer, type Sluice, until } from "../helpers/sluice.ts"
import { actionFlow, compiled, deployFlows, mintEnvironment, syncFlow } from "./flows.ts"
import { expectStatus, mintIntegration } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let env: Sluice
let key: string
beforeAll(async () => {
  world = await startWithFake()
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(async () => {
  env = await mintEnvironment(world.sluice)
  key = await mintIntegration(env)
})

const fn = (name: string, more: Record<string, unknown> = {}) => ({
  name,
  integrationId: key,
  description: "does something",
  trigger: { kind: "none" },
  requires: {},
  capabilities: {
    usesRecords: false,
    usesOutbound: true,
    usesCheckpoints: false,
    usesMetadata: false,
    usesInvoke: false,
  },
  limits: {},
  input_schema_ref: "#/definitions/In",
  output_schema_ref: null,
  metadata_schema_ref: null,
  checkpoint_schema_ref: null,
  model_schema_refs: [],
  json_schema: { definitions: { In: { type: "string" } } },
  fileBody: { js: compiled(`{ type: "function", exec: async () => "${name}" }`), ts: "ts" },
  ...more,
})
const bundle = (functions: unknown[], reconciliationScope: unknown = { kind: "environment" }) => ({
  reconciliationScope,
  functions,
})
const preview = (body: unknown) => env.call("POST", "/functions/deployments/bundle/preview", { body })
const send = (body: unknown) => env.call("POST", "/functions/deployments/bundle", { body })
const empty = { created: [], updated: [], unchanged: [], deleted: [] }
const named = (name: string, integrationId = key) => ({ integrationId, name })

test("an empty project: four empty lists, and nothing else is touched", async () => {
  expectStatus(await deployFlows(env, [syncFlow(key, "things"), actionFlow(key, "act")]), 200)
  expect(expectStatus(await preview(bundle([])), 200).body).toEqual(empty)
  expect(expectStatus(await send(bundle([])), 200).body).toEqual(empty)
  const { body } = await env.call("GET", "/scripts/config")
  expect([body[0].syncs.length, body[0].actions.length]).toEqual([1, 1])
})

test("created, unchanged, updated and deleted; a preview changes nothing", async () => {
  const first = bundle([fn("a"), fn("b")])
  for (const ask of [preview, send]) {
    expect((await ask(first)).body).toEqual({ ...empty, created: [named("a"), named("b")] })
  }
  const second = bundle([fn("a"), fn("b", { description: "other" }), fn("c")])
  for (const ask of [preview, send]) {
    expect((await ask(second)).body).toEqual({
      created: [named("c")],
      updated: [named("b")],
      unchanged: [named("a")],
      deleted: [],
    })
  }
  expect((await send(bundle([]))).body).toEqual({ ...empty, deleted: [named("a"), named("b"), named("c")] })
  expect((await send(bundle([]))).body).toEqual(empty)
})

test("the scope of an integration ends only its own", async () => {
  const other = await mintIntegration(env)
  await send(bundle([fn("a"), fn("b", { integrationId: other })]))
  const scope = { kind: "integration", integrationId: other }
  expect((await send(bundle([], scope))).body).toEqual({ ...empty, deleted: [named("b", other)] })
  expect((await send(bundle([fn("a")]))).body).toEqual({ ...empty, unchanged: [named("a")] })
})

test("deploys of scripts and of bundles leave each other alone, and names are not shared", async () => {
  await send(bundle([fn("a")]))
  expectStatus(await deployFlows(env, [actionFlow(key, "act")]), 200)
  expect((await preview(bundle([fn("a")]))).body).toEqual({ ...empty, unchanged: [named("a")] })
  const { status, body } = await send(bundle([fn("act")]))
  expect([status, body.error.code]).toEqual([400, "function_exists"])
})

test("integrations that are not there are all named", async () => {
  const body = bundle([fn("a", { integrationId: "nowhere" }), fn("b", { integrationId: "elsewhere" }), fn("c")])
  for (const ask of [preview, send]) {
    const { status, body: answer } = await ask(body)
    expect(status).toBe(400)
    expect(answer.error).toEqual({
      code: "integration_not_found",
      message: "Integration(s) not found: nowhere, elsewhere",
    })
  }
  const scope = { kind: "integration", integrationId: "gone" }
  expect((await send(bundle([], scope))).body.error.message).toBe("Integration(s) not found: gone")
})

test("two at once: one is told so, without a payload", async () => {
  // The first deploy loads code for a moment; the bundle comes meanwhile.
  const js = `const end = Date.now() + 1000; while (Date.now() < end);\n${compiled(`{ type: "action", exec: async () => 1 }`)}`
  const persist = async (): Promise<Answer> => {
    const answer = await deployFlows(env, [actionFlow(key, "slow", { js })])
    return answer.status === 409 ? persist() : answer
  }
  const slow = persist()
  const refused = await until(async () => {
    const answer = await send(bundle([]))
    return answer.status === 409 && answer
  }, "the bundle to meet the other deploy")
  expect(refused.body.error).toEqual({ code: "concurrent_deployment", message: expect.any(String) })
  expect((await slow).status).toBe(200)
})

const uses = (more: Record<string, boolean>) => ({ capabilities: { ...fn("x").capabilities, ...more } })

test.each([
  ["outbound that is not used", () => fn("a", uses({ usesOutbound: false })), ["capabilities", "usesOutbound"]],
  ["outbound that is refused", () => fn("a", { requires: { outbound: false } }), ["capabilities", "usesOutbound"]],
  ["outbound without connection", () => fn("a", { requires: { connection: false } }), ["capabilities", "usesOutbound"]],
  ["records without models", () => fn("a", uses({ usesRecords: true })), ["capabilities", "usesRecords"]],
  [
    "models without records",
    () => fn("a", { model_schema_refs: ["#/definitions/In"] }),
    ["capabilities", "usesRecords"],
  ],
  ["metadata", () => fn("a", { metadata_schema_ref: "#/definitions/In" }), ["capabilities", "usesMetadata"]],
  ["checkpoints", () => fn("a", uses({ usesCheckpoints: true })), ["capabilities", "usesCheckpoints"]],
  ["invoke", () => fn("a", { requires: { invoke: true } }), ["capabilities", "usesInvoke"]],
  ["a missing definition", () => fn("a", { output_schema_ref: "#/definitions/Out" }), ["output_schema_ref"]],
  ["no reference", () => fn("a", { output_schema_ref: "Out" }), ["output_schema_ref"]],
  [
    "a function that starts by itself",
    () => fn("a", { trigger: { kind: "schedule", frequency: "every hour" } }),
    ["trigger"],
  ],
  ["an unknown trigger", () => fn("a", { trigger: { kind: "moon" } }), ["trigger", "kind"]],
  ["an unknown member", () => fn("a", { more: 1 }), []],
  ["no code", () => fn("a", { fileBody: { js: "", ts: "ts" } }), ["fileBody", "js"]],
])("invalid_body: %s", async (_what, make, path) => {
  for (const ask of [preview, send]) {
    const { status, body } = await ask(bundle([make()]))
    expect([status, body.error.code]).toEqual([400, "invalid_body"])
    expect(body.error.errors.map((one: { path: string[] }) => one.path)).toContainEqual(["functions", "0", ...path])
  }
})

test("invalid_body: names twice, and functions of another integration than the scope's", async () => {
  const twice = await send(bundle([fn("a"), fn("a")]))
  expect(twice.body.error.errors[0].path).toEqual(["functions", "1", "name"])
  const other = await send(bundle([fn("a")], { kind: "integration", integrationId: "other" }))
  expect(other.body.error.errors[0].path).toEqual(["functions", "0", "integrationId"])
})
