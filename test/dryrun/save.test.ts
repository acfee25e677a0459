import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { runCli } from "../helpers/sluice.ts"
import { action, makeProject, onEvent, openStage, type Stage, sync } from "./project.ts"

const planted = "planted/key+of=the-customer"
const inToken = "a-token-that-the-provider-gave"

let stage: Stage
beforeAll(async () => {
  stage = await openStage({
    fake: {
      data: [
        {
          method: "POST",
          path: "/token",
          body: { access_token: inToken, expires_in: 60 },
          headers: { "set-cookie": "sid=1", "x-request-id": "r1" },
        },
        { method: "GET", path: "/jobs/1", status: 404, body: { error: "gone" } },
      ],
    },
  })
  await stage.sluice.call("POST", "/connections", {
    body: {
      provider_config_key: "fake",
      connection_id: "secretive",
      credentials: { type: "API_KEY", apiKey: planted },
      connection_config: { site: "acme", clientSecret: "secret-in-the-config" },
      metadata: { team: 7 },
    },
  })
})
afterAll(() => stage[Symbol.asyncDispose]())

async function save(dir: string, name: string, ...args: string[]) {
  const ran = await stage.cli(dir, "dryrun", name, "secretive", "--save", ...args)
  const file = join(dir, "fake/tests", `${name}${args.includes("--webhook") ? ".webhook" : ""}.test.json`)
  return { ...ran, file, text: ran.code === 0 || ran.code === 7 ? readFileSync(file, "utf8") : "" }
}

const leaky = action({
  exec: `
    const { credentials, connection_config } = await nango.getConnection()
    const key = credentials.apiKey
    const { data } = await nango.post({
      endpoint: "/token", retries: 0, params: { key },
      headers: { "x-own-key": key, "x-basic": "Basic " + Buffer.from("me:" + key).toString("base64") },
      data: { key, secret: connection_config.clientSecret, encoded: encodeURIComponent(key) },
    })
    const echo = await nango.get({ endpoint: "/headers", retries: 0, headers: { "x-token": data.access_token } })
    await nango.log("the key is " + key)
    return { key, token: data.access_token, list: [key + "!"], site: connection_config.site, meta: await nango.getMetadata(), sent: echo.data.headers["x-token"] }`,
})

