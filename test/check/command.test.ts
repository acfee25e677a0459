import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { chmodSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { echoAction, indexOf, itemsSync, startCommands, writeProject } from "../cli/commands.ts"
import { connectFake } from "../helpers/setup.ts"
import { runCli, temporaryFolder } from "../helpers/sluice.ts"
import { readSnippets } from "./snippets.ts"

const home = temporaryFolder("home")
afterAll(() => rmSync(home, { recursive: true }))

const examples = join(import.meta.dir, "../../examples")
const wrong = echoAction("return nango.gett({ endpoint: input.a })")
const wrongLine = "fake/actions/echo.ts:5:48 TS2551 Property 'gett' does not exist on type"

describe("sluice check", () => {
  test("the examples, without a daemon", async () => {
    const { code, stdout, stderr } = await runCli(["check", examples], { HOME: home })
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "13 functions checked: no problems.\n" })
    expect(readdirSync(join(home, ".cache/sluice/types")).length).toBe(1)
  })

  test("the forty sound functions in the executable", async () => {
    const files = [...readSnippets("sound-syncs.txt"), ...readSnippets("sound-actions.txt")].flatMap((one) => [
      ...one.files,
    ])
    const { code, stdout, stderr } = await runCli(["check", writeProject(Object.fromEntries(files))], { HOME: home })
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "40 functions checked: no problems.\n" })
  })

  test("problems are lines on stdout, in order, and exit 1", async () => {
    const dir = writeProject({
      "fake/syncs/items.ts": `import fs from "node:fs"\n${itemsSync()}void fs\n`,
      "fake/actions/echo.ts": wrong,
    })
    const { code, stdout, stderr } = await runCli(["check", dir], { XDG_CACHE_HOME: join(home, "cache") })
    expect(code).toBe(1)
    const [first = "", second = "", ...more] = stdout.trimEnd().split("\n")
    expect(first).toStartWith(wrongLine)
    expect(second).toStartWith('fake/syncs/items.ts:1:16 disallowed_import import of "node:fs" is not allowed')
    expect(more).toEqual([])
    expect(stderr).toEndWith("2 functions checked: 2 problems.\n")
  })

  test("--json, and only one integration", async () => {
    const dir = writeProject({
      "fake/actions/echo.ts": wrong,
      "other/actions/echo.ts": echoAction("await nango.log(input)"),
    })
    const all = await runCli(["check", dir, "--json"], { HOME: home })
    const { ok, functions, errors, warnings } = JSON.parse(all.stdout)
    expect({ code: all.code, ok, functions, errors: errors.length, warnings }).toEqual({
      code: 1,
      ok: false,
      functions: 2,
      errors: 1,
      warnings: [],
    })
    expect(errors[0]).toEqual({
      file: "fake/actions/echo.ts",
      line: 5,
      column: 48,
      code: "TS2551",
      message: expect.any(String),
    })
    const one = await runCli(["check", dir, "--json", "-i", "other"], { HOME: home })
    expect({ code: one.code, stdout: JSON.parse(one.stdout) }).toEqual({
      code: 0,
      stdout: { ok: true, functions: 1, errors: [], warnings: [] },
    })
  })

  test("a folder that is not there, and one without functions", async () => {
    expect((await runCli(["check", "/no/such/folder"], { HOME: home })).code).toBe(3)
    const empty = await runCli(["check", temporaryFolder("empty")], { HOME: home })
    expect({ code: empty.code, stdout: empty.stdout }).toEqual({
      code: 1,
      stdout: expect.stringContaining("no_functions"),
    })
  })

  test("a home that cannot be written, or none", async () => {
    const closed = temporaryFolder("closed")
    chmodSync(closed, 0o500)
    for (const env of [{ HOME: closed }, { HOME: "/dev/null" }, { HOME: "relative" }, {}])
      expect(await runCli(["check", examples], env as Record<string, string>)).toMatchObject({ code: 0, stdout: "" })
    chmodSync(closed, 0o700)
  })
})

