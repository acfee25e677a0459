import { expect, test } from "bun:test"
import * as fc from "fast-check"
import { fromLines, toLines } from "../../src/kit/lines.ts"

test("a list comes back as it was, whatever stands in its texts", () => {
  const text = fc.string({ unit: fc.constantFrom(..."ab\\n\n\r\0é\ud800") })
  fc.assert(
    fc.property(
      fc.array(text).filter((list) => list.length !== 1 || list[0] !== ""),
      (list) => expect(fromLines(toLines(list))).toEqual(list),
    ),
  )
})

test("ordinary texts stand there as they are", () => {
  expect(toLines(["a", "b c"])).toBe("a\nb c")
})

test("text that nobody wrote so is read all the same", () => {
  expect(fromLines("a\\\n\\x")).toEqual(["a", "x"])
})
