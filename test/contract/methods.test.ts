import { Nango } from "@nangohq/node"
import { Nango as Nango042 } from "nango-node-0-42"
import { Nango as Nango040 } from "nango-node-0-40"
import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dir, "..")
const tests = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.endsWith("methods.test.ts"))
  .map((file) => readFileSync(join(root, file), "utf8"))

const internal = (name: string) => name === "constructor" || name === "enrichHeaders" || name.startsWith("_")
const methodsOf = (nango: { prototype: object }) =>
  Object.getOwnPropertyNames(nango.prototype).filter((name) => !internal(name))

/** A test that makes the client of that generation calls the method by its name, or takes it from a list of names. */
const calls = (maker: RegExp, method: string) => {
  const called = new RegExp(`\\.${method}\\b|["']${method}["']`)
  return tests.some((text) => maker.test(text) && called.test(text))
}

describe.each([
  ["0.71.10", Nango, /\bclient\(|new Nango\(/],
  ["0.42.22", Nango042, /\bclient042\(/],
  ["0.40.0", Nango040, /\bclient040\(/],
] as const)("@nangohq/node %s", (_, nango, maker) => {
  test.each(methodsOf(nango))("%s is called by a test", (method) => {
    expect(calls(maker, method)).toBe(true)
  })
})
