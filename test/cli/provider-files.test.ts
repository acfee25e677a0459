import { afterAll, expect, test } from "bun:test"
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Sluice, startSluice, temporaryFolder } from "../helpers/sluice.ts"
import { inMap } from "../providers/files.ts"
import { foreignCatalogue, foreignId } from "../providers/foreign.ts"
import { runWith } from "./commands.ts"

const folder = temporaryFolder("provider-files")
afterAll(() => rmSync(folder, { recursive: true }))
const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const big = write(
  "big.yaml",
  foreignCatalogue(60) + inMap("odd", "  auth_mode: OAUTH2\n  glow: 1\n") + inMap("lost", "  alias: nowhere\n"),
)
const mine = join(folder, "mine")

test("check: a good file is 0, and says how much is in it", async () => {
  const { code, stdout, stderr } = await runWith(["providers", "check", write("good.yaml", foreignCatalogue(30))])
  expect([code, stdout]).toEqual([0, ""])
  expect(stderr).toContain("30 providers can be used; 0 problems, 0 warnings")
})

test("check: problems, warnings apart, and names without a recipe", async () => {
  const scripts = "  auth_mode: NONE\n  post_connection_script: noSuchScript\n  webhook_routing_script: noSuchRouting\n"
  const bad = write(
    "bad.yaml",
    inMap("half", "  auth_mode: OAUTH2\n  authorization_url: https://x.test\n  glow: 1\n") +
      inMap("lost", "  alias: nowhere\n") +
      inMap("a", "  alias: b\n") +
      inMap("b", "  alias: a\n") +
      inMap(
        "pattern",
        '  auth_mode: BASIC\n  credentials:\n    username:\n      title: T\n      description: D\n      pattern: "("\n',
      ) +
      inMap("typo", "  auth_mode: NONE\n  proxy:\n    base_url: https://${connectionConfg.x}.test\n") +
      inMap("s1", scripts) +
      inMap("s2", scripts) +
      inMap("s1", scripts),
  )
  const { code, stdout } = await runWith(["providers", "check", bad])
  expect(code).toBe(1)
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(`${folder}/`, ""))
  expect(lines).toEqual([
    'bad.yaml:1: provider "half", field token_url: is required for OAUTH2',
    'bad.yaml:10: provider "lost", field alias: names "nowhere", which is not in the catalogue',
    'bad.yaml:18: provider "b", field alias: goes round in a circle: a → b → a',
    expect.stringContaining('bad.yaml:27: provider "pattern", field credentials.username.pattern: is no regular expr'),
    expect.stringContaining('bad.yaml:33: provider "typo", field proxy.base_url: ${connectionConfg.x} is not a name'),
    'bad.yaml:46: provider "s1": is defined twice',
    'warning: bad.yaml:6: provider "half", field glow: is not a known field',
    expect.stringContaining('warning: bad.yaml:19: provider "pattern", field proxy.verification: is missing'),
    'warning: bad.yaml:23: provider "pattern", field credentials: should name username and password',
    'no recipe: post_connection_script "noSuchScript" of s2',
    'no recipe: webhook_routing_script "noSuchRouting" of s2',
  ] as string[])
  const json = await runWith(["providers", "check", bad, "--json"])
  expect(json.code).toBe(1)
  expect(JSON.parse(json.stdout).data.scripts[0]).toEqual({
    member: "post_connection_script",
    name: "noSuchScript",
    providers: ["s2"],
  })
})

test.each([
  ["not YAML", () => write("no.yaml", "a:\n  docs: 'open\n"), /no\.yaml:\d+: .*quote/],
  ["not there", () => join(folder, "absent.yaml"), /absent\.yaml: cannot be read: ENOENT/],
  [
    "100 MB",
    () => {
      const path = write("huge.yaml", "")
      truncateSync(path, 100 * 1024 * 1024)
      return path
    },
    /huge\.yaml: has 100 MiB; a catalogue may have at most 32 MiB/,
  ],
])("what is no catalogue: %s", async (_, make, told) => {
  const path = make()
  const checked = await runWith(["providers", "check", path])
  expect(checked.code).toBe(1)
  expect(checked.stdout).toMatch(told)
  const dataDir = temporaryFolder("never")
  const served = await runWith(["serve", "--data-dir", dataDir, "--port", "0"], { env: { SLUICE_PROVIDERS: path } })
  expect(served.code).toBe(1)
  expect(served.stdout + served.stderr).toMatch(told)
})

