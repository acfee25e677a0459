import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { type Sluice, until } from "../helpers/sluice.ts"
import { actionFlow, compiled, confirm, deployFlows, eventScript, mintEnvironment, syncFlow } from "./flows.ts"
import { connectionAt, expectStatus, importConnection, mintIntegration } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let sluice: Sluice
/** Each test has its own environment, because a deploy has the last word on all of one. */
let env: Sluice
let key: string
beforeAll(async () => {
  world = await startWithFake()
  sluice = world.sluice
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(async () => {
  env = await mintEnvironment(sluice)
  key = await mintIntegration(env)
})

const connect = async () => connectionAt(env, key, (await importConnection(env, key)).connection_id)
const deployed = async (flows: unknown[], more: Record<string, unknown> = {}) =>
  expectStatus(await deployFlows(env, flows, more), 200).body
const differences = async (flows: unknown[], more: Record<string, unknown> = {}) =>
  expectStatus(await confirm(env, flows, more), 200).body
const syncsOf = async () =>
  expectStatus(await env.call("GET", `/sync/status?syncs=*&provider_config_key=${key}`), 200).body.syncs
const events = (...scripts: unknown[]) => ({ onEventScriptsByProvider: [{ providerConfigKey: key, scripts }] })
const nothing = {
  newSyncs: [],
  updatedSyncs: [],
  deletedSyncs: [],
  newActions: [],
  updatedActions: [],
  deletedActions: [],
  deletedModels: [],
  newOnEventScripts: [],
  updatedOnEventScripts: [],
  deletedOnEventScripts: [],
}

test("the confirmation has all ten lists, tells new from updated from deleted, and changes nothing", async () => {
  expect(await differences([])).toEqual(nothing)
  const flows = [syncFlow(key, "things", { auto_start: true }), actionFlow(key, "act")]
  const scripts = events(eventScript("hello"))
  const slim = { name: "things", providerConfigKey: key, connections: 0, auto_start: true }
  const event = { providerConfigKey: key, name: "hello", event: "post-connection-creation" }
  const first = {
    ...nothing,
    newSyncs: [slim],
    newActions: [{ name: "act", providerConfigKey: key }],
    newOnEventScripts: [event],
  }
  expect(await differences(flows, scripts)).toEqual(first)
  expect(await differences(flows, scripts)).toEqual(first)

  await deployed(flows, scripts)
  expect(await differences(flows, scripts)).toEqual({
    ...nothing,
    updatedSyncs: [slim],
    updatedActions: [{ name: "act", providerConfigKey: key }],
    updatedOnEventScripts: [event],
  })
  const other = [actionFlow(key, "other")]
  expect(await differences(other)).toEqual({
    ...nothing,
    deletedSyncs: [slim],
    newActions: [{ name: "other", providerConfigKey: key }],
    deletedActions: [{ name: "act", providerConfigKey: key }],
    deletedOnEventScripts: [event],
  })
  // Who says nothing about event functions leaves them alone, and so does who deploys no function at all.
  expect((await differences(other, { onEventScriptsByProvider: undefined })).deletedOnEventScripts).toEqual([])
  expect(await differences([])).toEqual(nothing)
})

test("the confirmation counts connections, and names models that a sync drops only when there are some", async () => {
  const two = syncFlow(key, "things", {
    models: ["Thing", "Old"],
    models_json_schema: { definitions: { Thing: {}, Old: {} } },
  })
  await deployed([two])
  const one = [syncFlow(key, "things")]
  expect((await differences(one)).deletedModels).toEqual([])
  await connect()
  await connect()
  const found = await differences(one)
  expect(found.deletedModels).toEqual(["Old"])
  expect(found.updatedSyncs).toEqual([{ name: "things", providerConfigKey: key, connections: 2, auto_start: false }])
})

test("a sync that no connection has counts as new, and a deploy without reconcile makes such", async () => {
  await connect()
  const flow = syncFlow(key, "things")
  await deployed([flow, actionFlow(key, "act")], { reconcile: false })
  expect(await syncsOf()).toEqual([])
  const found = await differences([flow])
  expect([found.newSyncs.length, found.updatedSyncs.length, found.deletedActions.length]).toEqual([1, 0, 1])
  await deployed([flow], { reconcile: false })
  expect((await differences([flow])).deletedActions).toHaveLength(1)
  await deployed([flow])
  expect((await syncsOf()).map((one: { name: string }) => one.name)).toEqual(["things"])
  expect((await differences([flow])).updatedSyncs).toHaveLength(1)
})

test("a deploy answers a list and runs: started, waiting, triggered", async () => {
  const at = await connect()
  const answer = await deployed(
    [syncFlow(key, "auto", { auto_start: true }), syncFlow(key, "manual"), actionFlow(key, "act")],
    events(eventScript("hello")),
  )
  expect(answer).toEqual([
    { name: "auto", models: ["Thing"], version: "1", providerConfigKey: key, type: "sync" },
    { name: "manual", models: ["Thing"], version: "1", providerConfigKey: key, type: "sync" },
    { name: "act", models: ["ActionOutput"], version: "1", providerConfigKey: key, type: "action" },
    { name: "hello", models: [], version: "0.0.1", providerConfigKey: key, type: "on-event" },
  ])
  expect(await at.ended("auto")).toMatchObject({ status: "SUCCESS", latestResult: { Thing: { added: 1 } } })
  expect(await at.status("manual")).toMatchObject({ status: "PAUSED" })
  expect((await at.act("act")).body).toEqual({ id: "1" })
  expect(await deployed([])).toEqual([])
  expect(await syncsOf()).toHaveLength(2)
})

test("versions: counted, patched, given; the same code keeps its own", async () => {
  const versionOf = async (more: Record<string, unknown>) => (await deployed([actionFlow(key, "act", more)]))[0].version
  expect(await versionOf({ exec: "return 1" })).toBe("1")
  expect(await versionOf({ exec: "return 2" })).toBe("2")
  expect(await versionOf({ exec: "return 2" })).toBe("2")
  expect(await versionOf({ exec: "return 2", ts: "other source" })).toBe("3")
  expect(await versionOf({ exec: "return 2", ts: "other source", metadata: { description: "other" } })).toBe("3")
  expect(await versionOf({ exec: "return 3", version: "1.4.9" })).toBe("1.4.9")
  expect(await versionOf({ exec: "return 3" })).toBe("1.4.9")
  expect(await versionOf({ exec: "return 4" })).toBe("1.4.10")
  expect(await versionOf({ exec: "return 4", version: "2" })).toBe("2")
  const hello = async (exec: string) =>
    (await deployed([actionFlow(key, "act", { exec: "return 4" })], events(eventScript("hello", undefined, exec))))[1]
  expect((await hello("")).version).toBe("0.0.1")
  expect((await hello("")).version).toBe("0.0.1")
  expect((await hello("await nango.log('x')")).version).toBe("0.0.2")
})

test("a change of runs alone moves the schedules, but for connections with a frequency of their own", async () => {
  const [at, own] = [await connect(), await connect()]
  const flow = (runs: string) => [syncFlow(key, "things", { runs, auto_start: true })]
  await deployed(flow("every hour"))
  await Promise.all([at.ended("things"), own.ended("things")])
  const body = { sync_name: "things", provider_config_key: key, connection_id: own.id, frequency: "every 2 hours" }
  expectStatus(await env.call("PUT", "/sync/update-connection-frequency", { body }), 200)
  const [answer] = await deployed(flow("every 3 hours"))
  expect(answer.version).toBe("1")
  expect((await at.status("things")).frequency).toBe("every 3 hours")
  expect((await own.status("things")).frequency).toBe("2 hours")

  // The same again keeps schedules and intents as they are.
  await at.command("pause", "things")
  const before = await own.status("things")
  await deployed(flow("every 3 hours"))
  expect((await at.status("things")).status).toBe("PAUSED")
  expect(await own.status("things")).toEqual(before)
})

test("modes: single ends nothing, integration only its own, all the rest", async () => {
  const other = await mintIntegration(env)
  await deployed([syncFlow(key, "a"), actionFlow(key, "b"), actionFlow(other, "c")], {
    onEventScriptsByProvider: [
      { providerConfigKey: key, scripts: [eventScript("mine")] },
      { providerConfigKey: other, scripts: [eventScript("theirs")] },
    ],
  })
  const d = [actionFlow(key, "d")]
  const gone = async (more: Record<string, unknown>) => {
    const found = await differences(d, more)
    return [...found.deletedSyncs, ...found.deletedActions, ...found.deletedOnEventScripts].map(({ name }) => name)
  }
  expect(await gone({ deployMode: "single" })).toEqual([])
  expect(await gone({ deployMode: undefined, singleDeployMode: true })).toEqual([])
  expect(await gone({ deployMode: "integration" })).toEqual(["a", "b", "mine"])
  expect(await gone({ deployMode: undefined })).toEqual(["a", "b", "c", "mine", "theirs"])

  const names = async () =>
    expectStatus(await env.call("GET", "/scripts/config"), 200).body.flatMap((one: any) =>
      [...one.syncs, ...one.actions].map(({ name }) => name),
    )
  await deployed(d, { deployMode: "single", onEventScriptsByProvider: undefined })
  expect((await names()).toSorted()).toEqual(["a", "b", "c", "d"])
  await deployed(d, { deployMode: "integration" })
  expect((await names()).toSorted()).toEqual(["c", "d"])
  await deployed(d)
  expect(await names()).toEqual(["d"])
})

test("event functions are replaced as a set; one that listens to another event is a new one", async () => {
  const act = [actionFlow(key, "act")]
  await deployed(act, events(eventScript("a"), eventScript("b")))
  const scripts = events(eventScript("a", "pre-connection-deletion"), eventScript("c"))
  const found = await differences(act, scripts)
  const named = (name: string, event = "post-connection-creation") => ({ providerConfigKey: key, name, event })
  expect(found.newOnEventScripts).toEqual([named("a", "pre-connection-deletion"), named("c")])
  expect(found.deletedOnEventScripts).toEqual([named("a"), named("b")])
  await deployed(act, scripts)
  expect((await differences(act, scripts)).updatedOnEventScripts).toHaveLength(2)

  const older = {
    postConnectionScriptsByProvider: [
      { providerConfigKey: key, scripts: [{ name: "old", fileBody: eventScript("x").fileBody }] },
    ],
  }
  const rows = await deployed(act, { ...older, onEventScriptsByProvider: undefined })
  expect(rows.map((row: { name: string; type: string }) => [row.name, row.type])).toEqual([
    ["act", "action"],
    ["old", "on-event"],
  ])
})

test("refusals leave everything as it was", async () => {
  await deployed([actionFlow(key, "act")])
  const refusal = async (flows: unknown[], more = {}) => {
    const { status, body } = await deployFlows(env, flows, more)
    return [status, body.error.code, body.error.payload]
  }
  const unknown = [400, "unknown_provider_config", { providerConfigKey: "nowhere" }]
  expect(await refusal([actionFlow(key, "new"), actionFlow("nowhere", "x")])).toEqual(unknown)
  for (const call of [
    "x.constructor('return 1')()",
    "x['constructor']('y')",
    "x?.constructor?.('y')",
    "x[`constructor`]()",
  ]) {
    const exec = `const x = () => {}; ${call}`
    expect(await refusal([actionFlow(key, "new", { exec })])).toEqual([400, "deploy_script_security_rejected", {}])
  }
  const jsonSchema = { $schema: "http://json-schema.org/draft-07/schema#", $comment: "", definitions: {} }
  const bare = actionFlow(key, "new", { models_json_schema: undefined })
  expect(await refusal([bare], { jsonSchema })).toEqual([400, "deploy_missing_json_schema_model", {}])
  expect((await differences([actionFlow(key, "act")])).updatedActions).toHaveLength(1)
  expect((await differences([actionFlow(key, "new")])).newActions).toHaveLength(1)
})

test("the one schema of an older deploy gives each function what it needs", async () => {
  const definitions = {
    Out: { properties: { inner: { $ref: "#/definitions/In%20ner" } } },
    "In ner": { type: "string" },
    Else: {},
  }
  const jsonSchema = { $schema: "http://json-schema.org/draft-07/schema#", $comment: "made", definitions }
  const flow = actionFlow(key, "act", { models: ["Out"], models_json_schema: undefined, endpoints: [{ POST: "/act" }] })
  await deployed([flow], { jsonSchema, sdkVersion: "0.50.0-yaml" })
  const { body } = await env.call("GET", "/scripts/config")
  expect(Object.keys(body[0].actions[0].json_schema.definitions).toSorted()).toEqual(["In ner", "Out"])
  expect(body[0].actions[0].endpoints).toMatchObject([{ method: "POST", path: "/act" }])
  expect(body[0].actions[0].sdk_version).toBe("0.50.0-yaml")
})

test("references in that schema may lead anywhere", async () => {
  const definitions = JSON.parse(
    `{ "Out": { "$ref": "#/definitions/Out" }, "50%": { "$ref": "#/definitions/__proto__" }, "__proto__": { "$ref": "#/definitions/50%" } }`,
  )
  const jsonSchema = { $schema: "http://json-schema.org/draft-07/schema#", $comment: "", definitions }
  const status = async (model: string) => {
    const flow = actionFlow(key, "act", { models: [model], models_json_schema: undefined })
    return (await deployFlows(env, [flow], { jsonSchema })).status
  }
  expect(await status("Out")).toBe(200)
  expect(await status("50%")).toBe(400)
})

test("two deploys at once: one is told so, and then may come again", async () => {
  // Loading the code takes a moment, in which the other one arrives.
  const js = `const end = Date.now() + 1000; while (Date.now() < end);\n${compiled(`{ type: "action", exec: async () => 1 }`)}`
  const flows = [actionFlow(key, "slow", { js })]
  const answers = await Promise.all([deployFlows(env, flows), deployFlows(env, flows)])
  expect(answers.map((one) => one.status).toSorted()).toEqual([200, 409])
  const refused = answers.find((one) => one.status === 409)
  expect(refused?.body.error).toEqual({ code: "concurrent_deployment", message: expect.any(String), payload: {} })
  expect(await deployed(flows)).toHaveLength(1)
})

test("who may not deploy, and what is too old", async () => {
  const old = { "user-agent": "nango-cli/0.39.24 (linux)" }
  for (const send of [confirm, deployFlows]) {
    const tooOld = await send(env, [{ nonsense: true }], { headers: old })
    expect([tooOld.status, tooOld.body.error.code]).toEqual([400, "invalid_cli_version"])
    for (const agent of ["nango-cli/0.39.25", "nango-cli/1.0.0", "curl/8", "nango-cli/x"])
      expect((await send(env, [], { headers: { "user-agent": agent } })).status).toBe(200)
    expect((await send(env, [], { key: crypto.randomUUID() })).status).toBe(401)
  }
})

test.each([
  ["an unknown member", { more: 1 }, [], "unrecognized_keys", []],
  ["a bad mode", { deployMode: "some" }, [], "invalid_value", ["deployMode"]],
  ["a bad SDK version", { sdkVersion: "0.1-zero" }, [], "invalid_format", ["sdkVersion"]],
  ["no flows", { flowConfigs: undefined }, [], "invalid_type", ["flowConfigs"]],
  ["a bad name", {}, [{ syncName: "a b" }], "invalid_format", ["flowConfigs", "0", "syncName"]],
  ["an unknown member of a flow", {}, [{ more: 1 }], "unrecognized_keys", ["flowConfigs", "0"]],
  ["a bad frequency", {}, [{ runs: "sometimes" }], "custom", ["flowConfigs", "0", "runs"]],
  ["too often", {}, [{ runs: "every 5s" }], "custom", ["flowConfigs", "0", "runs"]],
  [
    "deletes of increments",
    {},
    [{ track_deletes: true, sync_type: "incremental" }],
    "custom",
    ["flowConfigs", "0", "track_deletes"],
  ],
  [
    "a model without schema",
    {},
    [{ models: ["Thing", "Other"] }],
    "custom",
    ["flowConfigs", "0", "models_json_schema"],
  ],
  ["an input without schema", {}, [{ input: "Nothing" }], "custom", ["flowConfigs", "0", "models_json_schema"]],
  ["the same twice", {}, [{}, {}], "custom", ["flowConfigs", "1", "syncName"]],
])("invalid_body: %s", async (_what, more, flows, code, path) => {
  const named = flows.map((change) => syncFlow(key, "things", change))
  for (const send of [confirm, deployFlows]) {
    const { status, body } = await send(env, named, more)
    expect([status, body.error.code]).toEqual([400, "invalid_body"])
    expect(body.error.errors[0]).toMatchObject({ code, path })
  }
})

test("the deploy needs nangoYamlBody, the confirmation knows none", async () => {
  const without = await deployFlows(env, [], { nangoYamlBody: undefined })
  expect(without.body.error.errors[0].path).toEqual(["nangoYamlBody"])
  const withIt = await confirm(env, [], { nangoYamlBody: "" })
  expect(withIt.body.error.errors[0].code).toBe("unrecognized_keys")
})

test("code that cannot be loaded is deployed, and a run of it says why", async () => {
  const at = await connect()
  const js = `require("botbuilder");\n${compiled(`{ type: "action", exec: async () => 1 }`)}`
  await deployed([actionFlow(key, "bots", { js }), actionFlow(key, "act")])
  const answer = await at.act("bots")
  expect(answer.status).toBe(500)
  expect(answer.text).toContain("botbuilder")
  expect((await at.act("act")).status).toBe(200)
  const warning = await until(async () => {
    const { body } = await env.call("GET", "/sluice/logs?type=deploy")
    const id = body.data[0]?.id
    return id && JSON.stringify((await env.call("GET", `/sluice/logs/${id}`)).body).match(/cannot be loaded.*/)?.[0]
  }, "the log of the deploy")
  expect(warning).toContain("botbuilder")
})