describe("sluice dryrun --save", () => {
  test("no secret is in the fixture or on the terminal, and the fixture replays", async () => {
    const dir = makeProject({ "fake/actions/leaky.ts": leaky })
    const { code, stdout, stderr, text } = await save(dir, "leaky", "-i", "{}")
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("Saved fake/tests/leaky.test.json") })
    const base64 = Buffer.from(planted).toString("base64")
    const forms = [planted, encodeURIComponent(planted), base64, Buffer.from(`me:${planted}`).toString("base64")]
    for (const secret of [...forms, "secret-in-the-config"]) {
      expect(text).not.toContain(secret)
      expect(stdout).not.toContain(secret)
      expect(stderr).not.toContain(secret)
    }
    expect(text).not.toContain(inToken)
    const fixture = JSON.parse(text)
    expect(Object.keys(fixture)).toEqual(["api", "input", "nango", "output"])
    expect(fixture.api.post["/token"].request).toEqual({
      data: { key: "redacted-1", secret: "redacted-2", encoded: "redacted-1" },
      headers: { "x-basic": `Basic ${Buffer.from("me:redacted-1").toString("base64")}`, "x-own-key": "redacted-1" },
      params: { key: "redacted-1" },
    })
    expect(fixture.api.post["/token"].response).toEqual({ access_token: "hidden-1", expires_in: 60 })
    expect(Object.keys(fixture.api.post["/token"].headers)).toEqual(["content-type", "x-request-id"])
    expect(fixture.nango.getMetadata).toEqual({ team: 7 })
    expect(fixture.output).toMatchObject({ key: "redacted-1", token: "hidden-1", site: "acme", sent: "hidden-1" })
    expect(await runCli(["test", dir])).toMatchObject({ code: 0 })
  })

  test("a long body, kept as a digest, replays although a secret is in it", async () => {
    const dir = makeProject({
      "fake/actions/long.ts": action({
        exec: `
    const { credentials } = await nango.getConnection()
    const data = { key: credentials.apiKey, text: "x".repeat(2000), 7: "number" }
    const answer = await nango.post({ endpoint: "/echo", data, retries: 0 })
    const bytes = Buffer.from("file of " + credentials.apiKey)
    await nango.post({ endpoint: "/echo", data: bytes, headers: { "content-type": "text/plain" }, retries: 0 })
    return answer.status`,
      }),
    })
    const { code, text } = await save(dir, "long", "-i", "{}")
    expect({ code, digests: JSON.parse(text).api.post["/echo"].map((one: any) => one.request.data) }).toEqual({
      code: 0,
      digests: [expect.stringMatching(/^sha1:[0-9a-f]{40}$/), Buffer.from("file of redacted-1").toString("base64")],
    })
    expect(await runCli(["test", dir])).toMatchObject({ code: 0 })
  })

  test("the client secret of the integration stays out", async () => {
    await stage.sluice.call("POST", "/integrations", {
      body: {
        provider: "github",
        unique_key: "gh",
        credentials: { type: "OAUTH2", client_id: "client", client_secret: "the-secret-of-the-app", scopes: "repo" },
      },
    })
    const imported = await stage.sluice.call("POST", "/connections", {
      body: {
        provider_config_key: "gh",
        connection_id: "octo",
        credentials: { type: "OAUTH2", access_token: "gho_of_the_customer", refresh_token: "ghr_of_the_customer" },
      },
    })
    expect(imported.status).toBe(201)
    const dir = makeProject({
      "gh/actions/app.ts": action({
        exec: `
    const { credentials } = await nango.getIntegration({ include: ["credentials"] })
    const { data } = await nango.post({ endpoint: "/echo", data: credentials, retries: 0 })
    return { token: await nango.getToken(), sent: data.body }`,
      }),
    })
    const { stdout, stderr } = await stage.cli(dir, "dryrun", "app", "octo", "--save", "-i", "{}")
    const text = readFileSync(join(dir, "gh/tests/app.test.json"), "utf8")
    for (const secret of ["the-secret-of-the-app", "gho_of_the_customer", "ghr_of_the_customer"])
      expect([text, stdout, stderr].map((one) => one.includes(secret))).toEqual([false, false, false])
    expect(JSON.parse(text).output.token).toMatch(/^redacted-\d$/)
    expect(text).toContain('"scopes": "repo"')
  })

  test("the same run gives the same file", async () => {
    const dir = makeProject({ "fake/actions/leaky.ts": leaky })
    const first = await save(dir, "leaky", "-i", "{}")
    const second = await save(dir, "leaky", "-i", "{}")
    expect(first.text).not.toBe("")
    // The port of the fake provider's answers would differ in another run, nothing else.
    expect(second.text).toBe(first.text)
  })

  test("a sync with pages, checkpoint, metadata and date replays", async () => {
    const dir = makeProject({
      "fake/syncs/items.ts": sync({
        exec: `
    const checkpoint = await nango.getCheckpoint()
    const since = nango.lastSyncDate
    for await (const page of nango.paginate({
      endpoint: "/offset/items", params: { count: 7 },
      paginate: { type: "offset", offset_name_in_request: "offset", offset_start_value: checkpoint?.offset ?? 0, response_path: "data", limit_name_in_request: "limit", limit: 3 },
    })) await nango.batchSave(page.map((item) => ({ id: item.id, name: item.name })), "Item")
    await nango.batchSave([{ id: "since", name: String(since?.getTime()) }], "Item")
    await nango.batchDelete([{ id: "old" }], "Item")`,
      }),
    })
    const { code, text, stderr } = await save(dir, "items", "-c", '{"offset":3}', "-l", "2025-01-01")
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const { nango, api } = JSON.parse(text)
    expect(nango.getCheckpoint).toEqual({ offset: 3 })
    expect(nango.batchSave.Item.map(({ id }: { id: string }) => id)).toEqual([
      ...["items_00000004", "items_00000005", "items_00000006", "items_00000007", "since"],
    ])
    expect(nango.batchDelete).toEqual({ Item: [{ id: "old" }] })
    expect(api.get["/offset/items"]).toHaveLength(2)
    expect(await runCli(["test", dir])).toMatchObject({ code: 0 })
    const offline = await runCli(["dryrun", "items", "--offline"], {}, dir)
    expect({ code: offline.code, first: offline.stdout.includes("items_00000004") }).toEqual({ code: 0, first: true })
  })

  test("a refusal that the function catches makes the fixture strict", async () => {
    const dir = makeProject({
      "fake/actions/job.ts": action({
        exec: `
    try { await nango.get({ endpoint: "/jobs/1", retries: 0 }) } catch (error) { return { status: error.response.status, why: error.response.data.error } }
    return "found"`,
      }),
    })
    const { code, text } = await save(dir, "job", "-i", "{}")
    expect({ code, fixture: JSON.parse(text) }).toMatchObject({
      code: 0,
      fixture: { strict: true, output: { status: 404, why: "gone" } },
    })
    expect(await runCli(["test", dir])).toMatchObject({ code: 0 })
  })

  test("webhook and event functions have fixtures too", async () => {
    const dir = makeProject({
      "fake/syncs/hook.ts": sync({
        exec: `await nango.batchSave([], "Item")`,
        more: `onWebhook: async (nango, payload) => { await nango.batchSave([{ id: payload.id, name: "x" }], "Item") },`,
      }),
      "fake/on-events/greet.ts": onEvent(`await nango.post({ endpoint: "/echo", data: { a: 1 }, retries: 0 })`),
    })
    expect(await save(dir, "hook", "--webhook", '{"id":"w1"}')).toMatchObject({ code: 0 })
    expect(await save(dir, "greet")).toMatchObject({ code: 0 })
    const { code, stdout } = await runCli(["test", dir])
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("fake/hook (webhook)") })
    expect(stdout).toContain("2 passed, 0 failed")
  })

  test("what cannot replay is said at once", async () => {
    const dir = makeProject({
      "fake/actions/random.ts": action({ exec: "return { at: performance.now() + Math.random() }" }),
    })
    const { code, stderr } = await save(dir, "random", "-i", "{}")
    expect({ code, stderr }).toEqual({ code: 7, stderr: expect.stringContaining("does not replay") })
    expect(stderr).toContain("output.at")
  })

  test("a failed run saves nothing, and --save validates", async () => {
    const dir = makeProject({
      "fake/actions/typed.ts": action({
        more: "input: z.object({ n: z.number() }), output: z.any(),",
        exec: "return input",
      }),
    })
    const { code, stderr } = await save(dir, "typed", "-i", '{"n":"x"}')
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("No fixture was saved") })
    expect(stderr).toContain("invalid_action_input")
  })

  test("a changed fixture fails with the place and both values", async () => {
    const dir = makeProject({ "fake/actions/leaky.ts": leaky })
    const { file, text } = await save(dir, "leaky", "-i", "{}")
    writeFileSync(file, text.replace('"site": "acme",\n    "meta"', '"site": "other",\n    "meta"'))
    const { code, stdout } = await runCli(["test", dir])
    expect(code).toBe(1)
    expect(stdout).toContain('    output.site\n      - expected "other"\n      + got      "acme"')
  })
})
