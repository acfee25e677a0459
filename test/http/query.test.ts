import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { parseQuery } from "../../src/http/query.ts"

/** As JSON, so that prototypes do not matter. */
const read = (search: string) => JSON.parse(JSON.stringify(parseQuery(search)))

describe("a query", () => {
  test.each([
    ["", {}],
    ["?", {}],
    ["?a=1", { a: "1" }],
    ["?a", { a: "" }],
    ["?a=", { a: "" }],
    ["?a=1&b=2", { a: "1", b: "2" }],
    ["?a=1&a=2&a=3", { a: ["1", "2", "3"] }],
    ["?a[]=1", { a: ["1"] }],
    ["?a[]=1&a[]=2", { a: ["1", "2"] }],
    ["?a=1&a[]=2", { a: ["1", "2"] }],
    ["?a[0]=1&a[1]=2", { a: ["1", "2"] }],
    ["?a[b]=1", { a: { b: "1" } }],
    ["?a[b]=1&a[c]=2", { a: { b: "1", c: "2" } }],
    ["?a[b]=1&a[b]=2", { a: { b: ["1", "2"] } }],
    ["?a[b][]=1", { a: { b: ["1"] } }],
    ["?a[b][c][d]=1", { a: { b: { c: { d: "1" } } } }],
    ["?a%5Bb%5D=1", { a: { b: "1" } }],
    ["?a[b%20c]=%C3%A4+x", { a: { "b c": "ä x" } }],
    ["?a=%zz", { a: "%zz" }],
    ["?[a]=1", { "[a]": "1" }],
    ["?a[b=1", { "a[b": "1" }],
    ["?a]b=1", { "a]b": "1" }],
    ["?a[b][c][d][e][f][g]=1", { "a[b][c][d][e][f][g]": "1" }],
  ] as [string, unknown][])("%s", (search, value) => {
    expect(read(search)).toEqual(value)
  })

  test("nothing that was said is lost when a name is used in two ways", () => {
    expect(JSON.stringify(parseQuery("?a[b]=1&a=2"))).toBe('{"a":[{"b":"1"},"2"]}')
    expect(JSON.stringify(parseQuery("?a=1&a[b]=2"))).toBe('{"a":["1",{"b":"2"}]}')
  })

  test("a list is not cut short: its route says how long it may be", () => {
    expect(parseQuery(`?${"id=x&".repeat(5000)}`).id).toHaveLength(5000)
  })

  const hostile = ["__proto__", "constructor", "prototype", "toString", "valueOf", "hasOwnProperty"]

  test.each(hostile)("the name %s is a name like any other", (name) => {
    expect(Object.entries(parseQuery(`?${name}=1`))).toEqual([[name, "1"]])
    expect(JSON.stringify(parseQuery(`?a[b]=1&a[${name}]=2`))).toBe(`{"a":{"b":"1","${name}":"2"}}`)
    expect(JSON.stringify(parseQuery(`?a[${name}][x]=2`))).toBe(`{"a":{"${name}":{"x":"2"}}}`)
  })

  test("no query can reach a prototype", () => {
    const part = fc.constantFrom(...hostile, "a", "", "0", "polluted")
    const key = fc
      .array(part, { minLength: 1, maxLength: 6 })
      .map(([head = "", ...rest]) => head + rest.map((one) => `[${one}]`).join(""))
    fc.assert(
      fc.property(fc.array(key, { maxLength: 6 }), (keys) => {
        const before = Object.getOwnPropertyNames(Object.prototype).length
        parseQuery(`?${keys.map((one) => `${encodeURIComponent(one)}=polluted`).join("&")}`)
        expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(before)
        expect(({} as Record<string, unknown>).polluted).toBeUndefined()
        expect(({} as Record<string, unknown>).a).toBeUndefined()
        expect(Array.prototype).toHaveLength(0)
      }),
    )
  })

  test("whatever comes, it is read without an error, and flat names give what was sent", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseQuery(`?${text}`)
      }),
    )
    const name = fc.string({ unit: fc.constantFrom(..."abcXYZ_09-."), minLength: 1 })
    fc.assert(
      fc.property(
        fc.dictionary(
          name,
          fc.string({ unit: "binary" }).map((text) => text.toWellFormed()),
        ),
        (values) => {
          expect(read(`?${new URLSearchParams(values).toString()}`)).toEqual({ ...values })
        },
      ),
    )
  })
})