describe("sluice deploy", () => {
  let world: Awaited<ReturnType<typeof startCommands>>
  beforeAll(async () => {
    world = await startCommands()
    await connectFake(world.sluice)
  })
  afterAll(() => world.close())

  const dir = writeProject({ "index.ts": indexOf("fake/actions/echo"), "fake/actions/echo.ts": wrong })
  const pending = async () =>
    JSON.parse((await world.run(["deploy", dir, "--dry-run", "--json", "--no-check"])).stdout).changes as {
      change: string
    }[]

  test("refuses type errors, and says how to deploy all the same", async () => {
    const { code, stdout, stderr } = await world.run(["deploy", dir, "--yes"])
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    expect(stderr).toStartWith(wrongLine)
    expect(stderr).toEndWith(
      "error: 1 problem in the project; nothing was deployed.\nhint: With --no-check it is deployed all the same.\n",
    )
    expect(await pending()).toMatchObject([{ change: "create" }])
    const json = await world.run(["deploy", dir, "--yes", "--json"])
    expect(JSON.parse(json.stdout).error).toMatchObject({
      code: "invalid_types",
      payload: { diagnostics: [{ code: "TS2551" }] },
    })
  })

  test("--no-check leaves it to the daemon", async () => {
    const { code, stderr } = await world.run(["deploy", dir, "--yes", "--no-check"])
    expect({ code, stderr }).toEqual({ code: 0, stderr: "Deployed: 1 change.\n" })
    expect(await pending()).toMatchObject([{ change: "keep" }])
  })

  test("in older projects types only warn", async () => {
    const legacy = writeProject({
      "nango.yaml":
        "integrations:\n  fake:\n    actions:\n      old:\n        endpoint: GET /old\n        output: string\n",
      "fake/actions/old.ts":
        'import type { NangoAction } from "../../models"\nexport default async function runAction(nango: NangoAction) {\n  return nango.connectionIdd\n}\n',
    })
    const { code, stderr } = await world.run(["deploy", legacy, "--yes", "--allow-destructive"])
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(
        /^warning: fake\/actions\/old\.ts:3:16 TS2551 .+\nDeployed: 2 changes\.\n$/,
      ) as never,
    })
  })
})

describe("sluice check --editor", () => {
  const source = echoAction("await nango.log(input)").replace("exec", "// plain\n  exec")
  const checkAsEditor = (dir: string) =>
    Bun.spawnSync([process.execPath, "check", "--no-script", "--no-pretty", "-p", dir], { cwd: home }).stdout.toString()

  test("an editor finds every type without a package, and its settings stay out of the project's sources", async () => {
    const dir = writeProject({ "fake/actions/echo.ts": source, "fake/syncs/items.ts": itemsSync() })
    const { code, stderr } = await runCli(["check", dir, "--editor"], { HOME: home })
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `Wrote ${dir}/.sluice and ${dir}/tsconfig.json.\n2 functions checked: no problems.\n`,
    })
    expect(checkAsEditor(dir)).toBe("")
    writeProject({ "fake/actions/echo.ts": source.replace("nango.log", "nango.lag") }, dir)
    expect(checkAsEditor(dir)).toMatch(/fake\/actions\/echo\.ts\(6,\d+\): error TS\d+: .+'lag'/)
    const again = await runCli(["check", dir, "--editor"], { HOME: home })
    expect(again.code).toBe(1)
  })

  test("a tsconfig.json that stands is left alone, a link is refused", async () => {
    const settings = '{ "compilerOptions": {} }'
    const dir = writeProject({ "fake/actions/echo.ts": source, "tsconfig.json": settings })
    const { code, stderr } = await runCli(["check", dir, "--editor"], { HOME: home })
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `Wrote ${dir}/.sluice; let your tsconfig.json extend it.\n1 function checked: no problems.\n`,
    })
    expect(readFileSync(join(dir, "tsconfig.json"), "utf8")).toBe(settings)
    const target = temporaryFolder("target")
    const linked = writeProject({ "fake/actions/echo.ts": source })
    symlinkSync(target, join(linked, ".sluice"))
    expect((await runCli(["check", linked, "--editor"], { HOME: home })).code).toBe(1)
    expect(readdirSync(target)).toEqual([])
  })
})
