import { describe, expect, test } from "bun:test"
import { z } from "zod"
import {
  BooleanText,
  ConnectionId,
  EndUserInput,
  EnvironmentName,
  ModelName,
  oneOrMany,
  ScriptName,
  Tags,
  UniqueKey,
} from "../../src/kit/shapes.ts"
import { isoOffsetTime } from "../../src/kit/times.ts"

const accepts = (shape: z.ZodType, value: unknown) => shape.safeParse(value).success
const long = "a".repeat(256)

const rows: [string, z.ZodType, string[], unknown[]][] = [
  ["a unique key", UniqueKey, ["github", "a b", "x~:.@_-9"], ["", long, "a/b", "ä", "a\n", "a?b", 1, null]],
  ["a script name", ScriptName, ["fetch-issues", "a_B9"], ["", long, "a b", "a.b", "a::b", "a\n"]],
  [
    "a connection id",
    ConnectionId,
    ["a", "me@x.test", '{"a":"b"}', "a/b\\c", "x,.;:=+~[]|$'_ -"],
    ["", long, "a<b>", "ä", "a\nb", "a%20b", "a?b", "a#b", "a&b"],
  ],
  ["an environment", EnvironmentName, ["dev", "my_env-2"], ["", "Dev", "a b", long]],
  ["a model", ModelName, ["Issue", "Github_Issue-2"], ["issue", "A", "1A", "A::b", "A b", `A${long}`]],
]

describe.each(rows)("%s", (_, shape, good, bad) => {
  test.each(good)("may be %p", (value) => expect(accepts(shape, value)).toBe(true))
  test.each(bad)("may not be %p", (value) => expect(accepts(shape, value)).toBe(false))
})

describe("a boolean as text", () => {
  test.each(["true", "TRUE", "1", "yes", "y", "On", "enabled"])("%s is true", (text) => {
    expect(BooleanText.parse(text)).toBe(true)
  })
  test.each(["false", "False", "0", "no", "n", "off", "DISABLED"])("%s is false", (text) => {
    expect(BooleanText.parse(text)).toBe(false)
  })
  test.each(["", "2", "truee", " true", "null", "constructor"])("%p is neither", (text) => {
    expect(accepts(BooleanText, text)).toBe(false)
  })
})

test("one or many: a single value becomes a list of one", () => {
  const shape = oneOrMany(z.enum(["a", "b"]))
  expect(shape.parse("a")).toEqual(["a"])
  expect(shape.parse(["a", "b"])).toEqual(["a", "b"])
  expect(accepts(shape, "c")).toBe(false)
  expect(accepts(shape, ["a", "c"])).toBe(false)
})

const many = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, index) => [`k${index}`, "v"]))

describe("tags", () => {
  test("have keys in lower case", () => {
    expect(Tags.parse({ Plan: "Gold", "a/b.c-d_9": "1" })).toEqual({ plan: "Gold", "a/b.c-d_9": "1" })
  })

  test.each([
    ["an empty value", { plan: "" }],
    ["a long value", { plan: long }],
    ["a key that begins with a digit", { "1plan": "x" }],
    ["a long key", { ["k".repeat(65)]: "x" }],
    ["a number", { plan: 1 }],
    ["more than ten keys", many(11)],
    ["keys that differ only in case", { plan: "a", Plan: "b" }],
    ["an end_user_email that is none", { end_user_email: "x" }],
    ["the same in capitals", { END_USER_EMAIL: "x" }],
    ["a list", ["a"]],
  ])("are refused with %s", (_, value) => {
    expect(accepts(Tags, value)).toBe(false)
  })

  test("may be ten, and 64 characters long, and named like members of an object", () => {
    expect(accepts(Tags, many(10))).toBe(true)
    expect(accepts(Tags, { ["k".repeat(64)]: "v".repeat(255) })).toBe(true)
    expect(Tags.parse({ constructor: "a", toString: "b" })).toEqual({ constructor: "a", tostring: "b" } as never)
  })
})

describe("an end user", () => {
  test("has an id, and maybe more", () => {
    const user = { id: "u1", email: "a@b.test", display_name: "A", tags: { Team: "x" } }
    expect(EndUserInput.parse(user)).toEqual(user)
    expect(accepts(EndUserInput, { id: "u1" })).toBe(true)
  })

  test.each([
    ["no id", {}],
    ["an empty id", { id: "" }],
    ["a bad address", { id: "a", email: "nope" }],
    ["a member that is not known", { id: "a", role: "x" }],
    ["more than ten tags", { id: "a", tags: many(11) }],
    ["tags that differ only in case", { id: "a", tags: { team: "x", Team: "y" } }],
  ])("is refused with %s", (_, value) => {
    expect(accepts(EndUserInput, value)).toBe(false)
  })
})

test("times with an offset name the same instant", () => {
  expect(isoOffsetTime(1_700_000_000_123)).toBe("2023-11-14T22:13:20.123+00:00")
})
