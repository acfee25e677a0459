import { expect, test } from "bun:test"
import { remember, rememberOf } from "../../src/kit/remember.ts"

function counted() {
  const asked: string[] = []
  return { asked, make: (text: string) => (asked.push(text), text === "none" ? undefined : text.length) }
}

test("what was asked before is answered without asking again, also when the answer was undefined", () => {
  const { asked, make } = counted()
  const lengthOf = remember(10, make)
  expect(["ab", "none", "ab", "none"].map(lengthOf)).toEqual([2, undefined, 2, undefined])
  expect(asked).toEqual(["ab", "none"])
})

test("the oldest answer goes when there are too many", () => {
  const { asked, make } = counted()
  const lengthOf = remember(2, make)
  for (const text of ["a", "b", "c", "b", "a"]) lengthOf(text)
  expect(asked).toEqual(["a", "b", "c", "a"])
})

test("long texts are not kept", () => {
  const { asked, make } = counted()
  const lengthOf = remember(2, make)
  const long = "x".repeat(10_000)
  expect([lengthOf(long), lengthOf(long)]).toEqual([10_000, 10_000])
  expect(asked).toHaveLength(2)
})

test("a failure is not kept", () => {
  let tries = 0
  const once = remember(2, () => {
    if (++tries === 1) throw new Error("no")
    return tries
  })
  expect(() => once("a")).toThrow("no")
  expect(once("a")).toBe(2)
})

test("an object is asked once, equal ones each for itself", () => {
  let asked = 0
  const nameOf = rememberOf((of: { name: string }) => (asked++, of.name))
  const one = { name: "a" }
  expect([nameOf(one), nameOf(one), nameOf({ name: "a" })]).toEqual(["a", "a", "a"])
  expect(asked).toBe(2)
})
