import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { startWithFake } from "../helpers/setup.ts"
import { runCli, type Sluice, temporaryFolder } from "../helpers/sluice.ts"
import { actionFile, mirrorMetadata, syncFile } from "./functions.ts"
import { type Connection, deployTo, stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let sluice: Sluice
let at: Connection
beforeAll(async () => {
  world = await startWithFake()
  sluice = world.sluice
  at = await stage(sluice, { "syncs/things.ts": mirrorMetadata, "actions/echo.ts": actionFile("return input") })
})
afterAll(() => world[Symbol.asyncDispose]())

const good = syncFile(`await nango.batchSave([{ id: 1 }], "Thing")`)
const bad: [what: string, file: string, source: string, at: RegExp][] = [
  [
    "a syntax error",
    "syncs/broken.ts",
    `import { createSync } from "nango"\nexport default createSync({\n  oops oops\n`,
    /broken\.ts:\d+:\d+/,
  ],
  [
    "a forbidden import",
    "syncs/broken.ts",
    `import { createSync } from "nango"\nimport fs from "node:fs"\n${good.split("\n").slice(1).join("\n")}`,
    /broken\.ts:2:\d+.*fs/,
  ],
  ["an import of nowhere", "syncs/broken.ts", `import "./no-such.js"\n${good}`, /broken\.ts:1:\d+.*no-such/],
  ["an import that leaves the project", "syncs/broken.ts", `import "../../../outside.js"\n${good}`, /broken\.ts:1:\d+/],
  ["no default export", "syncs/broken.ts", `export const a = 1\n`, /broken\.ts:1:1/],
  ["a default export that is no function", "syncs/broken.ts", `export default { exec: 5 }\n`, /broken\.ts:1:\d+/],
  ["an error at load", "syncs/broken.ts", `throw new Error("at load")\n${good}`, /broken\.ts.*at load/s],
  ["a frequency of no kind", "syncs/broken.ts", syncFile("", { frequency: "now and then" }), /broken\.ts.*frequency/s],
  [
    "a frequency that is too short",
    "syncs/broken.ts",
    syncFile("", { frequency: "every 5 seconds" }),
    /broken\.ts.*(short|30)/s,
  ],
  ["a name of no kind", "syncs/bro ken.ts", good, /bro ken/],
]

async function everything(): Promise<unknown> {
  const { body } = await sluice.call("GET", `/sync/status?syncs=*&provider_config_key=${at.key}`)
  return [body, (await at.act("echo", { still: "here" })).body, (await at.act("broken")).body]
}

test.each(bad)(
  "%s: the whole deploy is refused, at its place, and nothing changes",
  async (_what, file, source, place) => {
    const before = await everything()
    const files = { "syncs/fresh.ts": good, [file]: source }
    for (const mode of ["plan", "apply"]) {
      const named = Object.fromEntries(Object.entries(files).map(([path, text]) => [`${at.key}/${path}`, text]))
      const { status, body } = await sluice.call("POST", "/sluice/deploy", { body: { files: named, mode } })
      expect([status, body.error.code]).toEqual([400, "invalid_project"])
      expect(body.error.message).toMatch(place)
      expect(body.error.payload.diagnostics[0]).toMatchObject({ line: expect.any(Number), column: expect.any(Number) })
    }
    expect(await everything()).toEqual(before)
  },
)

test("two functions of one name", async () => {
  const before = await everything()
  const files = { "syncs/same.ts": good, "actions/same.ts": actionFile("return 1") }
  const { error } = await deployTo(sluice, at.key, files, 400)
  expect(error.code).toBe("invalid_project")
  expect(error.message).toContain("actions/same.ts")
  expect(error.message).toContain("syncs/same.ts")
  expect(await everything()).toEqual(before)
})

test("an integration that does not exist, beside one that does", async () => {
  const before = await everything()
  const body = { files: { [`${at.key}/syncs/new.ts`]: good, "no-such/syncs/new.ts": good }, mode: "apply" }
  const answer = await sluice.call("POST", "/sluice/deploy", { body })
  expect([answer.status, answer.body.error.code]).toEqual([400, "unknown_provider_config"])
  expect(answer.body.error.message).toContain("no-such")
  expect(await everything()).toEqual(before)
})

test.each([
  ["no files", { files: {}, mode: "apply" }, "invalid_project"],
  ["an unknown mode", { files: {}, mode: "now" }, "invalid_body"],
  ["an unknown member", { files: {}, mode: "plan", force: true }, "invalid_body"],
  ["a file that is no text", { files: { "a/syncs/b.ts": 5 }, mode: "plan" }, "invalid_body"],
])("a deploy with %s", async (_what, body, code) => {
  const answer = await sluice.call("POST", "/sluice/deploy", { body })
  expect([answer.status, answer.body.error.code]).toEqual([400, code])
})

test("sluice deploy: exit code, place and nothing changed", async () => {
  const before = await everything()
  const env = { SLUICE_HOST: sluice.url, SLUICE_SECRET_KEY: sluice.key }
  for (const [what, file, source, place] of bad.slice(0, 2)) {
    const folder = temporaryFolder("project")
    const path = join(folder, at.key, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, source)
    const result = await runCli(["deploy", folder, "--yes"], env)
    expect([what, result.code === 0]).toEqual([what, false])
    expect(result.stderr).toMatch(place)
    expect(result.stdout).toBe("")
  }
  expect(await everything()).toEqual(before)
})
