import { describe, expect, test } from "bun:test"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { runCli } from "../helpers/sluice.ts"
import { action, makeProject, onEvent, sync, writeFiles } from "./project.ts"

type Result = { integration: string; name: string; kind: string; ok: boolean; report: string[]; missed: string[] }
type Report = { results: Result[]; totals: { passed: number; failed: number; without: number; strays: string[] } }

async function runTests(dir: string, ...args: string[]): Promise<{ code: number; stderr: string } & Report> {
  const { code, stdout, stderr } = await runCli(["test", dir, "--json", ...args])
  return { code, stderr, ...(JSON.parse(stdout) as Report) }
}

/** One function with its fixture; the outcome of running it. */
async function runOne(kind: "syncs" | "actions" | "on-events", source: string, fixture: object): Promise<Result> {
  const dir = makeProject({ [`acme/${kind}/one.ts`]: source, "acme/tests/one.test.json": fixture })
  const { results } = await runTests(dir)
  rmSync(dir, { recursive: true })
  return results[0] as Result
}

const answer = (response: unknown, more: object = {}) => ({ response, status: 200, headers: {}, ...more })

describe("sluice test: functions against fixtures", () => {
  const passing: [string, "syncs" | "actions" | "on-events", string, object][] = [
    [
      "output",
      "actions",
      action({ exec: "return { b: 1, a: [input.x] }" }),
      { input: { x: 2 }, output: { a: [2], b: 1 } },
    ],
    ["no output expected or given", "actions", action({ exec: "" }), { input: {}, output: null }],
    [
      "records, by model, over several calls",
      "syncs",
      sync({
        exec: `await nango.batchSave([{ id: "1", name: "a" }], "Item"); await nango.batchSave([{ id: "2", at: new Date(0) }], "Item"); await nango.batchDelete([{ id: "3" }], "Item")`,
      }),
      {
        nango: {
          batchSave: {
            Item: [
              { id: "1", name: "a" },
              { id: "2", at: "1970-01-01T00:00:00.000Z" },
            ],
          },
          batchDelete: { Item: [{ id: "3" }] },
        },
      },
    ],
    [
      "connection, metadata, token, checkpoint, date",
      "actions",
      action({
        exec: `const c = await nango.getConnection()
    const seen = [await nango.getCheckpoint()]
    await nango.saveCheckpoint({ n: 1 })
    seen.push(await nango.getCheckpoint())
    return { site: c.connection_config.site, meta: await nango.getMetadata(), token: await nango.getToken(), seen,
      hook: await nango.getWebhookURL(), key: nango.providerConfigKey, inside: "fixtureProvider" in nango }`,
      }),
      {
        nango: {
          getConnection: { connection_config: { site: "s" }, credentials: { type: "OAUTH2", access_token: "t" } },
          getMetadata: { m: 1 },
        },
        output: {
          site: "s",
          meta: { m: 1 },
          token: "t",
          seen: [null, { n: 1 }],
          hook: "https://example.com/webhook",
          key: "acme",
          inside: false,
        },
      },
    ],
    [
      "a refusal is returned, not thrown",
      "actions",
      action({
        exec: `const r = await nango.get({ endpoint: "/a", retries: 3 }); return [r.status, r.data, r.headers["x-a"]]`,
      }),
      {
        api: { get: { "/a": answer({ error: "x" }, { status: 404, headers: { "X-A": "1" } }) } },
        output: [404, { error: "x" }, "1"],
      },
    ],
    [
      "a strict fixture throws it",
      "actions",
      action({
        exec: `try { await nango.get({ endpoint: "/a" }) } catch (e) { return [e.response.status, e.response.data] }`,
      }),
      { strict: true, api: { get: { "/a": answer({ error: "x" }, { status: 404 }) } }, output: [404, { error: "x" }] },
    ],
    [
      "answers that are texts, numbers, empty, bytes",
      "actions",
      action({
        exec: `const of = async (endpoint, responseType) => (await nango.get({ endpoint, responseType })).data
    return [await of("/text"), await of("/number"), (await of("/none")) ?? "none", await of("/bytes", "arraybuffer")]`,
      }),
      {
        api: {
          get: {
            "/text": answer("123"),
            "/number": answer(5),
            "/none": { status: 204 },
            "/bytes": answer({ type: "Buffer", data: [1, 2] }),
          },
        },
        output: ["123", 5, "none", { type: "Buffer", data: [1, 2] }],
      },
    ],
    [
      "bytes of a strict fixture are a Buffer",
      "actions",
      action({
        exec: `const { data } = await nango.get({ endpoint: "/bytes", responseType: "arraybuffer" }); return [Buffer.isBuffer(data), data.toString()]`,
      }),
      { strict: true, api: { get: { "/bytes": answer({ type: "Buffer", data: [104, 105] }) } }, output: [true, "hi"] },
    ],
    [
      "an input that is not validated",
      "actions",
      action({
        exec: `const v = await nango.zodValidateInput({ zodSchema: z.object({ n: z.number() }), input }); return v.data`,
      }),
      { input: { n: "no number" }, output: { n: "no number" } },
    ],
    [
      "pages in the body by the method alone",
      "syncs",
      sync({
        exec: `for await (const page of nango.paginate({ method: "POST", endpoint: "/q", data: { q: 1 }, paginate: { type: "offset", in_body: false, offset_name_in_request: "page.at", response_path: "rows", limit: 2, limit_name_in_request: "n" } })) await nango.batchSave(page, "Item")`,
      }),
      {
        api: {
          post: {
            "/q": [
              answer({ rows: [{ id: "1" }, { id: "2" }] }, { request: { data: { q: 1, n: 2, page: { at: 0 } } } }),
              answer({ rows: [{ id: "3" }] }, { request: { data: { q: 1, n: 2, page: { at: 2 } } } }),
            ],
          },
        },
        nango: { batchSave: { Item: [{ id: "1" }, { id: "2" }, { id: "3" }] } },
      },
    ],
    [
      "a strict fixture gives equal requests their answers in turn",
      "actions",
      action({
        exec: `const of = async () => (await nango.get({ endpoint: "/job" })).data; return [await of(), await of(), await of()]`,
      }),
      {
        strict: true,
        api: { get: { "/job": [answer("new", { request: {} }), answer("done", { request: {} })] } },
        output: ["new", "done", "done"],
      },
    ],
    [
      "any other gives the first",
      "actions",
      action({
        exec: `const of = async () => (await nango.get({ endpoint: "/job" })).data; return [await of(), await of()]`,
      }),
      {
        api: { get: { "/job": [answer("new", { request: {} }), answer("done", { request: {} })] } },
        output: ["new", "new"],
      },
    ],
    [
      "uncontrolledFetch",
      "actions",
      action({
        exec: `const r = await nango.uncontrolledFetch({ url: new URL("https://files.example.com/f?x=1") }); return [r.status, await r.json()]`,
      }),
      {
        api: { get: { "/f": answer({ ok: true }, { status: 201, request: { params: { x: "1" } } }) } },
        output: [201, { ok: true }],
      },
    ],
    [
      "the older date, deletes, cache and locks",
      "syncs",
      sync({
        exec: `const keys = []
    for await (const one of nango.listRecords("Item")) keys.push(one)
    await nango.trackDeletesStart("Item")
    await nango.batchSave([{ id: "1", date: nango.lastSyncDate === null, keys, gone: (await nango.trackDeletesEnd("Item")).deletedKeys, lock: await nango.tryAcquireLock({ key: "a", ttlMs: 1 }), by: (await nango.getRecordsByIds(["1"], "Item")).size }], "Item")`,
      }),
      {
        nango: {
          trackDeletesEnd: { deletedKeys: ["x"] },
          batchSave: { Item: [{ id: "1", date: true, keys: [], gone: ["x"], lock: true, by: 0 }] },
        },
      },
    ],
    [
      "an event function",
      "on-events",
      onEvent(`await nango.post({ endpoint: "/greet", data: { a: 1 } })`),
      { api: { post: { "/greet": answer({}, { request: { data: { a: 1 } } }) } } },
    ],
    [
      "the provider's own pagination",
      "syncs",
      sync({
        exec: `for await (const page of nango.paginate({ endpoint: "/repos" })) await nango.batchSave(page, "Item")`,
      }),
      {
        nango: { getConnection: { provider: "github" }, batchSave: { Item: [{ id: "1" }, { id: "2" }] } },
        api: {
          get: {
            "/repos": answer([{ id: "1" }], {
              headers: { link: '<https://api.github.com/more?page=2>; rel="next"' },
              request: {},
            }),
            "/more": answer([{ id: "2" }], { request: { params: { page: "2" } } }),
          },
        },
      },
    ],
  ]
  passing.push([
    "a token of its own",
    "actions",
    action({ exec: "return [await nango.getToken(), (await nango.getConnection()).provider_config_key]" }),
    { nango: { getToken: "t" }, output: ["t", "acme"] },
  ])
  test.each(passing)("passes: %s", async (_, kind, source, fixture) => {
    expect(await runOne(kind, source, fixture)).toMatchObject({ ok: true, report: [], missed: [] })
  })

  const failing: [string, string, object, string[]][] = [
    [
      "another output",
      action({ exec: `return { list: [1, 2], name: "b", extra: true }` }),
      { output: { list: [1], name: "a" } },
      [
        "output.list.length",
        "  - expected 1",
        "  + got      2",
        "output.name",
        '  - expected "a"',
        '  + got      "b"',
        "output.extra",
      ],
    ],
    [
      "a request that is not recorded",
      action({ exec: `return (await nango.get({ endpoint: "/a", params: { page: 2 } })).data` }),
      { api: { get: { "/a": answer(1, { request: { params: { page: "1" } } }) } }, output: 1 },
      ["no recorded answer to GET /a?page=2 (recorded: ?page=1)"],
    ],
    [
      "what it throws",
      action({ exec: `throw new nango.ActionError({ message: "no" })` }),
      { output: 1 },
      ["action_script_runtime_error: no", "acme/actions/one.ts:7"],
    ],
    [
      "a fixture that is not JSON",
      action({ exec: "return 1" }),
      "{" as unknown as object,
      ["acme/tests/one.test.json is not JSON"],
    ],
    [
      "a fixture of another shape",
      action({ exec: "return 1" }),
      { api: { get: [] } },
      ["acme/tests/one.test.json: api.get"],
    ],
    [
      "a function that cannot be bundled",
      `import fs from "fs"\n${action({ exec: "return 1" })}`,
      { output: 1 },
      ["acme/actions/one.ts:1:"],
    ],
  ]
  test.each(failing)("fails: %s", async (_, source, fixture, lines) => {
    const { ok, report } = await runOne("actions", source, fixture)
    expect(ok).toBe(false)
    for (const line of lines) expect(report.join("\n")).toContain(line)
  })

  test("records that nobody expected, and a model that is missing", async () => {
    const source = sync({ exec: `await nango.batchSave([{ id: "1" }], "Item")` })
    const { ok, report } = await runOne("syncs", source, { nango: { batchSave: { Other: [{ id: "2" }] } } })
    expect(ok).toBe(false)
    expect(report.join("\n")).toContain("batchSave.Other.length")
    expect(report.join("\n")).toContain("batchSave.Item.length")
  })

  test("a swallowed miss is told, and only the outcome counts", async () => {
    const source = action({ exec: `try { await nango.get({ endpoint: "/a" }) } catch { return "none" }` })
    expect(await runOne("actions", source, { output: "none" })).toMatchObject({
      ok: true,
      missed: ["GET /a (nothing is recorded for this path)"],
    })
  })
})

