import { describe, expect, test } from "bun:test"
import { discoverFunctions } from "../../src/functions/discover.ts"

function discover(files: Record<string, string>) {
  const { entries, errors, warnings } = discoverFunctions(new Map(Object.entries(files)))
  return {
    entries: entries.map((one) => `${one.integrationId}|${one.name}|${one.folderKind ?? "-"}|${one.path}`),
    errors: errors.map((one) => `${one.file}:${one.line}:${one.column} ${one.code}`),
    warnings: warnings.map((one) => `${one.file} ${one.code}`),
  }
}

describe("index.ts", () => {
  test("side-effect imports, in their order; nothing else counts", () => {
    const index = [
      "// import './commented/syncs/a.js'",
      "/*",
      "import './commented/syncs/b.js'",
      "*/",
      'import "./github/syncs/issues.js";',
      "import './github/actions/create-issue'",
      "  import './github/on-events/hello.ts'",
      "import x from './github/syncs/not-this.js'",
      "export * from './github/syncs/nor-this.js'",
      "import 'some-package'",
      "import './github/syncs/issues'",
    ].join("\n")
    const found = discover({
      "index.ts": index,
      "github/syncs/issues.ts": "",
      "github/actions/create-issue.ts": "",
      "github/on-events/hello.ts": "",
      "github/syncs/unlisted.ts": "",
    })
    expect(found).toEqual({
      entries: [
        "github|issues|sync|github/syncs/issues.ts",
        "github|create-issue|action|github/actions/create-issue.ts",
        "github|hello|on-event|github/on-events/hello.ts",
      ],
      errors: [],
      warnings: [],
    })
  })

  test("the folder is only a hint, and any depth below the integration works", () => {
    const found = discover({
      "index.ts": "import './figma/things/files.js'\nimport './figma/hello.js'",
      "figma/things/files.ts": "",
      "figma/hello.ts": "",
    })
    expect(found.entries).toEqual(["figma|files|-|figma/things/files.ts", "figma|hello|-|figma/hello.ts"])
  })

  test.each([
    ["import './a/syncs/missing.js'", "index.ts:1:8 unresolved_import"],
    ["\n  import '../other/syncs/a.js'", "index.ts:2:10 disallowed_import"],
    ["import './a/../../etc/passwd'", "index.ts:1:8 disallowed_import"],
    ["import './lonely.js'", "index.ts:1:8 invalid_path"],
    ["import './a/syncs/bad name.js'", "a/syncs/bad name.ts:1:1 invalid_function_name"],
    ["import './a/syncs/größe.js'", "a/syncs/größe.ts:1:1 invalid_function_name"],
    ["import './a+b/syncs/fine.js'", "a+b/syncs/fine.ts:1:1 invalid_integration_id"],
  ])("%j", (index, error) => {
    const files = { "a/syncs/bad name.ts": "", "a/syncs/größe.ts": "", "a+b/syncs/fine.ts": "", "lonely.ts": "" }
    expect(discover({ "index.ts": index, ...files }).errors).toEqual([error])
  })

  test("a name that stands twice in one integration names both files; in two integrations it is fine", () => {
    const files = {
      "index.ts": "import './a/syncs/x.js'\nimport './a/actions/x.js'\nimport './b/syncs/x.js'",
      "a/syncs/x.ts": "",
      "a/actions/x.ts": "",
      "b/syncs/x.ts": "",
    }
    const { errors } = discoverFunctions(new Map(Object.entries(files)))
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({ file: "a/actions/x.ts", code: "duplicate_function" })
    expect(errors[0]?.message).toContain("a/syncs/x.ts")
  })
})

describe("folders", () => {
  test("the layout decides when index.ts has no imports", () => {
    const found = discover({
      "index.ts": "export {}",
      "models.ts": "",
      "github/syncs/issues.ts": "",
      "github/syncs/issues.test.ts": "",
      "github/syncs/types.d.ts": "",
      "github/syncs/deep/er.ts": "",
      "github/mappers/map.ts": "",
      "github/actions/create.ts": "",
      "my app@1/on-events/hello.ts": "",
      "old/post-connection-scripts/setup.ts": "",
      "github/syncs/readme.json": "{}",
    })
    expect(found.entries).toEqual([
      "github|create|action|github/actions/create.ts",
      "github|issues|sync|github/syncs/issues.ts",
      "my app@1|hello|on-event|my app@1/on-events/hello.ts",
      "old|setup|on-event|old/post-connection-scripts/setup.ts",
    ])
    expect(found.errors).toEqual([])
  })

  test("nothing found says what to add", () => {
    const { errors } = discoverFunctions(new Map([["models.ts", ""]]))
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({ file: "index.ts", code: "no_functions" })
    expect(errors[0]?.message).toContain('import "./github/syncs/issues.js"')
  })
})

describe("nango.yaml", () => {
  const yaml = [
    "integrations:",
    "  github:",
    "    syncs:",
    "      issues: { runs: every hour, output: Issue }",
    "      root: { runs: every hour, output: Issue }",
    "      gone: { runs: every hour, output: Issue }",
    "    actions:",
    "      create: {}",
    "    on-events:",
    "      pre-connection-deletion: [cleanup]",
    "    post-connection-scripts: [setup]",
    "models:",
    "  Issue: { id: string }",
  ].join("\n")

  test("declares the functions; files stand in folders or at the root", () => {
    const found = discover({
      "nango.yaml": yaml,
      "github/syncs/issues.ts": "",
      "root.ts": "",
      "github/actions/create.ts": "",
      "github/actions/forgotten.ts": "",
      "github/on-events/cleanup.ts": "",
      "github/post-connection-scripts/setup.ts": "",
    })
    expect(found).toEqual({
      entries: [
        "github|issues|sync|github/syncs/issues.ts",
        "github|root|sync|root.ts",
        "github|create|action|github/actions/create.ts",
        "github|cleanup|on-event|github/on-events/cleanup.ts",
        "github|setup|on-event|github/post-connection-scripts/setup.ts",
      ],
      errors: ["nango.yaml:6:7 missing_file"],
      warnings: ["github/actions/forgotten.ts undeclared_function"],
    })
  })

  test("its mistakes are discovery's errors, and import lines win over it", () => {
    expect(discover({ "nango.yaml": "integrations: [" }).errors).toEqual(["nango.yaml:1:16 invalid_yaml"])
    const found = discover({
      "nango.yaml": yaml,
      "index.ts": "import './github/syncs/issues.js'",
      "github/syncs/issues.ts": "",
    })
    expect(found).toEqual({ entries: ["github|issues|sync|github/syncs/issues.ts"], errors: [], warnings: [] })
  })
})
