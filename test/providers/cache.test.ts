import { afterAll, describe, expect, test } from "bun:test"
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { loadCatalogue } from "../../src/providers/catalogue.ts"
import { examineFiles } from "../../src/providers/examine.ts"
import { emptyLayer } from "../../src/providers/layer.ts"
import { reasonOf } from "../helpers/reason.ts"
import { temporaryFolder } from "../helpers/sluice.ts"
import { inMap } from "./files.ts"
import { foreignCatalogue, foreignId } from "./foreign.ts"

const folder = temporaryFolder("catalogue")
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, "many.yaml")
const cache = join(folder, "cache", "catalogue.jsonl")
const load = () => loadCatalogue({ embedded: undefined, extra: file, cache })
const broken = inMap("broken", "  auth_mode: MAGIC\n") + inMap("half", "  auth_mode: OAUTH2\n  shine: 1\n")

describe("a whole foreign catalogue", () => {
  const text = foreignCatalogue()

  test("has the size of the public one, and every entry loads", async () => {
    expect(text.split("\n").length).toBeGreaterThan(27_000)
    writeFileSync(file, text)
    const found = await examineFiles([file], emptyLayer("built-in"))
    expect(found).toEqual({ providers: 981, problems: [], warnings: [], scripts: [] })
  })

  test("is the same from the cache, problems and lines too", async () => {
    writeFileSync(file, text + broken)
    const cold = await load()
    const again = await load()
    expect(again.list()).toEqual(cold.list())
    expect(again.problems).toEqual(cold.problems)
    expect(again.warnings).toEqual(cold.warnings)
    expect(cold.problems).toMatchObject([{ provider: "broken", field: "auth_mode" }])
    expect(cold.warnings.map(({ field }) => field)).toEqual(["shine", "authorization_url", "token_url"])
    for (const name of [foreignId(0), "half"]) expect(again.whereIs(name)).toEqual(cold.whereIs(name))
    const { line } = again.whereIs("half") as { line: number }
    expect((text + broken).split("\n")[line - 1]).toBe("half:")
    expect(statSync(cache).mode & 0o777).toBe(0o600)
  })

  test("a provider stays the same object, so that what is known of it can be kept", async () => {
    const catalogue = await load()
    expect(catalogue.find(foreignId(3))).toBe(catalogue.get(foreignId(3)))
  })
})

describe("the cache", () => {
  const small = inMap("a", "  auth_mode: NONE\n")
  const names = async () => (await load()).names()

  test("follows the file, whatever its time says", async () => {
    writeFileSync(file, small)
    expect(await names()).toEqual(["a"])
    writeFileSync(file, small.replace("a:", "b:"))
    expect(await names()).toEqual(["b"])
  })

  const damages: [name: string, change: (bytes: Buffer) => Buffer][] = [
    ["cut off", (bytes) => bytes.subarray(0, bytes.length - 20)],
    ["empty", () => Buffer.alloc(0)],
    ["a bit turned", (bytes) => (bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 1, bytes.length - 9), bytes)],
    ["another file", () => Buffer.from("hello\n")],
    ["its head alone", (bytes) => bytes.subarray(0, 64)],
  ]
  test.each(damages)("that is damaged is made again: %s", async (_, change) => {
    writeFileSync(file, small)
    await load()
    const whole = readFileSync(cache)
    writeFileSync(cache, change(Buffer.from(whole)))
    expect(await names()).toEqual(["a"])
    expect(readFileSync(cache).equals(whole)).toBe(true)
  })

  test("that cannot be written is done without", async () => {
    writeFileSync(file, small)
    const catalogue = await loadCatalogue({ embedded: undefined, extra: file, cache: join(file, "cache", "x.jsonl") })
    expect(catalogue.names()).toEqual(["a"])
  })

  test("is not made of what is no catalogue", async () => {
    rmSync(cache, { force: true })
    writeFileSync(file, "- a\n")
    expect(String(await reasonOf(load()))).toContain("must be a map")
    expect(await Bun.file(cache).exists()).toBe(false)
  })
})