describe("sluice test: projects", () => {
  test("totals, filters, functions without a fixture, files without a function, exit codes", async () => {
    const dir = makeProject({
      "a/actions/good.ts": action({ exec: "return 1" }),
      "a/actions/bad.ts": action({ exec: "return 2" }),
      "a/actions/alone.ts": action({ exec: "return 3" }),
      "b/actions/good.ts": action({ exec: "return 1" }),
      "a/tests/good.test.json": { output: 1 },
      "a/tests/bad.test.json": { output: 1 },
      "a/tests/gone.test.json": { output: 1 },
      "b/tests/good.test.json": { output: 1 },
    })
    const all = await runTests(dir)
    expect({ code: all.code, totals: all.totals }).toMatchObject({
      code: 1,
      totals: { passed: 2, failed: 1, without: 1, strays: ["a/tests/gone.test.json"] },
    })
    expect(await runTests(dir, "--name", "good")).toMatchObject({ code: 0, totals: { passed: 2, failed: 0 } })
    expect(await runTests(dir, "--integration", "b")).toMatchObject({ code: 0, totals: { passed: 1, failed: 0 } })
    const human = await runCli(["test", dir])
    expect({ code: human.code, stdout: human.stdout }).toEqual({
      code: 1,
      stdout: expect.stringContaining("2 passed, 1 failed, 1 function without a fixture"),
    })
    expect(human.stdout).toContain("✗ a/bad")
    expect(human.stdout).toContain("a/tests/gone.test.json belongs to no function")
    const none = await runCli(["test", dir, "--name", "alone"])
    expect({ code: none.code, stderr: none.stderr }).toEqual({
      code: 3,
      stderr: expect.stringContaining("There is no fixture"),
    })
    expect((await runCli(["test", join(dir, "nowhere")])).code).toBe(3)
  })

  test("older projects with a nango.yaml", async () => {
    const dir = makeProject({
      "nango.yaml":
        "integrations:\n  old:\n    syncs:\n      pull:\n        runs: every hour\n        endpoint: GET /x\n        output: Thing\nmodels:\n  Thing:\n    id: string\n",
      "old/syncs/pull.ts": `export default async function fetchData(nango) { const { data } = await nango.get({ endpoint: "/things" }); await nango.batchSave(data, "Thing") }`,
      "old/tests/pull.test.json": {
        api: { get: { "/things": answer([{ id: "1" }]) } },
        nango: { batchSave: { Thing: [{ id: "1" }] } },
      },
    })
    expect(await runTests(dir)).toMatchObject({ code: 0, totals: { passed: 1, failed: 0 } })
  })

  test("an endless function is ended and named, and the others go on", async () => {
    const dir = makeProject({
      "a/actions/endless.ts": action({ exec: "while (true) {}" }),
      "a/tests/endless.test.json": { output: 1 },
      "a/actions/good.ts": action({ exec: "return 1" }),
      "a/tests/good.test.json": { output: 1 },
    })
    const { code, results } = await runTests(dir, "--timeout", "1")
    expect(code).toBe(1)
    expect(results.map(({ ok, report }) => [ok, report.join()])).toEqual([
      [false, expect.stringContaining("function_runtime_timed_out")],
      [true, ""],
    ])
  })

  test("500 fixtures", async () => {
    const files: Record<string, unknown> = {}
    for (let n = 0; n < 250; n++) {
      files[`a/actions/act${n}.ts`] = action({
        exec: `const r = await nango.get({ endpoint: "/things/" + input.id, params: { v: ${n} } }); return { n: r.data.n, sum: r.data.n + ${n} }`,
      })
      files[`a/tests/act${n}.test.json`] = {
        input: { id: `x${n}` },
        output: { n, sum: 2 * n },
        api: { get: { [`/things/x${n}`]: answer({ n }, { request: { params: { v: String(n) } } }) } },
      }
      files[`a/syncs/sync${n}.ts`] = sync({
        exec: `for await (const page of nango.paginate({ endpoint: "/list", params: { v: ${n} }, paginate: { type: "offset", offset_name_in_request: "at", limit_name_in_request: "n", limit: 2, response_path: "rows" } })) await nango.batchSave(page, "Item")`,
      })
      const page = (at: number, ids: string[]) =>
        answer({ rows: ids.map((id) => ({ id })) }, { request: { params: { v: String(n), n: "2", at: String(at) } } })
      files[`a/tests/sync${n}.test.json`] = {
        api: { get: { "/list": [page(0, ["1", "2"]), page(2, ["3"])] } },
        nango: { batchSave: { Item: [{ id: "1" }, { id: "2" }, { id: "3" }] } },
      }
    }
    const dir = makeProject({})
    writeFiles(dir, files)
    const started = performance.now()
    const { code, totals } = await runTests(dir)
    console.log(`500 fixtures: ${((performance.now() - started) / 1000).toFixed(1)} s`)
    expect({ code, totals }).toMatchObject({ code: 0, totals: { passed: 500, failed: 0 } })
    const path = join(dir, "a/tests/act7.test.json")
    writeFileSync(path, readFileSync(path, "utf8").replace('"sum": 14', '"sum": 15'))
    expect((await runTests(dir, "--name", "act7")).results[0]?.report).toEqual([
      "output.sum",
      "  - expected 15",
      "  + got      14",
    ])
    rmSync(dir, { recursive: true })
  }, 120_000)
})
