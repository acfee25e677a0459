import { describe, expect, test } from "bun:test"
import { parseNangoYaml } from "../../src/functions/nango-yaml.ts"

function parse(text: string) {
  const result = parseNangoYaml(text)
  if (!result.ok) throw new Error(result.errors.map((one) => `${one.line}:${one.column} ${one.message}`).join("\n"))
  return result.yaml
}

function problems(text: string): string[] {
  const result = parseNangoYaml(text, "x/nango.yaml")
  return result.ok ? [] : result.errors.map((one) => `${one.file}:${one.line}:${one.column} ${one.code}`)
}

function one(
  declaration: string,
  section = "syncs",
  models = "models:\n  Issue: { id: string }\n  Other: { id: int }",
) {
  const indented = declaration.split("\n").map((line) => `        ${line}`)
  const [found] = parse(
    ["integrations:", "  demo:", `    ${section}:`, "      it:", ...indented, models].join("\n"),
  ).functions
  if (found === undefined) throw new Error("no function")
  return found
}

describe("functions", () => {
  test("a sync with everything", () => {
    const found = one(
      [
        "runs: every 6 hours",
        "description: All issues",
        "version: 1.2.3",
        "output: [Issue, Other]",
        "input: Meta",
        "endpoint:",
        "  - GET /issues",
        "  - { method: put, path: /others, group: Others }",
        "sync_type: incremental",
        "track_deletes: true",
        "auto_start: false",
        "scopes: repo, user",
        "webhook-subscriptions: [created, '*']",
      ].join("\n"),
      "syncs",
      "models:\n  Issue: { id: string }\n  Other: { id: int }\n  Meta: { owner: string }",
    )
    expect(found).toEqual({
      type: "sync",
      integrationId: "demo",
      name: "it",
      line: 4,
      column: 7,
      description: "All issues",
      version: "1.2.3",
      scopes: ["repo", "user"],
      runs: "every 6 hours",
      input: "Meta",
      output: ["Issue", "Other"],
      endpoints: [
        { method: "GET", path: "/issues" },
        { method: "PUT", path: "/others", group: "Others" },
      ],
      syncType: "incremental",
      trackDeletes: true,
      autoStart: false,
      webhookSubscriptions: ["created", "*"],
      definitions: {
        Issue: {
          type: "object",
          properties: { id: { type: "string" } },
          additionalProperties: false,
          required: ["id"],
        },
        Other: {
          type: "object",
          properties: { id: { type: "number" } },
          additionalProperties: false,
          required: ["id"],
        },
        Meta: {
          type: "object",
          properties: { owner: { type: "string" } },
          additionalProperties: false,
          required: ["owner"],
        },
      },
    })
  })

  test("what a sync does not say", () => {
    expect(one("runs: every hour\noutput: Issue")).toMatchObject({
      autoStart: true,
      trackDeletes: false,
      syncType: "full",
      endpoints: [],
      scopes: [],
      description: "",
      input: null,
      output: ["Issue"],
    })
  })

  test.each<[string, object[]]>([
    ["endpoint: /things", [{ method: "POST", path: "/things" }]],
    ["endpoint: GET /things", [{ method: "GET", path: "/things" }]],
    ["endpoint: { path: /things }", [{ method: "POST", path: "/things" }]],
    ["endpoint: { DELETE: /things }", [{ method: "DELETE", path: "/things" }]],
    ["endpoint: { method: PATCH, path: /things, group: G }", [{ method: "PATCH", path: "/things", group: "G" }]],
    ["endpoint: ", []],
    ["description: x", []],
  ])("an action's %s", (line, endpoints) => {
    expect(one(line, "actions").endpoints as object[]).toEqual(endpoints)
  })

  test("types that are no model get a generated name and a schema", () => {
    const found = one("input: string\noutput: Issue[]", "actions")
    expect([found.input, found.output]).toEqual(["ActionInput_demo_it", ["ActionOutput_demo_it"]])
    expect(found.definitions).toMatchObject({
      ActionInput_demo_it: { type: "string" },
      ActionOutput_demo_it: { type: "array", items: { $ref: "#/definitions/Issue" } },
      Issue: { type: "object" },
    })
  })

  test("events, by event or by the older list", () => {
    const text =
      "integrations:\n  a:\n    on-events:\n      pre-connection-deletion:\n        - bye\n        - byebye\n    post-connection-scripts:\n      - hello\n"
    expect(parse(text).functions.map((found) => [found.name, found.type, found.event])).toEqual([
      ["bye", "on-event", "pre-connection-deletion"],
      ["byebye", "on-event", "pre-connection-deletion"],
      ["hello", "on-event", "post-connection-creation"],
    ])
  })

  test("the first version", () => {
    const found = parse(
      "integrations:\n  a:\n    issues: { runs: every hour, returns: [Issue], auto_start: false, track_deletes: true }\n" +
        "    create: { type: action, returns: [Issue] }\nmodels:\n  Issue: { id: string }\n",
    )
    expect(found.version).toBe("v1")
    expect(found.functions).toMatchObject([
      { type: "sync", name: "issues", runs: "every hour", output: ["Issue"], autoStart: false, trackDeletes: true },
      { type: "action", name: "create", output: ["Issue"] },
    ])
  })

  test("anchors and aliases", () => {
    const found = parse(
      "integrations:\n  a:\n    syncs:\n      x: &base { runs: every day, output: M, scopes: [r] }\n      y: *base\nmodels:\n  M: { id: string }\n",
    )
    expect(found.functions[1]).toMatchObject({ name: "y", runs: "every day", output: ["M"], scopes: ["r"] })
  })
})

