import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { onFake, syncEnded } from "../helpers/setup.ts"
import { deploy, until } from "../helpers/sluice.ts"
import { action, allRows, makeProject, onEvent, openStage, type Stage, sync } from "./project.ts"

const items = sync({
  exec: `
    await nango.log("page by page", { size: 3 })
    await nango.trackDeletesStart("Item")
    const request = {
      endpoint: "/cursor/items", params: { count: 7 },
      paginate: {
        type: "cursor", cursor_name_in_request: "after", cursor_path_in_response: "paging.next.after",
        response_path: "data", limit_name_in_request: "limit", limit: 3,
      },
    }
    for await (const page of nango.paginate(request)) {
      await nango.batchSave(page.map((item) => ({ id: item.id, name: item.name })), "Item")
      await nango.saveCheckpoint({ last: page.at(-1).id })
    }
    await nango.trackDeletesEnd("Item")`,
  more: `
  onWebhook: async (nango, payload) => {
    await nango.batchSave([{ id: "hook", name: payload.name }], "Item")
    return { took: payload.name }
  },`,
})

const files = {
  "fake/syncs/items.ts": items,
  "fake/actions/everything.ts": action({
    exec: `
    await nango.setMetadata({ set: true })
    await nango.updateMetadata({ more: 1 })
    const metadata = await nango.getMetadata()
    const before = await nango.getCheckpoint()
    await nango.saveCheckpoint({ page: 2 })
    const checkpoint = await nango.getCheckpoint()
    const locked = [await nango.tryAcquireLock({ key: "k", ttlMs: 1000 }), await nango.releaseLock({ key: "k" })]
    await nango.triggerSync(nango.providerConfigKey, nango.connectionId, "items", { reset: true })
    const echo = await nango.post({ endpoint: "/echo", data: { name: input.name }, retries: 0 })
    return { metadata, before, checkpoint, locked, sent: echo.data.body, connectionId: nango.connectionId }`,
  }),
  "fake/actions/fails.ts": action({
    exec: `
    if (input.how === "action-error") throw new nango.ActionError({ message: "no such thing", id: 7 })
    await nango.get({ endpoint: "/status/418", retries: 0 })`,
  }),
  "fake/actions/strict.ts": action({
    more: "input: z.object({ name: z.string() }), output: z.object({ name: z.string() }),",
    exec: "return input",
  }),
  "fake/on-events/greet.ts": onEvent(`
    await nango.log("hello")
    await nango.post({ endpoint: "/echo", data: { from: nango.connectionId }, retries: 0 })`),
  "other/actions/everything.ts": action({ exec: "return null" }),
}

let stage: Stage
let dir: string
const run = (...args: string[]) => stage.cli(dir, "dryrun", ...args)
const events = (stdout: string): any[] =>
  stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line))

beforeAll(async () => {
  stage = await openStage()
  dir = makeProject(files)
})
afterAll(() => stage[Symbol.asyncDispose]())

