import { afterAll, describe, expect, test } from "bun:test"
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { runCli, temporaryFolder } from "../helpers/sluice.ts"

const root = temporaryFolder("hostile")
afterAll(() => rmSync(root, { recursive: true }))

const marker = join(root, "ran")
const outside = join(root, "outside")
const leave = `import { writeFileSync } from "node:fs"\nwriteFileSync(${JSON.stringify(marker)}, "x")\n`

const sound = `import { createAction } from "nango"
import { z } from "zod"
export default createAction({ description: "a", input: z.object({ a: z.string() }), output: z.string(), exec: async (_, input) => input.a })
`

function write(folder: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
}

/** A project, and a check of it by the executable from inside it, with a temporary and a home folder of its own. */
async function check(name: string, files: Record<string, string>, links: Record<string, string> = {}) {
  const project = join(root, name)
  write(project, { "a/actions/sound.ts": sound, ...files })
  for (const [path, target] of Object.entries(links)) symlinkSync(target, join(project, path))
  const own = { TMPDIR: join(root, `${name}-tmp`), HOME: join(root, `${name}-home`) }
  for (const folder of Object.values(own)) mkdirSync(folder)
  const ended = await runCli(["check", "--json"], own, project)
  expect(existsSync(marker)).toBe(false)
  expect(readdirSync(own.TMPDIR)).toEqual([])
  const { errors = [] } = JSON.parse(ended.stdout || "{}") as {
    errors?: { file: string; code: string; message: string }[]
  }
  return { ...ended, errors, project }
}

describe("nothing of a project is run or obeyed", () => {
  test("settings of tools, scripts and packages", async () => {
    const { code, errors } = await check("settings", {
      "bunfig.toml": 'preload = ["./evil.ts"]\n[run]\npreload = ["./evil.ts"]\n',
      ".env": "BUN_OPTIONS=--preload=./evil.ts\n",
      "evil.ts": leave,
      "package.json": '{"name":"x","scripts":{"check":"bun evil.ts","precheck":"bun evil.ts"}}',
      "tsconfig.json":
        '{"extends":"/etc/passwd","compilerOptions":{"plugins":[{"name":"./evil"}],"strict":false,"outDir":"."}}',
      "node_modules/nango/package.json": '{"name":"nango","types":"evil.d.ts","main":"evil.js"}',
      "node_modules/nango/evil.d.ts": "export declare const createAction: any",
      "a/actions/mistake.ts": sound.replace("input.a })", "input.b })"),
    })
    // The project asked not to be checked strictly, and brought a nango that takes everything.
    expect({ code, errors: errors.map((one) => `${one.file} ${one.code}`) }).toEqual({
      code: 1,
      errors: ["a/actions/mistake.ts TS2339"],
    })
  })

  test("top-level code and macros", async () => {
    const { code, errors } = await check("macro", {
      "a/actions/top.ts": `${sound}require("node:fs").writeFileSync(${JSON.stringify(marker)}, "x")\n`,
      "a/actions/macro.ts": `import { run } from "../evil.ts" with { type: "macro" }\nexport const x = run()\n${sound}`,
      "a/actions/scheme.ts": `import { run } from "macro:../evil.ts"\n${sound}void run`,
      "a/evil.ts": `${leave}export const run = () => 1\n`,
    })
    expect(code).toBe(1)
    const found = new Set(errors.map((one) => `${one.file} ${one.code}`))
    expect(found).toContain("a/actions/macro.ts unsupported_syntax")
    expect(found).toContain("a/actions/scheme.ts unsupported_syntax")
    expect(found).toContain("a/actions/top.ts disallowed_import")
  })

  test("links and references that lead out", async () => {
    const secret = "swordfish"
    write(outside, { "secret.ts": `export const ${secret} = 1 as ${secret}Type\n` })
    const { stdout, stderr, errors } = await check(
      "links",
      {
        "a/actions/reference.ts": `/// <reference path="${join(outside, "secret.ts")}" />\n/// <reference types="bun" />\n${sound}`,
        "a/actions/import.ts": `import { ${secret.length}x } from "${join(outside, "secret.ts")}"\n${sound}`.replace(
          "9x",
          "other",
        ),
        "a/actions/up.ts": `import type { Other } from "../../../outside/secret.js"\n${sound}export type O = Other\n`,
      },
      { "a/actions/linked.ts": join(outside, "secret.ts"), etc: "/etc", "a/again": ".." },
    )
    expect(stdout + stderr).not.toContain(secret)
    expect(errors.map((one) => one.file)).not.toContain("a/actions/linked.ts")
    expect(errors.map((one) => one.code)).toContain("disallowed_import")
  })

  test("types that would keep the checker busy for ever end with an error", async () => {
    const { code, errors } = await check("busy", {
      "a/actions/busy.ts": `${sound}type Grow<T extends unknown[]> = Grow<[...T, ...T, 1]>\nexport type X = Grow<[1]>\n`,
    })
    expect(code).toBe(1)
    expect(new Set(errors.map((one) => one.file))).toEqual(new Set(["a/actions/busy.ts"]))
  })
})
