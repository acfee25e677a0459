import { describe, expect, test } from "bun:test"
import { parseNangoYaml } from "../../src/functions/nango-yaml.ts"

function parse(text: string) {
  const result = parseNangoYaml(text)
  if (!result.ok) throw new Error(JSON.stringify(result.errors))
  return result.yaml
}

describe("models", () => {
  const schemaOf = (type: string) => {
    const { definitions } = parse(`integrations: { a: {} }\nmodels:\n  B: { id: string }\n  A:\n    f: ${type}\n`)
    return (definitions.A as { properties: { f: object } }).properties.f
  }
  test.each<[string, object]>([
    ["string", { type: "string" }],
    ["varchar", { type: "string" }],
    ["integer", { type: "number" }],
    ["float", { type: "number" }],
    ["bool", { type: "boolean" }],
    ["date", { type: "string", format: "date-time" }],
    ["object", { type: "object" }],
    ["any", {}],
    ["string[]", { type: "array", items: { type: "string" } }],
    ["string[][]", { type: "array", items: { type: "array", items: { type: "string" } } }],
    ["B", { $ref: "#/definitions/B" }],
    ["B[]", { type: "array", items: { $ref: "#/definitions/B" } }],
    ["string | null", { anyOf: [{ type: "string" }, { type: "null" }] }],
    ["B | null", { anyOf: [{ $ref: "#/definitions/B" }, { type: "null" }] }],
    ["open | closed", { enum: ["open", "closed"] }],
    ['\'"open" | "closed"\'', { enum: ["open", "closed"] }],
    ["any | string", {}],
    ["42", { const: 42 }],
    ["true", { const: true }],
    ["[string, number]", { type: "array", items: { anyOf: [{ type: "string" }, { type: "number" }] } }],
    ["SomethingElse", {}],
    [
      "{ x: string }",
      { type: "object", properties: { x: { type: "string" } }, additionalProperties: false, required: ["x"] },
    ],
  ])("%s", (type, schema) => {
    expect(schemaOf(type)).toEqual(schema)
  })

  test("optional fields, extension and index signatures", () => {
    const { definitions } = parse(
      "integrations: { a: {} }\nmodels:\n  Base: { id: string, name: string }\n  Dated: { at: date }\n" +
        "  Full:\n    __extends: Base, Dated\n    name?: string\n    note: string | undefined\n    __string: number\n",
    )
    expect(definitions.Full).toEqual({
      type: "object",
      properties: {
        id: { type: "string" },
        at: { type: "string", format: "date-time" },
        name: { type: "string" },
        note: { anyOf: [{ type: "string" }, { type: "null" }] },
      },
      additionalProperties: { type: "number" },
      required: ["id", "at"],
    })
  })

  test("a model that contains itself stays a reference", () => {
    const { definitions } = parse("integrations: { a: {} }\nmodels:\n  T: { id: string, kids: 'T[]' }")
    expect(definitions.T).toMatchObject({ properties: { kids: { items: { $ref: "#/definitions/T" } } } })
  })

  test("a ladder of models that extend twice, and a long chain of references, end soon", () => {
    const ladder = Array.from(
      { length: 19 },
      (_, n) => `  L${n + 1}: { __extends: 'L${n}, K${n}' }\n  K${n + 1}: { __extends: 'L${n}, K${n}' }`,
    )
    const chain = Array.from({ length: 12_000 }, (_, n) => `  C${n}: { id: string, next: C${n + 1} }`)
    const { functions, definitions } = parse(
      `integrations:\n  a:\n    syncs:\n      s: { runs: every day, output: C0 }\nmodels:\n  L0: { id: string }\n  K0: { at: date }\n` +
        `${ladder.join("\n")}\n${chain.join("\n")}\n`,
    )
    expect(Object.keys((definitions.L19 as { properties: object }).properties)).toEqual(["id", "at"])
    expect(Object.keys(functions[0]?.definitions ?? {})).toHaveLength(12_000)
  })
})
