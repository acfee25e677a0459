import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { membersTable } from "../../.ci/members-table.ts"
import { settingsTable } from "../../.ci/settings-table.ts"
import { settings } from "../../src/app/settings.ts"

const root = join(import.meta.dir, "../..")
const read = (path: string) => readFileSync(join(root, path), "utf8")

describe("docs", () => {
  test("the settings table of the README is the one that the code gives", () => {
    const table = /<!-- settings -->\n([\s\S]*?)<!-- \/settings -->/.exec(read("README.md"))?.[1]
    expect(table?.trim()).toBe(settingsTable().trim())
  })

  test("the members in docs/providers.md are those of the schema (else: bun .ci/members-table.ts)", () => {
    const tables = /<!-- members -->\n([\s\S]*?)<!-- \/members -->/.exec(read("docs/providers.md"))?.[1]
    expect(tables?.trim()).toBe(membersTable().trim())
  })

  test.each(["README.md", "AGENTS.md", "docs/decisions.md"])("every path that %s names exists", (file) => {
    const paths = [...read(file).matchAll(/`((?:src|test|docs|bench|providers|examples|\.ci)\/[\w./-]*[\w-])`/g)].map(
      (match) => match[1] ?? "",
    )
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  test("setting names carry the prefix and are unique", () => {
    const names = Object.values(settings).map((setting) => setting.name)
    expect(names.filter((name) => !name.startsWith("SLUICE_"))).toEqual([])
    expect(new Set(names).size).toBe(names.length)
  })

  test("AGENTS.md stays short", () => {
    expect(read("AGENTS.md").split("\n").length).toBeLessThanOrEqual(120)
  })
})