describe("sluice dryrun", () => {
  test("a sync is run for real against the provider and stores nothing", async () => {
    stage.fake.clear()
    const before = allRows(stage.sluice)
    const { code, stdout, stderr } = await run("items", "c1")
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("Nothing was stored") })
    expect(stage.fake.requests.map(({ url }) => url)).toEqual([
      "/cursor/items?count=7&limit=3",
      expect.stringContaining("after="),
      expect.stringContaining("after="),
    ])
    expect(stage.fake.requests[0]?.headers.authorization).toBe("Bearer fake-key-123")
    expect(stdout).toMatch(/Item +7 +0 +0 +0/)
    expect(stderr).toContain("page by page")
    expect(stderr).toMatch(/GET \/cursor\/items\?\S+ 200/)
    expect(stderr).not.toContain("fake-key-123")
    expect(allRows(stage.sluice)).toBe(before)
  })

  test("what would change is told against what is stored", async () => {
    await deploy(stage.sluice, { "fake/syncs/items.ts": items })
    await stage.sluice.call("POST", "/sync/trigger", {
      body: { syncs: ["items"], provider_config_key: "fake", connection_id: "c1" },
    })
    await syncEnded(stage.sluice, "items")
    const changed = makeProject({
      "fake/syncs/items.ts": sync({
        exec: `
    await nango.trackDeletesStart("Item")
    const { data } = await nango.get({ endpoint: "/items", params: { count: 7 } })
    const [first, second, third] = data
    await nango.batchSave([
      { name: first.name, id: first.id }, { id: second.id, name: "changed" }, { id: "new", name: "new" }, { id: "new", name: "again" },
    ], "Item")
    await nango.batchUpdate([{ id: third.id, name: "patched" }, { id: "nobody", name: "x" }], "Item")
    const stored = await nango.getRecordsByIds([first.id, "new"], "Item")
    const gone = await nango.trackDeletesEnd("Item")
    await nango.log("looked", { found: [...stored.keys()].length, gone: gone.deletedKeys.length })`,
      }),
    })
    // Logs are written in batches; with the end of the operation everything before it is there.
    const ended = async () =>
      (await stage.sluice.call("GET", "/sluice/logs?type=sync")).body.data[0]?.state === "success"
    await until(ended, "the sync's log")
    const before = allRows(stage.sluice)
    const human = await stage.cli(changed, "dryrun", "items", "c1")
    expect(human.stdout).toMatch(/Item +1 +2 +4 +1/)
    expect(human.stdout).toContain(`name: "Haruto Dubois" → "changed"`)
    expect(human.stderr).toContain(`looked {"found":1,"gone":4}`)
    const json = await stage.cli(changed, "dryrun", "items", "c1", "--json")
    const [saved, updated] = events(json.stdout).filter(({ event }) => event === "records")
    expect(saved.changes).toEqual(["unchanged", "updated", "added", "duplicate"])
    expect(updated.changes).toEqual(["updated", "unknown"])
    expect(events(json.stdout).at(-1)).toMatchObject({
      event: "end",
      ok: true,
      counts: { Item: { added: 1, updated: 2, deleted: 4, unchanged: 1 } },
      checkpoint: { from: null, to: null },
    })
    expect(allRows(stage.sluice)).toBe(before)
  })

  test("an action sees its own writes, and nobody else does", async () => {
    const before = allRows(stage.sluice)
    const { code, stdout, stderr } = await run(
      ...[
        "everything",
        "c1",
        "--integration-id",
        "fake",
        "-i",
        '{"name":"Ann"}',
        "-m",
        '{"given":1}',
        "-c",
        '{"page":1}',
      ],
    )
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(JSON.parse(stdout)).toEqual({
      metadata: { set: true, more: 1 },
      before: { page: 1 },
      checkpoint: { page: 2 },
      locked: [true, true],
      sent: '{"name":"Ann"}',
      connectionId: "c1",
    })
    expect(stderr).toContain("A sync would be triggered (dry run)")
    expect(allRows(stage.sluice)).toBe(before)
  })

  test("metadata, checkpoint, last sync date and variant come from the command line", async () => {
    const project = makeProject({
      "fake/syncs/look.ts": sync({
        exec: `await nango.log("seen", {
      metadata: await nango.getMetadata(), inConnection: (await nango.getConnection()).metadata,
      checkpoint: await nango.getCheckpoint(), date: nango.lastSyncDate?.toISOString() ?? null, variant: nango.variant,
    })`,
      }),
    })
    const args = ["-m", '{"a":1}', "-c", '{"n":3}', "-l", "2025-02-01", "--variant", "eu"]
    const { stderr } = await stage.cli(project, "dryrun", "look", "c1", ...args)
    const seen = { metadata: { a: 1 }, inConnection: { a: 1 }, checkpoint: { n: 3 } }
    expect(stderr).toContain(`seen ${JSON.stringify({ ...seen, date: "2025-02-01T00:00:00.000Z", variant: "eu" })}`)
    const plain = await stage.cli(project, "dryrun", "look", "c1")
    expect(plain.stderr).toContain(
      `seen {"metadata":{},"inConnection":{},"checkpoint":null,"date":null,"variant":"base"}`,
    )
  })

  test("event functions and webhook functions run too", async () => {
    stage.fake.clear()
    const event = await run("greet", "c1")
    expect({ code: event.code, hello: event.stderr.includes("hello") }).toEqual({ code: 0, hello: true })
    expect(stage.fake.requests.map(({ body }) => body)).toEqual(['{"from":"c1"}'])
    const webhook = await run("items", "c1", "--webhook", '{"name":"Ping"}')
    expect(webhook.code).toBe(0)
    expect(webhook.stdout).toContain('+ {"id":"hook","name":"Ping"}')
    expect(webhook.stdout).toContain('"took": "Ping"')
    const wrong = await run("fails", "c1", "--webhook", "{}")
    expect({ code: wrong.code, stderr: wrong.stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("Only a sync can take a webhook"),
    })
  })

  test("an action that it triggers is real", async () => {
    await deploy(stage.sluice, {
      "fake/actions/inner.ts": action({
        exec: `await nango.setMetadata({ real: input.n }); return { from: "inner", n: input.n }`,
      }),
    })
    const project = makeProject({
      "fake/actions/outer.ts": action({ exec: `return nango.triggerAction("inner", { n: 5 })` }),
    })
    const { stdout, code } = await stage.cli(project, "dryrun", "outer", "c1")
    expect({ code, output: JSON.parse(stdout) }).toEqual({ code: 0, output: { from: "inner", n: 5 } })
    const { body } = await stage.sluice.call("GET", "/connections/c1?provider_config_key=fake")
    expect(body.metadata).toEqual({ real: 5 })
    await stage.sluice.call("POST", "/connections/metadata", {
      body: { connection_id: "c1", provider_config_key: "fake", metadata: {} },
    })
  })

  test("failures name what was thrown and where", async () => {
    const thrown = await run("fails", "c1", "-i", '{"how":"action-error"}')
    expect(thrown.code).toBe(1)
    expect(thrown.stderr).toContain("action_script_runtime_error: no such thing")
    expect(thrown.stderr).toContain("fake/actions/fails.ts:8")
    expect(thrown.stderr).toContain('"id":7')
    const http = await run("fails", "c1", "-i", "{}", "--json")
    expect(http.code).toBe(1)
    expect(events(http.stdout).at(-1)).toMatchObject({ ok: false, error: { type: "script_http_error", status: 418 } })
  })

  test("what does not match a schema is told, and ends the run with --validate", async () => {
    const told = await run("strict", "c1", "-i", '{"nam":"x"}')
    expect({ code: told.code, output: JSON.parse(told.stdout) }).toEqual({ code: 0, output: { nam: "x" } })
    expect(told.stderr).toContain("The input does not match the action's schema")
    const ended = await run("strict", "c1", "-i", '{"nam":"x"}', "--validate")
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("invalid_action_input"),
    })
    const records = makeProject({
      "fake/syncs/bad.ts": sync({ exec: `await nango.batchSave([{ id: "1", name: 5 }], "Item")` }),
    })
    const warned = await stage.cli(records, "dryrun", "bad", "c1")
    expect({ code: warned.code, warned: warned.stderr.includes("does not match the model's schema") }).toEqual({
      code: 0,
      warned: true,
    })
    const fatal = await stage.cli(records, "dryrun", "bad", "c1", "--validation")
    expect({ code: fatal.code, named: fatal.stderr.includes("invalid_sync_record") }).toEqual({ code: 1, named: true })
  })

  const refused: [string, string[], { code: number; says: string }][] = [
    ["unknown function", ["nothing", "c1"], { code: 3, says: 'There is no function "nothing"' }],
    ["unknown connection", ["items", "c9"], { code: 3, says: 'There is no connection "c9"' }],
    ["no connection", ["items"], { code: 2, says: "The id of a connection is missing" }],
    ["bad input file", ["strict", "c1", "-i", "@nowhere.json"], { code: 2, says: "nowhere.json" }],
    ["nested checkpoint", ["items", "c1", "-c", '{"a":{}}'], { code: 2, says: '"a" must be a text' }],
    ["no date", ["items", "c1", "-l", "yesterday"], { code: 2, says: "not a date" }],
    ["save without daemon", ["items", "--offline", "--save"], { code: 2, says: "--save needs a daemon" }],
    ["no fixture", ["items", "--offline"], { code: 3, says: "fake/tests/items.test.json" }],
  ]
  test.each(refused)("refused: %s", async (_, args, { code, says }) => {
    const ran = await run(...args)
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code, stderr: expect.stringContaining(says) })
    expect(ran.stdout).toBe("")
  })

  test("a broken project is told line by line", async () => {
    const broken = makeProject({ "fake/actions/bad.ts": `import fs from "fs"\n${action({ exec: "return 1" })}` })
    const { code, stderr } = await stage.cli(broken, "dryrun", "bad", "c1")
    expect(code).toBe(1)
    expect(stderr).toMatch(/^fake\/actions\/bad\.ts:1:\d+ disallowed_import/m)
  })

  test("a name in two integrations goes by the connection", async () => {
    await stage.sluice.call("POST", "/integrations", { body: { provider: "fake", unique_key: "other" } })
    const only = await run("everything", "c1", "-i", '{"name":"x"}')
    expect(only.code).toBe(0)
    await stage.sluice.call("POST", "/connections", {
      body: {
        provider_config_key: "other",
        connection_id: "c1",
        credentials: { type: "API_KEY", apiKey: "other-key" },
      },
    })
    const both = await run("everything", "c1", "-i", '{"name":"x"}')
    expect({ code: both.code, stderr: both.stderr }).toEqual({ code: 1, stderr: expect.stringContaining("name one") })
    const named = await run("everything", "c1", "--integration-id", "other")
    expect({ code: named.code, stdout: named.stdout.trim() }).toEqual({ code: 0, stdout: "null" })
  })

  test("the run ends when its reader leaves", async () => {
    const body = {
      name: "waits",
      connection_id: "c1",
      files: {
        "fake/actions/waits.ts": action({ exec: `for (;;) await nango.get({ endpoint: "/slow?ms=50", retries: 0 })` }),
      },
    }
    const leave = new AbortController()
    const response = await fetch(`${stage.sluice.url}/sluice/dryruns`, {
      method: "POST",
      headers: { authorization: `Bearer ${stage.sluice.key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: leave.signal,
    })
    const first = await response.body?.getReader().read()
    expect(new TextDecoder().decode(first?.value)).toContain('"event":"start"')
    await stage.fake.waitForRequest(({ path }) => path === "/slow")
    leave.abort()
    let seen = -1
    await until(async () => {
      const now = stage.fake.requests.filter(({ path }) => path === "/slow").length
      const quiet = now === seen
      seen = now
      await Bun.sleep(500)
      return quiet
    }, "the requests to stop")
    expect((await stage.sluice.call("GET", "/connections/c1?provider_config_key=fake")).status).toBe(200)
  })

  test("a key needs the scope, and the body is checked", async () => {
    const call = (body: unknown, key?: string | null) => stage.sluice.call("POST", "/sluice/dryruns", { body, key })
    expect((await call({ files: {}, name: "x", connection_id: "c1" }, null)).status).toBe(401)
    expect((await call({ files: {}, name: "x", connection_id: "c1", more: 1 })).body.error.code).toBe("invalid_body")
    expect((await call({ files: { "a.ts": "" }, name: "x", connection_id: "c1" })).body.error.code).toBe(
      "invalid_project",
    )
    expect(
      (await stage.sluice.call("GET", "/sync/status?syncs=items&provider_config_key=fake", { headers: onFake() }))
        .status,
    ).toBe(200)
  })
})
