import { afterAll, expect, test } from "bun:test"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const folder = await mkdtemp(join(tmpdir(), "sluice-compiled-"))
afterAll(() => rm(folder, { recursive: true }))

const MAIN = `
import { bundleFunction, rewriteStack } from ${JSON.stringify(join(import.meta.dir, "../../src/functions/bundle.ts"))}
const files = new Map([
  ["a/syncs/s.ts", "import { createSync } from 'nango'\\nimport { z } from 'zod'\\nimport { f } from './f.js'\\nexport default createSync({ models: { A: z }, exec: async () => f() })"],
  ["a/syncs/f.ts", "type A = 1\\nexport function f() { throw new Error('boom') }"],
  ["a/syncs/macro.ts", "import { go } from './evil.ts' with { type: 'macro' }\\nexport default () => go()"],
  ["a/syncs/evil.ts", "export function go() { require('fs').writeFileSync('ran', '') }"],
  ["a/syncs/deny.ts", "import { readFileSync } from 'node:fs'\\nexport default () => readFileSync"],
])
const good = await bundleFunction({ files, entry: "a/syncs/s.ts" })
const line = good.ok ? good.code.split("\\n").findIndex((text) => text.includes("boom")) + 1 : 0
const macro = await bundleFunction({ files, entry: "a/syncs/macro.ts" })
const deny = await bundleFunction({ files, entry: "a/syncs/deny.ts" })
console.log(JSON.stringify({
  ok: good.ok,
  names: good.ok ? [...good.code.matchAll(/require\\("([^"]+)"\\)/g)].map((one) => one[1]) : [],
  frame: good.ok ? rewriteStack("x.cjs:" + line + ":9", { fileName: "x.cjs", map: good.map }) : "",
  macro: macro.ok,
  deny: deny.ok ? [] : deny.errors.map((one) => [one.file, one.line, one.column].join(":")),
}))
`

test("the bundler works in a compiled executable with nothing around it", async () => {
  await writeFile(join(folder, "main.ts"), MAIN)
  const exe = join(folder, "main")
  const flags = [
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    "--minify",
    "--bytecode",
    "--format=esm",
  ]
  const build = Bun.spawn(
    [process.execPath, "build", "--compile", ...flags, join(folder, "main.ts"), "--outfile", exe],
    {
      cwd: folder,
      stdout: "pipe",
      stderr: "pipe",
    },
  )
  expect([await build.exited, await new Response(build.stderr).text()]).toEqual([0, expect.any(String)])
  const empty = join(folder, "empty")
  await mkdir(empty)
  const run = Bun.spawn([exe], { cwd: empty, env: {}, stdout: "pipe", stderr: "inherit" })
  expect(JSON.parse(await new Response(run.stdout).text())).toEqual({
    ok: true,
    names: ["nango", "zod"],
    frame: expect.stringMatching(/^a\/syncs\/f\.ts:2:\d+$/),
    macro: false,
    deny: ["a/syncs/deny.ts:1:30"],
  })
  expect(await run.exited).toBe(0)
  expect(await Bun.file(join(empty, "ran")).exists()).toBe(false)
}, 60_000)
