import { afterAll, describe, expect, test } from "bun:test"
import { readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { checkFunctions } from "../../src/functions/check-functions.ts"
import { formatDiagnostic } from "../../src/functions/diagnostics.ts"
import { readProject } from "../../src/functions/project.ts"
import { checkTypes } from "../../src/functions/type-check.ts"
import { reasonOf } from "../helpers/reason.ts"
import { temporaryFolder } from "../helpers/sluice.ts"
import { readSnippets, type Snippet } from "./snippets.ts"

const cacheDir = temporaryFolder("types")
afterAll(() => rmSync(cacheDir, { recursive: true }))

const check = (files: ReadonlyMap<string, string>) => checkFunctions({ files, cacheDir })

describe("functions that are sound", () => {
  const snippets = [...readSnippets("sound-syncs.txt"), ...readSnippets("sound-actions.txt")]

  test("there are forty, and together they check without a finding", async () => {
    expect(new Set(snippets.map(({ path }) => path)).size).toBeGreaterThanOrEqual(40)
    const { functions, errors, warnings } = await check(new Map(snippets.flatMap(({ files }) => [...files])))
    expect({ errors: errors.map(formatDiagnostic), warnings: warnings.map(formatDiagnostic) }).toEqual({
      errors: [],
      warnings: [],
    })
    expect(functions).toBe(snippets.length)
  })

  test("the examples check without a finding", async () => {
    const { functions, errors, warnings } = await check(await readProject(join(import.meta.dir, "../../examples")))
    expect([...errors, ...warnings].map(formatDiagnostic)).toEqual([])
    expect(functions).toBeGreaterThanOrEqual(4)
  })
})

/** `// TS2345` at the end of a line says what must be found there; `A|B` leaves the code open. */
function markers({ files }: Snippet): { place: string; codes: string[] }[] {
  return [...files].flatMap(([path, text]) =>
    text.split("\n").flatMap((line, index) => {
      const codes = /\/\/ ((?:TS\d+|[a-z]+_\w+)(?:\|TS\d+)*)$/.exec(line)?.[1]
      return codes === undefined ? [] : [{ place: `${path}:${index + 1}`, codes: codes.split("|") }]
    }),
  )
}

describe("mistakes", () => {
  const mistakes = readSnippets("mistakes.txt")
  test("there are twenty at least", () => expect(mistakes.length).toBeGreaterThanOrEqual(20))

  test.each(mistakes.map((one) => [one.name, one] as const))("%s is found, at its line, once", async (_, snippet) => {
    const wanted = markers(snippet)
    expect(wanted.length).toBe(1)
    const { errors } = await check(snippet.files)
    expect(errors.map((one) => `${one.file}:${one.line}`)).toEqual(wanted.map((one) => one.place))
    expect(wanted[0]?.codes).toContain(errors[0]?.code)
    expect(errors[0]?.message).not.toMatch(/\n|sluice-check-/)
  })

  test("a fault in each of many functions is found in each", async () => {
    const typed = mistakes.filter((one) => markers(one)[0]?.codes[0]?.startsWith("TS"))
    const { errors } = await check(new Map(typed.flatMap(({ files }) => [...files])))
    expect(errors.map((one) => `${one.file}:${one.line}`).toSorted()).toEqual(
      typed.flatMap((one) => markers(one).map(({ place }) => place)).toSorted(),
    )
  })
})

describe("what only warns", () => {
  const action = (body: string, head = "") => `import { createAction } from "nango"
import { z } from "zod"
${head}
export default createAction({
  description: "a",
  input: z.any(),
  output: z.any(),
  exec: async (nango, input) => {
    ${body}
  },
})
`
  const rows: [name: string, body: string, head: string, warning: string][] = [
    ["a name that is not used", "return input", "", "a/actions/f.ts:8:16 TS6133"],
    ["a way out to fetch", "await nango.log(input)\n return fetch", "", "a/actions/f.ts:10:9 no_fetch"],
    [
      "dots at an index signature",
      "await nango.log(input)\nreturn map.a",
      "declare const map: Record<string, string>",
      "a/actions/f.ts:10:12 TS4111",
    ],
  ]
  test.each(rows)("%s", async (_, body, head, warning) => {
    const { errors, warnings } = await check(new Map([["a/actions/f.ts", action(body, head)]]))
    expect(errors).toEqual([])
    expect(warnings.map(formatDiagnostic).join("\n")).toStartWith(warning)
  })

  test("types of packages are anything", async () => {
    const head = 'import type { Readable } from "stream"\nimport type { Thing } from "@scope/thing"'
    const body = "await nango.log(input)\n const one: Thing = 1\n return one as Readable"
    expect(await check(new Map([["a/actions/f.ts", action(body, head)]]))).toMatchObject({ errors: [], warnings: [] })
  })
})

describe("older projects", () => {
  const yaml = `integrations:
  github:
    syncs:
      issues:
        runs: every hour
        output: Issue
        endpoint: GET /issues
models:
  Issue:
    id: string
`
  const source = (line: string, head: string) => `import type { NangoSync, Issue } from "../../models"; ${head}
export default async function fetchData(nango: NangoSync) {
  const issues: Issue[] = []
  let last = nango.lastSyncDate
  ${line}
  await nango.batchSave<Issue>(issues, "Issue")
}
`
  const files = (line: string, head = "") =>
    new Map([
      ["nango.yaml", yaml],
      ["github/syncs/issues.ts", source(line, head)],
    ])

  test("models that were never generated do not matter", async () => {
    expect(await check(files("issues.push({ id: '1' })"))).toMatchObject({ functions: 1, errors: [], warnings: [] })
  })

  test("type errors only warn, refused imports do not pass", async () => {
    const typed = await check(files("await nango.batchSaves(issues)"))
    expect(typed.errors).toEqual([])
    expect(typed.warnings.map(({ line, code }) => `${line} ${code}`)).toEqual(["5 TS2551"])
    const refused = await check(files("await nango.log(fs)", "import fs from 'fs'"))
    expect(refused.errors.map(({ code }) => code)).toEqual(["disallowed_import"])
  })
})

test("the declarations are written once, and again when one is lost", async () => {
  const files = readSnippets("sound-actions.txt")[0]?.files ?? new Map()
  await check(files)
  const [name = "", ...others] = readdirSync(join(cacheDir, "types"))
  expect(others).toEqual([])
  rmSync(join(cacheDir, "types", name, "zod/index.d.ts"))
  expect((await check(files)).errors).toEqual([])
  expect(readdirSync(join(cacheDir, "types"))).toEqual([name])
})

test("at the same time from many sides, into an empty cache", async () => {
  const files = readSnippets("sound-actions.txt")[0]?.files ?? new Map()
  const fresh = temporaryFolder("types")
  const checks = await Promise.all(Array.from({ length: 4 }, () => checkFunctions({ files, cacheDir: fresh })))
  expect(checks.flatMap(({ errors }) => errors)).toEqual([])
  expect(readdirSync(join(fresh, "types")).length).toBe(1)
  rmSync(fresh, { recursive: true })
})

test("an interrupted check ends with its own error, before and while the checker runs", async () => {
  const files = readSnippets("sound-actions.txt")[0]?.files ?? new Map()
  const early = checkFunctions({ files, cacheDir, signal: AbortSignal.abort() })
  expect(await reasonOf(early)).toMatchObject({ code: "interrupted" })
  const types = { files, roots: [...files.keys()].slice(0, 1), legacy: false, cacheDir }
  const late = new AbortController()
  const checked = reasonOf(checkTypes({ ...types, signal: late.signal }))
  late.abort()
  expect(await checked).toMatchObject({ code: "interrupted" })
})
