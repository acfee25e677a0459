import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { loadCatalogue } from "../../src/providers/catalogue.ts"
import type { Provider } from "../../src/providers/model.ts"
import { base, embeddedOf, folderOf, inMap, loadExtra, problemsOf } from "./files.ts"

const checkMerged = ({ find, names }: Awaited<ReturnType<typeof loadCatalogue>>) => {
  expect(names()).toEqual(["follower", "new", "ours", "shared"])
  expect(find("ours")?.display_name).toBe("Ours")
  expect(find("shared")).toEqual({ display_name: "X", docs: "https://x.test", auth_mode: "BASIC" } as Provider)
  expect(find("follower")?.auth_mode).toBe("BASIC")
  expect(find("new")?.auth_mode).toBe("NONE")
}

describe("unknown fields", () => {
  const text = inMap("a", "  auth_mode: BASIC\n  shiny: yes\n  proxy:\n    base_url: https://a.test\n    glow: 1\n")

  test("are kept and reported in the operator's files", async () => {
    const catalogue = await loadExtra(text)
    expect(catalogue.get("a") as unknown).toMatchObject({ shiny: "yes", proxy: { glow: 1 } })
    const warnings = catalogue.warnings.map(({ line, provider, field }) => ({ line, provider, field }))
    expect(warnings).toContainEqual({ line: 5, provider: "a", field: "shiny" })
    expect(warnings).toContainEqual({ line: 8, provider: "a", field: "proxy.glow" })
    expect(warnings.filter(({ field }) => /shiny|glow/.test(field ?? ""))).toHaveLength(2)
  })

  test("a name and a page that are missing are a warning; an alias has those of the other entry", async () => {
    const texts = {
      "bare.yaml": "auth_mode: NONE\nproxy: { base_url: https://a.test }\n",
      "other.yaml": "alias: whole\n",
      "whole.yaml": `${base}auth_mode: NONE\n`,
    }
    const catalogue = await loadCatalogue({ extra: await folderOf(texts) })
    expect(catalogue.problems).toEqual([])
    expect(catalogue.warnings.map(({ provider, field, rule }) => [provider, field, rule])).toEqual([
      ["bare", "display_name", true],
      ["bare", "docs", true],
      ["other", "display_name", true],
      ["other", "docs", true],
    ])
    expect(catalogue.get("bare")).toMatchObject({ display_name: "bare", docs: "", auth_mode: "NONE" })
    expect(catalogue.get("other")).toEqual({ ...catalogue.get("whole"), alias: "whole" })
    const { "bare.yaml": bare } = texts
    const single = await loadCatalogue({ extra: join(await folderOf({ "bare.yaml": bare }), "bare.yaml") })
    expect(single.names()).toEqual(["bare"])
  })

  test("are errors in our files", async () => {
    const folder = await folderOf({ "a.yaml": `${base}auth_mode: NONE\nshiny: yes\n` })
    expect(await problemsOf(loadCatalogue({ embedded: undefined, folder }))).toEqual([
      'a.yaml:4: provider "a", field shiny: is not a known field',
    ])
  })

  test("what an auth mode lacks is a warning in the operator's files", async () => {
    const { warnings } = await loadExtra(inMap("a", "  auth_mode: OAUTH2\n  token_url: https://a.test\n"))
    expect(warnings).toMatchObject([
      { line: 1, provider: "a", field: "authorization_url", message: "is required for OAUTH2" },
    ])
  })
})

describe("the operator's entries replace ours, entry by entry", () => {
  const embedded = embeddedOf({
    ours: { display_name: "Ours", docs: "https://x.test", auth_mode: "NONE" },
    shared: { display_name: "Shared", docs: "https://x.test", auth_mode: "NONE", categories: ["gone"] },
    follower: { display_name: "Follower", docs: "https://x.test", alias: "shared" },
  })
  test("from one file", async () => {
    checkMerged(
      await loadExtra(inMap("shared", "  auth_mode: BASIC\n") + inMap("new", "  alias: ours\n"), {
        embedded: await embedded,
      }),
    )
  })

  test("from a folder", async () => {
    const extra = await folderOf({ "shared.yaml": `${base}auth_mode: BASIC\n`, "new.yaml": `${base}alias: ours\n` })
    checkMerged(await loadCatalogue({ embedded: await embedded, extra }))
  })
})

test("an alias that leads elsewhere asks there what it takes over", async () => {
  const whole = `${base}auth_mode: OAUTH2
authorization_url: https://login.known.test/a
token_url: https://login.known.test/t
proxy: { base_url: "https://api.known.test" }
revocation: { endpoint: /end, base_url_override: "https://login.known.test" }
post_connection:
  - { request: { endpoint: /me, base_url_override: "https://login.known.test" }, save: { a: b } }
`
  const urls = "authorization_url: http://127.0.0.1:9/a\ntoken_url: http://127.0.0.1:9/t\n"
  const elsewhere = `${base}alias: whole\n${urls}proxy: { base_url: "http://127.0.0.1:9" }\n`
  const texts = {
    "whole.yaml": whole,
    "region.yaml": `${base}alias: whole\nproxy: { base_url: "https://eu.api.known.test" }\n`,
    "elsewhere.yaml": elsewhere,
    "insists.yaml": `${elsewhere}revocation: { endpoint: /end, base_url_override: "https://login.known.test" }\n`,
  }
  const catalogue = await loadCatalogue({ extra: await folderOf(texts) })
  const basesOf = (name: string) => {
    const { revocation, post_connection: steps } = catalogue.get(name)
    return [revocation?.base_url_override, steps?.[0]?.request?.base_url_override]
  }
  const known = "https://login.known.test"
  expect(basesOf("region")).toEqual([known, known])
  expect(basesOf("elsewhere")).toEqual([undefined, undefined])
  expect(basesOf("insists")).toEqual([known, undefined])
})
