import { describe, expect, test } from "bun:test"
import { mapFrame, rewriteStack } from "../../src/functions/bundle.ts"
import { bundle, loadBundle } from "./load-bundle.ts"

describe("stacks", () => {
  const files = {
    "github/syncs/größe 😀.ts": [
      "import { createSync } from 'nango'",
      "import { map } from '../mappers/issue.js'",
      "type Unused = { a: 1 }",
      "export default createSync({",
      "  exec: async () => {",
      "    return map([1])",
      "  },",
      "})",
    ].join("\n"),
    "github/mappers/issue.ts":
      "interface Gone { a: 1 }\n\nexport function map(list: number[]): number[] {\n  return list.map((one) => {\n    throw new Error(`boom ${one}`)\n  })\n}\n",
  }

  test("frames point to the throwing line of the imported file and to its caller", async () => {
    const fileName = "issues-github (1).cjs"
    const bundled = await bundle(files)
    if (!bundled.ok) throw new Error("failed")
    const error = (await loadBundle(bundled, fileName)
      .default.exec()
      .catch((thrown: Error) => thrown)) as Error
    expect(error.stack).toContain(`${fileName}:`)
    const stack = rewriteStack(error.stack ?? "", { fileName, map: bundled.map })
    expect(stack).toMatch(/github\/mappers\/issue\.ts:5:\d+/)
    expect(stack).toMatch(/github\/mappers\/issue\.ts:4:\d+/)
    expect(stack).toMatch(/github\/syncs\/größe 😀\.ts:6:\d+/)
    expect(stack).not.toContain(fileName)
  })

  test("lines that the runner put in front are taken off", async () => {
    const bundled = await bundle(files)
    if (!bundled.ok) throw new Error("failed")
    const line = bundled.code.split("\n").findIndex((text) => text.includes("boom")) + 1
    const plain = rewriteStack(`at x.cjs:${line}:11`, { fileName: "x.cjs", map: bundled.map })
    expect(plain).toContain("github/mappers/issue.ts:5:")
    expect(rewriteStack(`at x.cjs:${line + 3}:11`, { fileName: "x.cjs", map: bundled.map, lineOffset: 3 })).toBe(plain)
    expect(mapFrame(bundled.map, line, 11)?.file).toBe("github/mappers/issue.ts")
  })

  test("other files, unknown lines and hostile text stay", async () => {
    const bundled = await bundle(files)
    if (!bundled.ok) throw new Error("failed")
    const input = { fileName: "x.cjs", map: bundled.map }
    expect(rewriteStack("at y.cjs:1:1", input)).toBe("at y.cjs:1:1")
    expect(rewriteStack("at x.cjs:1:1", input)).toBe("at x.cjs:1:1")
    expect(rewriteStack("x.cjs:".repeat(50_000), input)).toHaveLength(300_000)
    expect(mapFrame(bundled.map, 0, 0)).toBeUndefined()
  })

  test("sources of the map are project-relative and keep their text", async () => {
    const bundled = await bundle(files)
    if (!bundled.ok) throw new Error("failed")
    const map = JSON.parse(bundled.map) as { sources: string[]; sourcesContent: string[] }
    expect(map.sources.toSorted()).toEqual(["github/mappers/issue.ts", "github/syncs/größe 😀.ts"])
    expect(map.sourcesContent.toSorted()).toEqual(Object.values(files).toSorted())
  })
})
