import { describe, expect, test } from "bun:test"
import { readdir } from "node:fs/promises"
import { basename, join } from "node:path"
import { loadCatalogue } from "../../src/providers/catalogue.ts"
import { checkProvider } from "../../src/providers/check.ts"
import { compileCatalogue } from "../../src/providers/compile.ts"
import { base, folderOf, inMap, loadExtra, problemsOf } from "./files.ts"

const ours = join(import.meta.dir, "../../providers")

describe("our own files", async () => {
  const files = (await readdir(ours)).toSorted()

  for (const file of files) {
    test(`${file} loads and keeps every rule`, async () => {
      const name = basename(file, ".yaml")
      const catalogue = await loadCatalogue({ embedded: undefined, folder: ours })
      expect(checkProvider(name, catalogue.get(name))).toEqual([])
    })
  }

  test("compile to the same text every time, and load from it as from the folder", async () => {
    const text = await compileCatalogue(ours)
    expect(await compileCatalogue(ours)).toBe(text)
    const embedded = await loadCatalogue({ embedded: JSON.parse(text) })
    const folder = await loadCatalogue({ embedded: undefined, folder: ours })
    expect(embedded.list()).toEqual(folder.list())
    expect(embedded.names()).toEqual(files.map((file) => basename(file, ".yaml")).toSorted())
    expect(embedded.warnings).toEqual([])
  })

  test("`find` gives undefined and `get` throws for a name that is not there, also an inherited one", async () => {
    const catalogue = await loadCatalogue({ embedded: undefined, folder: ours })
    for (const name of ["nope", "constructor", "__proto__"]) {
      expect(catalogue.find(name)).toBeUndefined()
      expect(() => catalogue.get(name)).toThrow(`Unknown provider ${name}`)
    }
  })
})

describe("aliases", () => {
  test("merge shallowly, along a chain, whatever the order", async () => {
    const catalogue = await loadExtra(
      `${inMap("a", "  alias: b\n  proxy:\n    base_url: https://a.test\n")}${inMap("b", "  alias: c\n  categories: [x]\n")}` +
        inMap(
          "c",
          "  auth_mode: BASIC\n  categories: [y]\n  proxy:\n    base_url: https://c.test\n    decompress: true\n",
        ),
    )
    expect(catalogue.get("a")).toEqual({
      display_name: "X",
      docs: "https://x.test",
      alias: "b",
      auth_mode: "BASIC",
      categories: ["x"],
      proxy: { base_url: "https://a.test" },
    })
    expect(catalogue.get("b").proxy?.decompress).toBe(true)
  })

  test("a circle is one problem, with its line", async () => {
    const text = `${inMap("a", "  alias: b\n")}${inMap("b", "  alias: c\n")}${inMap("c", "  alias: b\n")}`
    expect(await problemsOf(loadExtra(text))).toEqual([
      'many.yaml:12: provider "c", field alias: goes round in a circle: b → c → b',
    ])
  })

  test("an entry that names itself, and a name that does not exist", async () => {
    expect(await problemsOf(loadExtra(inMap("a", "  alias: a\n") + inMap("b", "  alias: nope\n")))).toEqual([
      'many.yaml:4: provider "a", field alias: goes round in a circle: a → a',
      'many.yaml:8: provider "b", field alias: names "nope", which is not in the catalogue',
    ])
  })

  test("an auth mode must come from somewhere", async () => {
    expect(await problemsOf(loadExtra(inMap("a", "")))).toEqual([
      'many.yaml:1: provider "a", field auth_mode: is required',
    ])
  })

  test("a chain of a thousand entries", async () => {
    const chain = Array.from({ length: 1000 }, (_, index) => inMap(`p${index}`, `  alias: p${index + 1}\n`))
    const catalogue = await loadExtra(chain.join("") + inMap("p1000", "  auth_mode: NONE\n"))
    expect(catalogue.get("p0").auth_mode).toBe("NONE")
    expect(catalogue.names()).toHaveLength(1001)
  })
})

