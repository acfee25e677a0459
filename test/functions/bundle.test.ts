import { afterAll, describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { bundle, loadBundle, places } from "./load-bundle.ts"

const folder = await mkdtemp(join(tmpdir(), "sluice-bundle-"))
afterAll(() => rm(folder, { recursive: true }))

const SYNC = "import { createSync } from 'nango'\nexport default createSync({ exec: async () => {} })"

describe("macros never run", () => {
  const mark = join(folder, "ran")
  const evil = `import { writeFileSync } from "node:fs"\nexport function go() { writeFileSync(${JSON.stringify(mark)}, "x"); return 1 }`

  test.each([
    "import { go } from './evil.ts' with { type: 'macro' }",
    "import { go } from './evil' with { 'type': \"macro\" }",
    "import { go } from './evil.ts' assert { type: 'macro' }",
    "import { go } from 'macro:./evil.ts'",
    `import { go } from 'macro:${join(folder, "evil.ts")}'`,
    `import { go } from '${join(folder, "evil.ts")}' with { type: 'macro' }`,
    "import { go } from './innocent.js'",
    "import { go } from './\\u0065vil.ts' with /* x */ { /* y */ type: 'macro' }",
  ])("%s", async (line) => {
    await writeFile(join(folder, "evil.ts"), evil)
    const bundled = await bundle({
      "a/syncs/a.ts": `${line}\nexport default () => go()\nexport const now = go()`,
      "a/syncs/evil.ts": evil,
      "a/syncs/innocent.ts": "export { go } from './second.js'",
      "a/syncs/second.ts":
        "import { go as run } from './evil.ts' with { type: 'macro' }\nexport const go = () => run()\nrun()",
    })
    expect(bundled.ok).toBe(false)
    expect(existsSync(mark)).toBe(false)
  })

  test("the same macro does run without the guard, so the tests above can fail", async () => {
    const unguarded = await mkdtemp(join(folder, "unguarded-"))
    const other = join(unguarded, "ran")
    await writeFile(join(unguarded, "evil.ts"), evil.replace(JSON.stringify(mark), JSON.stringify(other)))
    await writeFile(
      join(unguarded, "main.ts"),
      "import { go } from './evil.ts' with { type: 'macro' }\nconsole.log(go())",
    )
    await Bun.build({ entrypoints: [join(unguarded, "main.ts")], throw: false })
    expect(existsSync(other)).toBe(true)
  })
})

describe("what goes wrong is said with its place", () => {
  test.each([
    ["export default async () => {\n  const = 1\n}", "a/b.ts:2:9 syntax_error"],
    ["const x = 'unclosed\nexport default x", "a/b.ts:1:11 syntax_error"],
    ["const é = '😀'; let let\nexport default () => 1", "a/b.ts:1:21 syntax_error"],
    ["export default async () => 1\nawait 5", "a/b.ts:2:7 syntax_error"],
    ["export const a = 1", "a/b.ts:1:1 nango_invalid_default_export"],
    ["const a = 1\nexport default a", "a/b.ts:2:16 nango_invalid_default_export"],
    ["export default { type: 'sync' }", "a/b.ts:1:16 nango_invalid_default_export"],
    ["export default new (class {})()", "a/b.ts:1:16 nango_invalid_default_export"],
    [
      "import { createSync } from 'nango'\nconst c = {}\nexport default createSync(c)",
      "a/b.ts:3:27 nango_invalid_function_param",
    ],
    ["export default () => 1\nexport default () => 2", "a/b.ts:2:8 syntax_error"],
  ])("%j", async (source, place) => {
    const [first] = places(await bundle({ "a/b.ts": source }))
    expect(first).toBe(place)
  })

  test("a syntax error keeps its exact column behind wide characters", async () => {
    expect(places(await bundle({ "a/b.ts": "const é = '😀'; let let" }))).toEqual(["a/b.ts:1:21 syntax_error"])
  })

  test("a missing entry, an entry outside, an entry with a bad name", async () => {
    expect(places(await bundle({ "a.ts": SYNC }, "b.ts"))).toEqual(["b.ts:1:1 unresolved_import"])
    expect(places(await bundle({ "../a.ts": SYNC }))).toEqual(["../a.ts:1:1 unresolved_import"])
    expect(places(await bundle({ "/etc/passwd": SYNC }))).toEqual(["/etc/passwd:1:1 unresolved_import"])
    expect((await bundle({ "a\n;x.ts": SYNC })).ok).toBe(false)
  })

  test("an import of a file whose name holds control characters", async () => {
    const bundled = await bundle({
      "a/b.ts": "import { x } from './\\n;x.js'\nexport default () => x",
      "a/\n;x.ts": "export const x = 1",
    })
    expect(bundled.ok ? [] : bundled.errors.map((one) => one.code)).toContain("invalid_path")
  })

  test("every refusal is reported, not only the first", async () => {
    const bundled = await bundle({
      "a/b.ts": "import 'fs'\nimport { c } from './c.js'\nimport 'os'\nexport default () => c",
      "a/c.ts": "import 'net'\nexport const c = 1",
    })
    expect(places(bundled).toSorted()).toEqual([
      "a/b.ts:1:8 disallowed_import",
      "a/b.ts:3:8 disallowed_import",
      "a/c.ts:1:8 disallowed_import",
    ])
  })

  test.each(["(", "[", "{", "if(a)", "()=>", "`${"])("200,000 times %s is an error and no crash", async (text) => {
    expect((await bundle({ "a/b.ts": `export default ${text.repeat(200_000)}` })).ok).toBe(false)
  })

  // Each of these took minutes where a reader looked back or forth without a bound.
  test.each([
    ["unclosed quotes", `export default () => 1 // \n${"\\\"'".repeat(200_000)}`],
    ["unclosed regular expressions", `export default () => 1\nx = ${"/[".repeat(200_000)}`],
    ["from after from", `export default () => 1\n${'from "x" '.repeat(100_000)}`],
    ["nested calls", `export default () => 1;${"nango.get(".repeat(100_000)}`],
    ["ten thousand missing files", `${missing(10_000)}export default () => 1`],
    ["ten thousand packages", `${missing(10_000).replaceAll("./", "p")}export default () => 1`],
    ["one package ten thousand times", `${'require("fs");'.repeat(10_000)}export default () => 1`],
  ])("%s end soon, with few findings", async (_name, source) => {
    const bundled = await bundle({ "a/b.ts": source })
    expect(bundled.ok).toBe(false)
    expect(bundled.ok ? 0 : bundled.errors.length).toBeLessThanOrEqual(100)
  })

  test("too much source is refused", async () => {
    const filler = `// ${"x".repeat(1024 * 1024)}\n`
    const files: Record<string, string> = { "a/main.ts": "" }
    for (let n = 0; n < 5; n++) {
      files[`a/f${n}.ts`] = `${filler}export const f${n} = ${n}`
      files["a/main.ts"] += `import { f${n} } from './f${n}.js'\n`
    }
    files["a/main.ts"] += "export default () => [f0, f1, f2, f3, f4]"
    const bundled = await bundle(files)
    expect(bundled.ok ? [] : bundled.errors.map((one) => one.code)).toContain("bundle_too_large")
  })
})

describe("default exports that are accepted", () => {
  test.each([
    "export default createSync({ exec: async () => 1 })",
    "const sync = createSync({ exec: async () => 1 })\nexport default sync",
    "const sync: { exec: () => Promise<number> } = createSync({ exec: async () => 1 })\nexport { sync as default }",
    "const parts = { a: 1 }\nexport default createSync({ ...parts, exec: async () => 1 })",
    "export type Local = { a: 1 }\nexport default createSync<Local>({ exec: async () => 1 } satisfies object)",
  ])("%s", async (body) => {
    const bundled = await bundle({ "a/b.ts": `import { createSync } from 'nango'\n${body}` })
    expect(places(bundled)).toEqual([])
    expect(await loadBundle(bundled).default.exec()).toBe(1)
  })

  test.each([
    "export default async function fetchData(nango: unknown) { return 1 }",
    "export default async (nango: unknown): Promise<number> => 1",
    "const run = async () => 1\nexport default run",
    "function run() { return 1 }\nexport default run",
    "export default nango => 1",
    "export { default } from './other.js'",
  ])("older: %s", async (body) => {
    const bundled = await bundle({ "a/b.ts": body, "a/other.ts": "export default () => 1" })
    expect(places(bundled)).toEqual([])
    expect(await loadBundle(bundled).default()).toBe(1)
  })

  test("the webhook export of older scripts stays", async () => {
    const source = "export default async () => 1\nexport async function onWebhookPayloadReceived() { return 2 }"
    const bundled = await bundle({ "a/b.ts": source })
    expect(bundled.ok && bundled.warnings).toEqual([])
    expect(await loadBundle(bundled).onWebhookPayloadReceived()).toBe(2)
  })
})

describe("warnings and features", () => {
  async function warningsOf(exec: string, top = ""): Promise<string[]> {
    const source = `import { createSync } from 'nango'\n${top}\nexport default createSync({ exec: async (nango) => {\n${exec}\n} })`
    const bundled = await bundle({ "a/b.ts": source })
    if (!bundled.ok) throw new Error(places(bundled).join())
    return bundled.warnings.map((one) => `${one.line}:${one.column} ${one.code}`)
  }

  test.each<[string, string[]]>([
    ["nango.batchSave([], 'A')", ["4:1 method_need_await"]],
    ["const a = nango.get({ endpoint: '/' })", ["4:11 method_need_await"]],
    ["await nango.get({ endpoint: '/' })", []],
    ["return nango.get({ endpoint: '/' })", []],
    ["nango.get({ endpoint: '/' }).then(() => {})", []],
    ["await Promise.all([1].map(() => nango.log('x')))", []],
    ["for await (const p of nango.paginate({})) p", []],
    ["await nango.get({ endpoint: '/', retryOn: [404] })", ["4:13 retryon_need_retries"]],
    ["await nango.get({ endpoint: '/', retryOn: [404], retries: 3 })", []],
    ["await nango.get({ endpoint: '/', params: { retryOn: 1 } })", []],
    ["await nango.get({ ...base, retryOn: [404] })", []],
    ["// nango.get()\nconst s = 'nango.get()'", []],
  ])("%s", async (exec, expected) => {
    expect(await warningsOf(exec, "const base = {}")).toEqual(expected)
  })

  test("named values and console", async () => {
    expect(
      await warningsOf("console.log(1)", "export const helper = 1; export type T = 1; export interface I {}"),
    ).toEqual(["2:14 nango_named_export_not_allowed", "1:1 console_used"])
  })

  test("checkpoints are a feature of the entry only", async () => {
    const files = {
      "a/b.ts": "import { save } from './c.js'\nexport default async (nango: any) => save(nango) // saveCheckpoint",
      "a/c.ts": "export const save = (nango: any) => nango.saveCheckpoint({ a: 1 })",
    }
    const without = await bundle(files)
    const with_ = await bundle({ "a/b.ts": "export default async (nango: any) => nango.getCheckpoint()" })
    expect([without.ok && without.features, with_.ok && with_.features]).toEqual([[], ["checkpoints"]])
  })
})

test("the environment of the daemon does not leak into a bundle", async () => {
  process.env.SLUICE_TEST_SECRET = "hunter2"
  const bundled = await bundle({ "a/b.ts": "export default () => process.env.SLUICE_TEST_SECRET" })
  delete process.env.SLUICE_TEST_SECRET
  expect(bundled.ok && bundled.code.includes("hunter2")).toBe(false)
})

test("the same source gives the same bytes", async () => {
  const once = await bundle({ "a/b.ts": SYNC })
  expect(await bundle({ "a/b.ts": SYNC })).toEqual(once)
})

test("a project of a hundred files, all at once", async () => {
  const files: Record<string, string> = {}
  for (let n = 0; n < 100; n++) {
    const next = n < 99 ? `import { value as next } from './f${n + 1}.js'\n` : "const next = 0\n"
    files[`a/syncs/f${n}.ts`] = `${next}export const value: number = next + 1\nexport default async () => value`
  }
  const entries = Object.keys(files)
  const bundles = await Promise.all(entries.map((entry) => bundle(files, entry)))
  const values = await Promise.all(bundles.map((one) => loadBundle(one).default()))
  expect(values).toEqual(entries.map((_entry, n) => 100 - n))
})

function missing(count: number): string {
  return Array.from({ length: count }, (_, n) => `import v${n} from "./m${n}"; v${n};\n`).join("")
}
