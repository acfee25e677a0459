import { expect, test } from "bun:test"
import * as fc from "fast-check"
import { decodeCursor, encodeCursor } from "../../src/records/cursor.ts"
import {
  canonicalText,
  equalJson,
  hashText,
  type Json,
  type JsonObject,
  mergeJson,
  nestsDeeperThan,
  sameHash,
} from "../../src/records/payload.ts"

/** Any value as JSON.parse gives it. */
const json = () => fc.jsonValue({ noUnicodeString: false }).map((value) => JSON.parse(JSON.stringify(value)) as Json)
const object = () =>
  fc
    .dictionary(fc.string(), json(), { noNullPrototype: true })
    .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)

/** The same value with the keys of every object in the reverse order of insertion. */
function reverseKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(reverseKeys)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, child]) => [key, reverseKeys(child)]),
  )
}

test("the order of keys does not matter to equality and canonical text", () => {
  fc.assert(
    fc.property(json(), (value) => {
      const turned = reverseKeys(value)
      expect(equalJson(value, turned)).toBe(true)
      expect(canonicalText(turned)).toBe(canonicalText(value))
      expect(sameHash(hashText(canonicalText(turned)), hashText(canonicalText(value)))).toBe(true)
    }),
  )
})

test("the length of the text does not depend on the order of keys", () => {
  fc.assert(
    fc.property(json(), (value) =>
      expect(JSON.stringify(reverseKeys(value)).length).toBe(JSON.stringify(value).length),
    ),
  )
})

test("canonical text is JSON of an equal value, and equal texts mean equal values", () => {
  fc.assert(
    fc.property(json(), json(), (a, b) => {
      expect(equalJson(JSON.parse(canonicalText(a)), a)).toBe(true)
      expect(canonicalText(a) === canonicalText(b)).toBe(equalJson(a, b))
      expect(equalJson(a, b)).toBe(equalJson(b, a))
    }),
  )
})

const pairs: [Json, Json, boolean][] = [
  [1, 1.0, true],
  [0, -0, true],
  [1, "1", false],
  [null, 0, false],
  [{}, [], false],
  [[], {}, false],
  [null, {}, false],
  [[1, 2], [2, 1], false],
  [[1], [1, 2], false],
  [{ a: 1 }, { a: 1, b: null }, false],
  [{ a: null }, { b: null }, false],
  [{ a: [{ b: 1, c: 2 }] }, { a: [{ c: 2, b: 1 }] }, true],
  ["é", "e\u0301", false],
  [JSON.parse('{"__proto__":1}') as Json, JSON.parse('{"__proto__":2}') as Json, false],
  [JSON.parse('{"__proto__":{}}') as Json, { x: 1 }, false],
  [{ toString: 1 }, { valueOf: 1 }, false],
]
for (const [a, b, equal] of pairs) {
  test(`${JSON.stringify(a)} ${equal ? "equals" : "differs from"} ${JSON.stringify(b)}`, () => {
    expect(equalJson(a, b)).toBe(equal)
    expect(canonicalText(a) === canonicalText(b)).toBe(equal)
  })
}

test("merging is idempotent, keeps what the patch does not name, and lets the patch win", () => {
  fc.assert(
    fc.property(object(), object(), (base, patch) => {
      const [baseText, patchText] = [JSON.stringify(base), JSON.stringify(patch)]
      const merged = mergeJson(base, patch)
      expect(equalJson(mergeJson(merged, patch), merged)).toBe(true)
      expect(equalJson(mergeJson(base, base), base)).toBe(true)
      expect(equalJson(mergeJson({}, patch), patch)).toBe(true)
      for (const key of Object.keys(base))
        if (!Object.hasOwn(patch, key)) expect(equalJson(merged[key], base[key])).toBe(true)
      for (const [key, value] of Object.entries(patch)) {
        if (typeof value !== "object" || value === null || Array.isArray(value))
          expect(equalJson(merged[key], value)).toBe(true)
      }
      expect([JSON.stringify(base), JSON.stringify(patch)]).toEqual([baseText, patchText])
    }),
  )
})

test("nesting is counted exactly", () => {
  const nest = (levels: number): Json =>
    levels === 0 ? 1 : levels % 2 === 0 ? [nest(levels - 1)] : { a: nest(levels - 1) }
  for (const levels of [0, 1, 5, 20]) {
    expect(nestsDeeperThan(nest(levels), levels)).toBe(false)
    if (levels > 0) expect(nestsDeeperThan(nest(levels), levels - 1)).toBe(true)
  }
})

test("a cursor comes back as its number, has only characters that are safe in a URL, and is the only text for it", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (change) => {
      const cursor = encodeCursor(change)
      expect(decodeCursor(cursor)).toBe(change)
      expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/)
      for (const other of [`${cursor}=`, ` ${cursor}`, `${cursor}A`, cursor.slice(1)])
        expect(decodeCursor(other)).toBeUndefined()
    }),
  )
})

test("any other text is no cursor", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.base64String(),
        fc.string().map((text) => btoa(encodeURIComponent(text))),
      ),
      (text) => {
        const change = decodeCursor(text)
        if (change !== undefined) expect(encodeCursor(change)).toBe(text)
      },
    ),
  )
  for (const text of [
    "change:1",
    "change:1.5",
    "change:-1",
    "change:",
    "change:1e3",
    "change: 1",
    "change:9007199254740993",
    "change:0x10",
  ]) {
    expect(decodeCursor(text)).toBeUndefined()
    if (text !== "change:1") expect(decodeCursor(Buffer.from(text).toString("base64url"))).toBeUndefined()
  }
})