describe("mistakes have a place", () => {
  const head = "integrations:\n  a:\n    syncs:\n      s:\n"
  const tail = "models:\n  M: { id: string }\n  N: { name: string }\n"
  test.each<[string, string[]]>([
    ["a: b: c", ["x/nango.yaml:1:4 invalid_yaml"]],
    ["integrations:\n\ta: 1", ["x/nango.yaml:2:1 invalid_yaml"]],
    ["[]", ["x/nango.yaml:1:1 invalid_nango_yaml"]],
    ["", ["x/nango.yaml:1:1 invalid_nango_yaml"]],
    ["models: {}", ["x/nango.yaml:1:1 invalid_nango_yaml"]],
    ["integrations: nothing", ["x/nango.yaml:1:15 invalid_nango_yaml"]],
    ["integrations:\n  a: text", ["x/nango.yaml:2:3 invalid_nango_yaml"]],
    ["integrations:\n  a:\n    synks: {}", ["x/nango.yaml:3:5 invalid_nango_yaml"]],
    [
      "integrations:\n  a:\n    syncs:\n      s: text",
      ["x/nango.yaml:4:7 invalid_nango_yaml", "x/nango.yaml:4:7 invalid_nango_yaml"],
    ],
    [`${head}        output: M\n${tail}`, ["x/nango.yaml:4:7 invalid_nango_yaml"]],
    [`${head}        runs: sometimes\n        output: M\n${tail}`, ["x/nango.yaml:5:15 sync_interval_invalid"]],
    [`${head}        runs: every 3s\n        output: M\n${tail}`, ["x/nango.yaml:5:15 sync_interval_too_short"]],
    [`${head}        runs: every hour\n        output: Gone\n${tail}`, ["x/nango.yaml:6:17 invalid_nango_yaml"]],
    [`${head}        runs: every hour\n        output: N\n${tail}`, ["x/nango.yaml:6:17 invalid_nango_yaml"]],
    [
      `${head}        runs: every hour\n        output: M\n        auto_start: maybe\n${tail}`,
      ["x/nango.yaml:7:21 invalid_nango_yaml"],
    ],
    [
      `${head}        runs: every hour\n        output: M\n        sync_type: half\n${tail}`,
      ["x/nango.yaml:7:20 invalid_nango_yaml"],
    ],
    [
      `${head}        runs: every hour\n        output: M\n        endpoint: FETCH /x\n${tail}`,
      ["x/nango.yaml:7:19 invalid_nango_yaml"],
    ],
    ["integrations: { a: {} }\nmodels:\n  A: { __extends: Gone }", ["x/nango.yaml:3:3 invalid_nango_yaml"]],
    [
      "integrations: { a: {} }\nmodels:\n  A: { __extends: B }\n  B: { __extends: A }",
      ["x/nango.yaml:3:3 invalid_nango_yaml"],
    ],
  ])("%j", (text, expected) => {
    expect(problems(text)).toEqual(expected)
  })

  test("a key that stands twice", () => {
    expect(problems(`${head}        runs: every hour\n        runs: every day\n        output: M\n${tail}`)).toEqual([
      "x/nango.yaml:6:9 invalid_nango_yaml",
    ])
  })

  test("text that wants to explode is refused", () => {
    const lines = ["a0: &a0 [x, x]"]
    for (let n = 1; n < 30; n++)
      lines.push(
        `a${n}: &a${n} [${Array(9)
          .fill(`*a${n - 1}`)
          .join(", ")}]`,
      )
    expect(problems(`${lines.join("\n")}\nintegrations: *a29`)).toEqual(["x/nango.yaml:1:1 invalid_nango_yaml"])
    expect(problems("integrations: &a\n  a: *a")).not.toEqual([])
    expect(problems(`models: { A: ${"[".repeat(5000)}${"]".repeat(5000)} }\nintegrations: {}`)).not.toEqual([])
    expect(problems(Array.from({ length: 50_000 }, (_, n) => `k${n}: 1`).join("\n"))).not.toEqual([])
    expect(problems(`${"- ".repeat(5000)}a`)).not.toEqual([])
    expect(problems(`# ${"x".repeat(1024 * 1024)}`)).toEqual(["x/nango.yaml:1:1 invalid_nango_yaml"])
  })
})
