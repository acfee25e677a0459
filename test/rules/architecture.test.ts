import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize, relative } from "node:path"

const src = join(import.meta.dir, "../../src")

/** Rooms from the ground up. A file may import from its own room and from rooms before it. */
const rooms = [
  "kit",
  "pages",
  "fake-provider",
  "store",
  "queue",
  "logs",
  "environments",
  "providers",
  "integrations",
  "auth",
  "connections",
  "proxy",
  "webhooks",
  "connect",
  "records",
  "functions",
  "syncs",
  "runner",
  "fixtures",
  "runs",
  "keys",
  "http",
  "app",
  "cli",
]
/** What any room may import values from: the transaction helper, and how a route is declared. */
const openDoors = ["app/context.ts", "http/endpoint.ts"]
const longest = 250

const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((path) => /\.tsx?$/.test(path))
const textOf = (path: string) => readFileSync(join(src, path), "utf8")
const importsOf = (path: string) =>
  [...textOf(path).matchAll(/^(import|export) (type )?[^"]*?from "(\.[^"]+)"/gm)].map((match) => ({
    typeOnly: match[2] !== undefined,
    target: relative(src, normalize(join(src, dirname(path), match[3] ?? ""))),
  }))

describe("architecture", () => {
  test("every folder of src is a known room", () => {
    const folders = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(folders.map((entry) => entry.name).filter((name) => !rooms.includes(name))).toEqual([])
  })

  test.each(files)("%s imports only from rooms below it", (path) => {
    const room = path.split("/")[0] ?? ""
    if (!rooms.includes(room)) return
    const wrong = importsOf(path).filter(({ target, typeOnly }) => {
      const other = target.split("/")[0] ?? ""
      if (!rooms.includes(other) || rooms.indexOf(other) <= rooms.indexOf(room)) return false
      return !(openDoors.includes(target) || (typeOnly && target.startsWith("app/")))
    })
    expect(wrong.map(({ target }) => target)).toEqual([])
  })

  test.each(files)("%s has at most 250 lines", (path) => {
    expect(textOf(path).split("\n").length - 1).toBeLessThanOrEqual(longest)
  })

  test("the writer's Worker loads neither zod nor drizzle, which it would hold for good", async () => {
    const built = await Bun.build({ entrypoints: [join(src, "app/writer.ts")], target: "bun", minify: true })
    const text = await built.outputs[0]?.text()
    expect(text?.length).toBeGreaterThan(10_000)
    expect(text?.length).toBeLessThan(100_000)
  })

  test("the guest imports nothing but its own room's shapes, types, zod and the form of lists", () => {
    const wrong = files
      .filter((path) => path.startsWith("runner/guest/"))
      .flatMap((path) => importsOf(path).map((one) => ({ path, ...one })))
      // How a list is written stands in one place with how it is read, which is a lower room's affair as well.
      .filter(({ target, typeOnly }) => !typeOnly && !target.startsWith("runner/") && target !== "kit/lines.ts")
    expect(wrong).toEqual([])
  })

  test("only the configuration and the command line read the environment", () => {
    const allowed = /^(app\/config\.ts|cli\/|runner\/confine|kit\/entry)/
    expect(files.filter((path) => !allowed.test(path) && /process\.env|Bun\.env/.test(textOf(path)))).toEqual([])
  })

  test("only main.ts and the runner's child end the process", () => {
    expect(
      files.filter((path) => /process\.exit\(/.test(textOf(path)) && !/^(main|runner\/(process|confine))/.test(path)),
    ).toEqual([])
  })

  test("SQL of drizzle stands in the rooms, never in doors", () => {
    expect(files.filter((path) => path.endsWith("routes.ts") && textOf(path).includes("drizzle-orm"))).toEqual([])
  })

  test("no provider is named in code", () => {
    const names = readdirSync(join(src, "../providers")).map((file) => file.replace(/\.ya?ml$/, ""))
    const found = files.filter((path) =>
      names.some((name) => new RegExp(`provider\\w* ?===? ?["']${name}["']`).test(textOf(path))),
    )
    expect(found).toEqual([])
  })
})
