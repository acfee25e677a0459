import { expect, test } from "bun:test"
import { mapFrame } from "../../src/functions/bundle.ts"
import { callsConstructor, takeSourceMap } from "../../src/functions/compiled-code.ts"

const map = JSON.stringify({
  version: 3,
  sources: ["a/syncs/s.ts"],
  sourcesContent: ["x"],
  names: [],
  mappings: "AAAA",
})
const link = (text: string, type = "application/json;base64") =>
  `//# sourceMappingURL=data:${type},${Buffer.from(text).toString("base64")}`

test("the map in the last line is taken out of the code", () => {
  const { code, map: found } = takeSourceMap(`let a\n${link(map)}\n`)
  expect(code).toBe("let a\n")
  expect(mapFrame(found ?? "", 1, 1)).toEqual({ file: "a/syncs/s.ts", line: 1, column: 1 })
  expect(takeSourceMap(link(map, "application/json;charset=utf-8;base64")).map).toBe(found)
})

test("a map that cannot be read goes, and no more than the map", () => {
  for (const text of ["{", "null", "[]", '{"version":3}', '{"version":3,"sources":1,"mappings":{}}'])
    expect(takeSourceMap(`a\n${link(text)}`)).toMatchObject({ code: "a\n" })
  expect(takeSourceMap(`a\n${link("{")}`).map).toBeNull()
  expect(takeSourceMap("a\n//# sourceMappingURL=a.js.map\n")).toEqual({ code: "a\n", map: null })
  const inText = 'const text = "//# sourceMappingURL=data:application/json;base64,e30="'
  expect(takeSourceMap(inText)).toEqual({ code: inText, map: null })
  const before = `${link(map)}\nlet a\n`
  expect(takeSourceMap(before)).toEqual({ code: before, map: null })
  expect(takeSourceMap("let a")).toEqual({ code: "let a", map: null })
})

test.each([
  "x.constructor('y')",
  "x . constructor ( 'y' )",
  "x?.constructor('y')",
  "x.constructor?.('y')",
  "x['constructor']('y')",
  'x["con\\u0073tructor"]("y")',
  "x[`constructor`]('y')",
  "x./* here */constructor('y')",
  "(() => {}).constructor('return 1')()",
  "new (x.constructor('y'))",
])("refused: %s", (code) => expect(callsConstructor(code)).toBe(true))

test.each([
  "class A { constructor() { super() } }",
  "x.constructor.name",
  "x.constructor === Object",
  "new this.constructor(1)",
  "new a.b.constructor()",
  "// x.constructor('y')",
  "const text = \"x.constructor('y')\"",
  "const o = { constructor: 1 }",
  "x.constructors()",
  "constructor('y')",
])("fine: %s", (code) => expect(callsConstructor(code)).toBe(false))