test("add: one entry that stands by itself, in a folder that serve takes", async () => {
  const name = foreignId(13)
  const { code, stdout } = await runWith(["providers", "add", name, "--from", big, "--to", mine])
  expect([code, stdout.trim()]).toEqual([0, join(mine, `${name}.yaml`)])
  const text = readFileSync(join(mine, `${name}.yaml`), "utf8")
  expect(text).toStartWith("# yaml-language-server: $schema=./schema.json\ndisplay_name: Vendor 13 (other name)\n")
  expect(text).not.toContain("alias:")
  expect(existsSync(join(mine, "schema.json"))).toBe(true)
  expect((await runWith(["providers", "check", mine])).code).toBe(0)
  const whole = await runWith(["providers", "show", name, "--json"], { env: { SLUICE_PROVIDERS: big } })
  const single = await runWith(["providers", "show", name, "--json"], { env: { SLUICE_PROVIDERS: mine } })
  const { alias: _, ...entry } = JSON.parse(whole.stdout).data
  expect(JSON.parse(single.stdout).data).toEqual(entry)
})

test("add: never over a file, unless told; SLUICE_PROVIDERS is the folder when it is one", async () => {
  const env = { SLUICE_PROVIDERS: mine }
  const add = (...more: string[]) => runWith(["providers", "add", foreignId(0), "--from", big, ...more], { env })
  expect((await add()).code).toBe(0)
  writeFileSync(join(mine, `${foreignId(0)}.yaml`), "# mine\n")
  expect((await add()).code).toBe(5)
  expect(readFileSync(join(mine, `${foreignId(0)}.yaml`), "utf8")).toBe("# mine\n")
  expect((await add("--force")).code).toBe(0)
  expect(readFileSync(join(mine, `${foreignId(0)}.yaml`), "utf8")).toContain("Vendor 0")
  const nowhere = await runWith(["providers", "add", foreignId(0), "--from", big])
  expect([nowhere.code, nowhere.stderr.includes("--to <folder>")]).toEqual([2, true])
})

test("add: tells what is wrong with the entry", async () => {
  const odd = await runWith(["providers", "add", "odd", "--from", big, "--to", mine])
  expect(odd.code).toBe(0)
  expect(odd.stderr).toContain('provider "odd", field token_url: is required for OAUTH2')
  const lost = await runWith(["providers", "add", "lost", "--from", big, "--to", mine])
  expect(lost.code).toBe(1)
  expect(lost.stderr).toContain('provider "lost", field alias: names "nowhere"')
  // One of ours is not in that file.
  expect((await runWith(["providers", "add", "github", "--from", big, "--to", mine])).code).toBe(3)
})

test("list: a search by option or as a word", async () => {
  const word = await runWith(["providers", "list", "github-p"])
  const option = await runWith(["providers", "list", "--search", "github-p"])
  expect(word.stdout).toContain("github-pat")
  expect(option.stdout).toBe(word.stdout)
})

test("serve: a whole foreign file, first and again, with a broken entry and a broken cache; a reload keeps the last good one", async () => {
  const file = write("serve.yaml", foreignCatalogue() + inMap("bad", "  auth_mode: MAGIC\n"))
  const dataDir = temporaryFolder("serve")
  const cache = join(dataDir, "cache", "catalogue.jsonl")
  const start = () => startSluice({ dataDir, env: { SLUICE_PROVIDERS: file } })
  const check = async (sluice: Sluice) => {
    expect((await sluice.call("GET", `/providers/${foreignId(13)}`)).body.data.auth_mode).toBe("OAUTH2")
    expect((await sluice.call("GET", "/providers/bad")).status).toBe(404)
    const { body } = await sluice.call("GET", "/sluice/providers?origin=file")
    expect(body.data).toHaveLength(981)
    expect(body.problems).toMatchObject([{ provider: "bad", file, line: 33_112, field: "auth_mode" }])
  }
  const first = await start()
  await check(first)
  expect(first.output()).toContain(`a provider is left out: ${file}:33112`)
  await first.stop()
  const made = readFileSync(cache)

  const second = await start()
  await check(second)
  await second.stop()
  writeFileSync(cache, made.subarray(0, made.length / 2))
  const third = await start()
  await check(third)
  expect(readFileSync(cache).equals(made)).toBe(true)

  writeFileSync(file, "a: [\n")
  const reload = await third.call("POST", "/sluice/providers/reload")
  expect([reload.status, reload.body.error.code]).toEqual([400, "invalid_providers"])
  expect(reload.body.error.message).toContain(`${file}:`)
  await check(third)
  writeFileSync(file, inMap("only", "  auth_mode: NONE\n"))
  expect((await third.call("POST", "/sluice/providers/reload")).status).toBe(200)
  expect((await third.call("GET", "/providers/only")).status).toBe(200)
  await third.stop()
  rmSync(dataDir, { recursive: true })
})
