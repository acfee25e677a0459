import { describe, expect, test } from "bun:test"
import { mkdirSync, truncateSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { basename, join } from "node:path"
import { type Catalogue, loadCatalogue } from "../../src/providers/catalogue.ts"
import { parse } from "yaml"
import { checkProvider } from "../../src/providers/check.ts"
import { compileCatalogue } from "../../src/providers/compile.ts"
import { entrySchemaText, schemaLine } from "../../src/providers/schema.ts"
import { readYaml, type YamlMap } from "../../src/providers/yaml-text.ts"
import { base, embeddedOf, fileOf, folderOf, inMap, leftOut, loadExtra, problemsOf } from "./files.ts"

const ours = join(import.meta.dir, "../../providers")

describe("our own files", async () => {
  const files = (await readdir(ours)).filter((name) => name.endsWith(".yaml")).toSorted()

  let loaded: Promise<Catalogue> | undefined

  test("stand alone in their folder, beside the schema", async () => {
    const others = (await readdir(ours)).filter((name) => !name.endsWith(".yaml"))
    expect(others).toEqual(["schema.json"])
  })

  test("the schema is that of the shapes (else: bun .ci/providers-schema.ts)", async () => {
    expect(await Bun.file(join(ours, "schema.json")).text()).toBe(entrySchemaText())
  })

  test("are read by the runtime's parser as by the slow one", async () => {
    for (const file of files) {
      const text = await Bun.file(join(ours, file)).text()
      const read = readYaml(text) as YamlMap
      expect(read.value).toEqual(parse(text))
      expect(read.duplicates).toEqual([])
      // The last member's line is found again.
      const last = Object.keys(read.value).at(-1) as string
      expect(text.split("\n")[read.lineOf([last]) - 1]).toStartWith(`${last}:`)
    }
  })

  test("every file names the schema on its first line", async () => {
    const texts = await Promise.all(files.map((file) => Bun.file(join(ours, file)).text()))
    expect(files.filter((_, index) => !texts[index]?.startsWith(`${schemaLine}\n`))).toEqual([])
  })

  for (const file of files) {
    test(`${file} loads and keeps every rule`, async () => {
      const name = basename(file, ".yaml")
      const catalogue = await (loaded ??= loadCatalogue({ embedded: undefined, folder: ours }))
      expect(checkProvider(name, catalogue.get(name))).toEqual([])
    })
  }

  test("compile to the same text every time, and load from it as from the folder", async () => {
    const text = await compileCatalogue(ours)
    expect(await compileCatalogue(ours)).toBe(text)
    const embedded = await loadCatalogue({ embedded: Buffer.from(text) })
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
    expect(await leftOut(loadExtra(text))).toEqual([
      'many.yaml:12: provider "c", field alias: goes round in a circle: b → c → b',
    ])
  })

  test("an entry that names itself, and a name that does not exist", async () => {
    expect(await leftOut(loadExtra(inMap("a", "  alias: a\n") + inMap("b", "  alias: nope\n")))).toEqual([
      'many.yaml:4: provider "a", field alias: goes round in a circle: a → a',
      'many.yaml:8: provider "b", field alias: names "nope", which is not in the catalogue',
    ])
  })

  test("an auth mode must come from somewhere", async () => {
    expect(await leftOut(loadExtra(inMap("a", "")))).toEqual([
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
        expect.stringMatching(/^many.yaml:6: provider "a", field auth_mode: expected one of "OAUTH2"\|/) as never,
        'many.yaml:7: provider "b": expected object, received number',
      ],
    ],
    [
      "an alias of a broken entry is not reported as well",
      `${inMap("a", "  alias: b\n")}b:\n  auth_mode: NONE\n  display_name: B\n  docs: 5\n`,
      ['many.yaml:8: provider "b", field docs: expected string, received number'],
    ],
    [
      "an id that is none",
      inMap("My_API", "  auth_mode: NONE\n"),
      ['many.yaml:1: provider "My_API": is not a provider id: use small letters, digits and hyphens'],
    ],
    [
      "the same id twice",
      `${inMap("a", "  auth_mode: NONE\n")}${inMap("b", "  auth_mode: NONE\n")}${inMap("a", "  auth_mode: BASIC\n")}`,
      ['many.yaml:9: provider "a": is defined twice'],
    ],
    [
      "the same key twice",
      inMap("a", "  auth_mode: NONE\n  docs: https://y.test\n"),
      ['many.yaml:5: provider "a": has a key that stands twice'],
    ],
    [
      "the same key twice, deep inside a list and in braces",
      `${inMap("a", "  auth_mode: NONE\n  additional_steps:\n    - token_url: https://x.test\n      token_url: https://x.test\n")}${inMap("b", "  auth_mode: NONE\n  token_params: { x: 1, x: 2 }\n")}`,
      [
        'many.yaml:7: provider "a": has a key that stands twice',
        'many.yaml:12: provider "b": has a key that stands twice',
      ],
    ],
    [
      "a pattern that is no regular expression",
      inMap(
        "a",
        '  auth_mode: BASIC\n  credentials:\n    username:\n      title: T\n      description: D\n      pattern: "["\n',
      ),
      [
        expect.stringMatching(
          /^many.yaml:9: provider "a", field credentials.username.pattern: is no regular expression: /,
        ) as never,
      ],
    ],
  ]
  for (const [name, text, problems] of rows) {
    test(name, async () => expect(await leftOut(loadExtra(text))).toEqual(problems))
  }

  const noCatalogue: [name: string, text: string, problem: RegExp][] = [
    ["a list", "- a\n", /^many.yaml:1: must be a map$/],
    ["nothing", "# only a comment\n", /^many.yaml:1: is empty$/],
    ["not YAML", "a:\n  docs: 'open\n", /^many\.yaml:\d: .*quote/],
    ["two documents", "a: 1\n---\nb: 1\n", /^many\.yaml:\d: .*multiple documents/],
    ["text", "hello\n", /^many.yaml:1: must be a map$/],
    ["nesting without end", `a: ${"[".repeat(200_000)}`, /^many.yaml:\d/],
  ]
  for (const [name, text, problem] of noCatalogue) {
    test(`is refused as a whole: ${name}`, async () => expect((await problemsOf(loadExtra(text)))[0]).toMatch(problem))
  }

  test("a file of 100 MB is refused by its size, before it is read", async () => {
    const file = await fileOf("")
    truncateSync(file, 100 * 1024 * 1024)
    expect(await problemsOf(loadCatalogue({ embedded: undefined, extra: file }))).toEqual([
      "many.yaml: has 100 MiB; a catalogue may have at most 32 MiB",
    ])
  })

  test("what is broken is left out with what points at it, also ours of the same name; the rest works", async () => {
    const embedded = await embeddedOf({ b: { display_name: "B", docs: "https://x.test", auth_mode: "NONE" } })
    const text = `${inMap("a", "  alias: b\n")}b:\n  auth_mode: MAGIC\n${inMap("c", "  auth_mode: NONE\n")}`
    const catalogue = await loadExtra(text, { embedded })
    expect(catalogue.names()).toEqual(["c"])
    expect(catalogue.find("b")).toBeUndefined()
    expect(catalogue.problems.map(({ provider, line }) => [provider, line])).toContainEqual(["b", 6])
  })

  const bomb = (depth: number) => {
    const levels = Array.from(
      { length: depth },
      (_, n) => `l${n + 1}: &l${n + 1} [${Array(9).fill(`*l${n}`).join(", ")}]`,
    )
    return `l0: &l0 [x]\n${levels.join("\n")}\n`
  }
  test.each([
    ["without bound", bomb(8), "Excessive alias count"],
    ["to millions", bomb(7), "grows without bound by its anchors"],
    ["in a circle", "a: &x [*x]\n", "grows without bound by its anchors"],
  ])("anchors that grow %s", async (_, text, message) => {
    expect((await problemsOf(loadExtra(text)))[0]).toContain(`many.yaml:1: ${message}`)
  })

  test("the line of a member that comes from an anchor is where it stands", async () => {
    const text = `${inMap("a", "  auth_mode: BASIC\n  proxy: &p\n    decompress: 1\n")}${inMap("b", "  auth_mode: BASIC\n  proxy: *p\n")}`
    expect(await leftOut(loadExtra(text))).toEqual([
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
      "c.yaml": "auth_mode: NONE\ndisplay_name: 7\ndocs: https://x.test\n",
      "notes.txt": "not a provider",
    })
    expect(await leftOut(loadCatalogue({ embedded: undefined, extra: folder }))).toEqual([
      expect.stringMatching(/^a.yaml:3: provider "a", field auth_mode: /) as never,
      'c.yaml:2: provider "c", field display_name: expected string, received number',
    ])
  })

  test("a folder's hidden files and folders are not read", async () => {
    const folder = await folderOf({ "a.yaml": `${base}auth_mode: NONE\n`, ".#a.yaml": "::", "._a.yaml": "\0" })
    mkdirSync(join(folder, "old.yaml"))
    expect((await loadCatalogue({ extra: folder })).names()).toEqual(["a"])
  })

  test("two files for one id", async () => {
    const text = `${base}auth_mode: NONE\n`
    const folder = await folderOf({ "a.yaml": text, "a.yml": text })
    expect(await leftOut(loadCatalogue({ embedded: undefined, extra: folder }))).toEqual([
      'a.yml:1: provider "a": is defined twice',
    ])
  })
})