describe("bad files", () => {
  const rows: [name: string, text: string, problems: string[]][] = [
    [
      "a wrong type, deep inside",
      inMap("a", "  auth_mode: BASIC\n  proxy:\n    retry:\n      after: 5\n"),
      ['many.yaml:7: provider "a", field proxy.retry.after: expected text or a list of texts'],
    ],
    [
      "an element of a list",
      inMap("a", "  auth_mode: BASIC\n  categories:\n    - x\n    - 7\n"),
      ['many.yaml:7: provider "a", field categories.1: expected string, received number'],
    ],
    [
      "several at once, and the good entry does not hide them",
      `${inMap("good", "  auth_mode: NONE\n")}a:\n  auth_mode: MAGIC\nb: 5\n`,
      [
        'many.yaml:5: provider "a", field display_name: is required',
        'many.yaml:5: provider "a", field docs: is required',
        expect.stringMatching(/^many.yaml:6: provider "a", field auth_mode: expected one of "OAUTH2"\|/) as never,
        'many.yaml:7: provider "b": expected object, received number',
      ],
    ],
    [
      "an alias of a broken entry is not reported as well",
      `${inMap("a", "  alias: b\n")}b:\n  auth_mode: NONE\n  display_name: B\n`,
      ['many.yaml:5: provider "b", field docs: is required'],
    ],
    [
      "an id that is none",
      inMap("My_API", "  auth_mode: NONE\n"),
      ['many.yaml:1: provider "My_API": is not a provider id: use small letters, digits and hyphens'],
    ],
    ["the same id twice", "a: {}\nb: {}\na: {}\n", ["many.yaml:3: Map keys must be unique"]],
    ["the same key twice", "a:\n  docs: x\n  docs: y\n", ["many.yaml:3: Map keys must be unique"]],
    ["a list", "- a\n", ["many.yaml:1: must be a map"]],
    ["nothing", "# only a comment\n", ["many.yaml:1: is empty"]],
  ]
  for (const [name, text, problems] of rows) {
    test(name, async () => expect(await problemsOf(loadExtra(text))).toEqual(problems))
  }

  test("not YAML", async () => {
    const problems = await problemsOf(loadExtra("a:\n  docs: 'open\n"))
    expect(problems[0]).toMatch(/^many\.yaml:\d: .*quote/)
  })

  test("anchors that grow without bound", async () => {
    const levels = Array.from({ length: 8 }, (_, n) => `l${n + 1}: &l${n + 1} [${Array(9).fill(`*l${n}`).join(", ")}]`)
    const problems = await problemsOf(loadExtra(`l0: &l0 [x]\n${levels.join("\n")}\n`))
    expect(problems[0]).toContain("many.yaml:1: Excessive alias count")
  })

  test("the line of a member that comes from an anchor is where it stands", async () => {
    const text = `${inMap("a", "  auth_mode: BASIC\n  proxy: &p\n    decompress: 1\n")}${inMap("b", "  auth_mode: BASIC\n  proxy: *p\n")}`
    expect(await problemsOf(loadExtra(text))).toEqual([
      'many.yaml:6: provider "a", field proxy.decompress: expected boolean, received number',
      'many.yaml:6: provider "b", field proxy.decompress: expected boolean, received number',
    ])
  })

  test("a path that does not exist", async () => {
    const loading = loadCatalogue({ embedded: undefined, extra: "/nonexistent/catalogue" })
    expect((await problemsOf(loading))[0]).toStartWith("catalogue: cannot be read: ENOENT")
  })

  test("problems of several files of a folder come together", async () => {
    const folder = await folderOf({
      "a.yaml": `${base}auth_mode: 5\n`,
      "b.yml": `${base}auth_mode: NONE\n`,
      "c.yaml": "auth_mode: NONE\ndisplay_name: C\n",
      "notes.txt": "not a provider",
    })
    expect(await problemsOf(loadCatalogue({ embedded: undefined, extra: folder }))).toEqual([
      expect.stringMatching(/^a.yaml:3: provider "a", field auth_mode: /) as never,
      'c.yaml:1: provider "c", field docs: is required',
    ])
  })

  test("two files for one id", async () => {
    const text = `${base}auth_mode: NONE\n`
    const folder = await folderOf({ "a.yaml": text, "a.yml": text })
    expect(await problemsOf(loadCatalogue({ embedded: undefined, extra: folder }))).toEqual([
      'a.yml:1: provider "a": is defined twice',
    ])
  })
})
