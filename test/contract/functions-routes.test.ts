import { Database } from "bun:sqlite"
import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { startWithFake } from "../helpers/setup.ts"
import { client, client040, client042, expectRefused, refused } from "./clients.ts"
import { actionFile, syncFile } from "./functions.ts"
import { type Connection, deployTo, mintIntegration, stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let at: Connection
beforeAll(async () => {
  world = await startWithFake()
  at = await stage(world.sluice, files)
  // A project cannot give two functions one name; functions that stand alone can.
  change("UPDATE functions SET name = 'create' WHERE name = 'create-daily'")
})
afterAll(() => world[Symbol.asyncDispose]())

/** Writes to the database beside the daemon, what only other kinds of deploy can do. */
function change(sql: string): void {
  const db = new Database(join(world.sluice.dataDir, "sluice.db"))
  db.run("PRAGMA busy_timeout = 5000")
  expect(db.run(sql).changes).toBe(1)
  db.close()
}

const createIssue = `import { createAction } from "nango"
import * as z from "zod"

export default createAction({
  description: "Creates an issue.\\n- title: what it is about\\n- labels: words for it",
  version: "1.0.0",
  endpoint: { method: "POST", path: "/issues", group: "Issues" },
  input: z.object({ title: z.string(), labels: z.array(z.string()).optional() }),
  output: z.object({ id: z.string() }),
  scopes: ["issues:write"],
  exec: async () => ({ id: "1" }),
})
`
const onCreation = `import { createOnEvent } from "nango"
export default createOnEvent({
  description: "Greets.",
  version: "1.0.0",
  event: "post-connection-creation",
  exec: async () => {},
})
`
const files = {
  "syncs/things.ts": syncFile(""),
  "syncs/create-daily.ts": syncFile("", {
    frequency: "every day",
    autoStart: true,
    models: "Daily: z.object({ id: z.string() })",
  }),
  "actions/create.ts": createIssue,
  "actions/find_thing.ts": actionFile("return input"),
  "on-events/greet.ts": onCreation,
}
const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

test("listFunctions: by type and name, paged, filtered and searched", async () => {
  const nango = client(world.sluice)
  const list = (queries?: object) => nango.listFunctions({ uniqueKey: at.key }, queries)
  const all = await list()
  expect(all.pagination).toEqual({ total: 5, page: 0, limit: 20 })
  const names = (page: { data: { type: string; name: string }[] }) =>
    page.data.map(({ type, name }) => `${type} ${name}`)
  expect(names(all)).toEqual(["action create", "action find_thing", "on-event greet", "sync create", "sync things"])
  expect(names(await list({ type: "sync" }))).toEqual(["sync create", "sync things"])
  expect(names(await list({ search: "THING" }))).toEqual(["action find_thing", "sync things"])
  // What a pattern would read as "any character" is a character.
  expect(names(await list({ search: "d_t" }))).toEqual(["action find_thing"])
  expect(names(await list({ search: "%" }))).toEqual([])
  const second = await list({ limit: 2, page: 1 })
  expect([names(second), second.pagination]).toEqual([
    ["on-event greet", "sync create"],
    { total: 5, page: 1, limit: 2 },
  ] as never)
  await expectRefused(nango.listFunctions({ uniqueKey: "no-such" }), 404, "not_found")
  for (const bad of [{ limit: 101 }, { page: -1 }, { type: "flow" }, { search: "" }, { nope: 1 }]) {
    const query = new URLSearchParams(bad as Record<string, any>)
    const answer = await world.sluice.call("GET", `/integrations/${at.key}/functions?${query.toString()}`)
    expect([bad, answer.status, answer.body.error.code]).toEqual([bad, 400, "invalid_query_params"])
  }
})

test("getFunction: what each type shows", async () => {
  const nango = client(world.sluice)
  const get = async (name: string, type?: string) =>
    (await nango.getFunction({ uniqueKey: at.key, name }, type ? ({ type } as never) : undefined)).data
  expect(await get("things")).toEqual({
    id: expect.any(Number),
    name: "things",
    type: "sync",
    description: "A sync of a test.",
    scopes: [],
    returns: ["Thing"],
    json_schema: { definitions: { Thing: expect.any(Object) } },
    runs: "every hour",
    auto_start: false,
    track_deletes: false,
    enabled: true,
    last_deployed: iso,
    source: "repo",
  } as never)
  const action = await get("create")
  expect(action).toMatchObject({
    type: "action",
    scopes: ["issues:write"],
    input: expect.stringMatching(/^ActionInput_/),
  })
  expect(action).not.toHaveProperty("runs")
  expect(await get("create", "sync")).toMatchObject({ type: "sync", runs: "every day", auto_start: true })
  expect(await get("greet")).toMatchObject({ type: "on-event", event: "post-connection-creation" })
  const unknown = await refused(get("no-such"))
  expect([unknown.status, unknown.error]).toEqual([404, { code: "not_found", message: "Function does not exist" }])
  const nowhere = await refused(nango.getFunction({ uniqueKey: "no-such", name: "things" }))
  expect([nowhere.status, nowhere.error.message]).toEqual([404, "Integration does not exist"])
})

test("getFunctionCode: the source as it was written", async () => {
  const nango = client(world.sluice)
  expect(await nango.getFunctionCode({ uniqueKey: at.key, name: "things" })).toEqual({
    type: "sync",
    code: files["syncs/things.ts"],
  })
  const both = await refused(nango.getFunctionCode({ uniqueKey: at.key, name: "create" }))
  expect([both.status, both.error.code, both.error.payload]).toEqual([
    409,
    "ambiguous_function",
    {
      matches: [
        { type: "action", name: "create" },
        { type: "sync", name: "create" },
      ],
    },
  ])
  const one = await nango.getFunctionCode({ uniqueKey: at.key, name: "create" }, { type: "action" })
  expect(one).toEqual({ type: "action", code: createIssue })
  await expectRefused(nango.getFunctionCode({ uniqueKey: at.key, name: "no-such" }), 404, "not_found")
})

test("deleteFunction: what a project deploys stays, what stands alone goes with its syncs and records", async () => {
  const nango = client(world.sluice)
  const own = await stage(
    world.sluice,
    { "syncs/things.ts": syncFile(`await nango.batchSave([{ id: "a" }], "Thing")`) },
    {},
  )
  const remove = (name: string, type: "sync" | "action") => nango.deleteFunction({ uniqueKey: own.key, name }, { type })
  await own.run("things")
  expect((await own.records("Thing")).records).toHaveLength(1)
  await expectRefused(remove("things", "sync"), 400, "function_managed_by_deploy")
  await expectRefused(remove("things", "action"), 404, "not_found")
  await expectRefused(nango.deleteFunction({ uniqueKey: "no-such", name: "a" }, { type: "sync" }), 404, "not_found")
  const untyped = await world.sluice.call("DELETE", `/integrations/${own.key}/functions/things`)
  expect([untyped.status, untyped.body.error.code]).toEqual([400, "invalid_query_params"])

  change(
    "UPDATE functions SET source = 'standalone' WHERE source = 'repo' AND name = 'things' AND id = (SELECT max(id) FROM functions)",
  )
  expect(await remove("things", "sync")).toEqual({ data: { success: true } })
  expect(await own.status("things")).toBeUndefined()
  expect((await own.records("Thing")).records).toEqual([])
  expect((await nango.listFunctions({ uniqueKey: own.key })).data).toEqual([])
  await expectRefused(remove("things", "sync"), 404, "not_found")
})

test("getScriptsConfig serves readers of today's and of the older documents", async () => {
  for (const nango of [client(world.sluice), client042(world.sluice), client040(world.sluice)]) {
    const config = ((await nango.getScriptsConfig()) as any[]).find((one) => one.providerConfigKey === at.key)
    expect(config).toMatchObject({ provider: "fake", "on-events": [], postConnectionScripts: ["greet"] })
    expect(config.syncs.map(({ name }: any) => name)).toEqual(["create", "things"])
    expect(config.syncs[1]).toEqual({
      id: expect.any(Number),
      name: "things",
      type: "sync",
      description: "A sync of a test.",
      attributes: {},
      scopes: [],
      returns: ["Thing"],
      version: "1.0.0",
      source: "repo",
      endpoints: [],
      enabled: true,
      last_deployed: iso,
      webhookSubscriptions: [],
      json_schema: expect.any(Object),
      sdk_version: null,
      models: [{ name: "Thing", fields: [] }],
      features: [],
      sync_type: "full",
      auto_start: false,
      runs: "every hour",
      track_deletes: false,
      is_public: false,
      pre_built: false,
      nango_yaml_version: "v2",
    })
    expect(config.actions[0]).toMatchObject({
      name: "create",
      type: "action",
      endpoints: [{ method: "POST", path: "/issues", group: "Issues", POST: "/issues" }],
      input: expect.any(String),
    })
  }
})

test("getScriptsConfig in the form of tools, and two integrations of one provider apart", async () => {
  const other = await mintIntegration(world.sluice)
  await deployTo(world.sluice, other, { "actions/alone.ts": actionFile("return 1") })
  const keys = ((await client(world.sluice).getScriptsConfig()) as any[]).map((one) => one.providerConfigKey)
  expect(keys).toEqual(expect.arrayContaining([at.key, other]))
  const { data } = (await client(world.sluice).getScriptsConfig("openai")) as { data: any[] }
  expect(data.find(({ name }) => name === "create" && true)).toBeDefined()
  const tool = data.find(({ name, description }) => name === "create" && description.startsWith("Creates"))
  expect(tool.parameters).toMatchObject({
    type: "object",
    properties: {
      title: { type: "string", description: "what it is about" },
      labels: { type: "array", description: "words for it" },
    },
    required: ["title"],
  })
  expect(data.find(({ name }) => name === "things").parameters).toEqual({
    type: "object",
    properties: {},
    required: [],
  })
  expect((await world.sluice.call("GET", "/scripts/config?format=other&more=1")).body).toBeArray()
})

test("getScriptsConfig of an environment without functions is an empty list", async () => {
  const prod = /prod +([0-9a-f-]{36})/.exec(world.sluice.output())?.[1] ?? ""
  expect(await client(world.sluice, prod).getScriptsConfig()).toEqual([])
  expect(await client(world.sluice, prod).getScriptsConfig("openai")).toEqual([] as never)
  await expectRefused(client(world.sluice, crypto.randomUUID()).getScriptsConfig(), 401, "unknown_account")
})

const legacyYaml = (key: string) => `integrations:
  ${key}:
    syncs:
      old-things:
        runs: every half hour
        output: OldThing
        endpoint: GET /old-things
models:
  OldThing:
    id: string
    size: integer
    seen: date
    tags?: string[]
`
test("models of nango.yaml are told with their fields", async () => {
  const key = await mintIntegration(world.sluice)
  const body = {
    files: {
      "nango.yaml": legacyYaml(key),
      [`${key}/syncs/old-things.ts`]: "export default async function fetchData(nango) {}",
    },
    mode: "apply",
    integration: key,
  }
  const deployed = await world.sluice.call("POST", "/sluice/deploy", { body })
  expect([deployed.status, deployed.text]).toEqual([200, expect.any(String)])
  const config = ((await client(world.sluice).getScriptsConfig()) as any[]).find((one) => one.providerConfigKey === key)
  expect(config.syncs[0]).toMatchObject({
    runs: "every half hour",
    endpoints: [{ method: "GET", path: "/old-things", group: null, GET: "/old-things" }],
    models: [
      {
        name: "OldThing",
        fields: [
          { name: "id", type: "string", value: "string", optional: false },
          { name: "size", type: "number", value: "number", optional: false },
          { name: "seen", type: "date", value: "date", optional: false },
          { name: "tags", type: "string[]", value: "string[]", optional: true },
        ],
      },
    ],
  })
})
