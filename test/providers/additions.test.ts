import { afterAll, beforeAll, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { createKey } from "../../src/environments/keys.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { base, inMap } from "./files.ts"
import { temporaryFolder } from "../helpers/sluice.ts"

let t: TestApp
const file = join(temporaryFolder("additions"), "many.yaml")
beforeAll(async () => {
  writeFileSync(file, inMap("from-file", "  auth_mode: NONE\n") + inMap("broken", "  auth_mode: MAGIC\n"))
  t = await testApp({ config: { providers: file } })
})
afterAll(() => t.close())

const put = (name: string, body: unknown) => t.request("PUT", `/sluice/providers/${name}`, { body })
const show = async (name: string) => (await t.request("GET", `/providers/${name}`)).body?.data
const entry = (more: object = {}) => ({ display_name: "X", docs: "https://x.test", auth_mode: "NONE", ...more })
const remove = (name: string) => t.request("DELETE", `/sluice/providers/${name}`)

test("a broken entry of the operator's file is left out and told, in the log and by the API", async () => {
  expect(t.app.catalogue.find("from-file")).toBeDefined()
  expect(t.app.catalogue.find("broken")).toBeUndefined()
  const [line] = t.logged.filter(({ provider }) => provider === "broken")
  expect(line).toMatchObject({ level: 40, file, line: 8, field: "auth_mode" })
  expect(line?.msg).toStartWith(`a provider is left out: ${file}:8: provider "broken", field auth_mode: `)
  const { body } = await t.request("GET", "/sluice/providers?origin=file")
  expect(body.data).toEqual([{ name: "from-file", origin: "file", file, line: 1 }])
  expect(body.problems).toMatchObject([{ provider: "broken", line: 8 }])
})

test("an entry in JSON counts at once, over a file's and over ours, and its aliases follow", async () => {
  expect((await put("from-file", entry({ display_name: "From the API" }))).status).toBe(200)
  expect((await put("follower", { display_name: "F", docs: "https://x.test", alias: "from-file" })).status).toBe(200)
  expect(await show("from-file")).toMatchObject({ display_name: "From the API" })
  expect(await show("follower")).toMatchObject({ display_name: "F", auth_mode: "NONE" })
  expect((await put("github", entry({ display_name: "Ours no more" }))).body.data).toMatchObject({ origin: "api" })
  expect(t.app.catalogue.get("github").display_name).toBe("Ours no more")
  expect((await t.request("GET", "/providers.json", { key: null })).body.github.auth_mode).toBe("NONE")
  const { body } = await t.request("GET", "/sluice/providers?origin=api")
  expect(body.data.map(({ name }: { name: string }) => name)).toEqual(["follower", "from-file", "github"])
  expect(body.data[2]).toMatchObject({ entry: entry({ display_name: "Ours no more" }), created_at: expect.any(String) })

  for (const name of ["follower", "from-file", "github"]) expect((await remove(name)).status).toBe(204)
  expect((await show("from-file")).display_name).toBe("X")
  expect(t.app.catalogue.get("github").auth_mode).toBe("OAUTH2")
  expect((await remove("github")).status).toBe(404)
})

test("an entry in YAML; its problems have lines", async () => {
  expect((await put("in-yaml", `${base}auth_mode: BASIC\nproxy:\n  base_url: https://x.test\n`)).status).toBe(200)
  const bad = await put("in-yaml", `${base}auth_mode: BASIC\nproxy:\n  base_url: 5\n`)
  expect(bad.status).toBe(400)
  expect(bad.body.error.payload.problems).toMatchObject([{ line: 5, field: "proxy.base_url" }])
  expect(t.app.catalogue.get("in-yaml").proxy?.base_url).toBe("https://x.test")
  await remove("in-yaml")
})

const rows: [name: string, body: unknown, fields: string[]][] = [
  [
    "shapes",
    entry({ proxy: { base_url: 5, retry: { after: 5 } }, docs: undefined }),
    ["docs", "proxy.base_url", "proxy.retry.after"],
  ],
  ["an auth mode's own", entry({ auth_mode: "OAUTH2" }), ["authorization_url", "token_url"]],
  ["an unknown alias", { ...entry(), alias: "nothing" }, ["alias"]],
  ["itself", { ...entry(), alias: "tried" }, ["alias"]],
  [
    "a pattern",
    entry({ auth_mode: "BASIC", credentials: { username: { title: "T", description: "D", pattern: "(" } } }),
    ["credentials.username.pattern"],
  ],
  [
    "an unknown name in a template",
    entry({ proxy: { base_url: "https://${connectionConfig.nope}.test" } }),
    ["proxy.base_url"],
  ],
  ["a list", [1], [""]],
  ["no YAML", "a: [", [""]],
  ["nothing", "", [""]],
]
test.each(rows)("refused with every field, and nothing stored: %s", async (_, body, fields) => {
  const answer = await put("tried", body)
  expect(answer.status).toBe(400)
  expect(answer.body.error.code).toBe("invalid_provider")
  expect(answer.body.error.errors.map(({ path }: { path: string[] }) => path.join("."))).toEqual(fields)
  expect(t.app.catalogue.find("tried")).toBeUndefined()
  expect((await t.request("GET", "/sluice/providers?origin=api")).body.data).toEqual([])
})

test("unknown members are kept, with a warning", async () => {
  const answer = await put("shiny", entry({ glow: 1 }))
  expect(answer.status).toBe(200)
  expect(answer.body.warnings).toMatchObject([{ provider: "shiny", field: "glow" }])
  expect(await show("shiny")).toMatchObject({ glow: 1 })
  await remove("shiny")
})

test("a provider that integrations use stays, unless another source has it", async () => {
  await put("used", entry())
  await put("base", entry())
  await put("on-top", { display_name: "F", docs: "https://x.test", alias: "base" })
  for (const provider of ["used", "on-top"]) {
    await t.request("POST", "/integrations", { body: { provider, unique_key: `my-${provider}` } })
  }
  const refused = await remove("used")
  expect(refused.status).toBe(409)
  expect(refused.body.error.payload.integrations).toEqual([
    { provider: "used", environment: "dev", integration: "my-used" },
  ])
  expect((await remove("base")).body.error.payload.integrations).toMatchObject([{ integration: "my-on-top" }])
  expect(t.app.catalogue.find("used")).toBeDefined()

  writeFileSync(file, inMap("used", "  auth_mode: NONE\n") + inMap("broken", "  auth_mode: MAGIC\n"))
  expect((await t.request("POST", "/sluice/providers/reload")).status).toBe(200)
  expect((await remove("used")).status).toBe(204)
  expect(t.app.catalogue.whereIs("used")).toMatchObject({ origin: "file" })
  await t.request("DELETE", "/integrations/my-on-top")
  expect((await remove("base")).body.error.code).toBe("invalid_providers")
  expect((await remove("on-top")).status).toBe(204)
  expect((await remove("base")).status).toBe(204)
})

test("reload: what is there, what went, and nothing new that is broken", async () => {
  const reload = () => t.request("POST", "/sluice/providers/reload")
  const good = inMap("used", "  auth_mode: NONE\n") + inMap("fresh", "  auth_mode: NONE\n")
  writeFileSync(file, good)
  expect((await reload()).body).toMatchObject({ problems: [], warnings: [] })
  expect(t.app.catalogue.find("fresh")).toBeDefined()
  const bad: [text: string, told: string][] = [
    ["a: [", "many.yaml:1: "],
    [good + inMap("worse", "  alias: nothing\n"), `many.yaml:12: provider "worse", field alias: names "nothing"`],
    [good + inMap("round", "  alias: round\n"), "goes round in a circle: round → round"],
    [good + inMap("used", "  auth_mode: NONE\n"), `many.yaml:9: provider "used": is defined twice`],
    [
      good + inMap("half", "  auth_mode: OAUTH2\n"),
      `many.yaml:9: provider "half", field token_url: is required for OAUTH2`,
    ],
    [inMap("fresh", "  auth_mode: NONE\n"), "my-used in dev (used)"],
  ]
  for (const [text, told] of bad) {
    writeFileSync(file, text)
    const answer = await reload()
    expect(answer.status).toBeOneOf([400, 409])
    expect(answer.body.error.message).toContain(told)
    expect(t.app.catalogue.names()).toContain("fresh")
    expect(t.app.catalogue.names()).toContain("used")
  }
})

test("entries of the API are there after a restart; one that became useless is left out", async () => {
  const dataDir = temporaryFolder("restart")
  const first = await testApp({ dataDir })
  for (const name of ["kept", "spoilt"]) await first.request("PUT", `/sluice/providers/${name}`, { body: entry() })
  await first.app.store.tx(({ db }) => db.run("UPDATE provider_additions SET entry = '{}' WHERE name = 'spoilt'"))
  await first.close()
  await using second = await testApp({ dataDir })
  expect(second.app.catalogue.find("kept")).toMatchObject(entry())
  expect(second.app.catalogue.find("spoilt")).toBeUndefined()
  expect(second.logged.some(({ provider }) => provider === "spoilt")).toBe(true)
})

test("it takes a key of the whole account", async () => {
  const { secretKey } = await createKey(t.app, { environment: t.ctx.environment, displayName: "of dev" })
  for (const [method, path] of [
    ["GET", "/sluice/providers"],
    ["PUT", "/sluice/providers/x"],
    ["DELETE", "/sluice/providers/x"],
    ["POST", "/sluice/providers/reload"],
  ] as const) {
    expect((await t.request(method, path, { key: secretKey })).status).toBe(403)
  }
})
