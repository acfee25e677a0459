import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { listenToParent } from "../../src/pages/connect/parent.ts"
import { daemonBase, readOpening, socketUrl, withoutToken } from "../../src/pages/connect/place.ts"
import { languages, speak, type TextKey } from "../../src/pages/connect/texts.ts"
import { listed, search } from "../../src/pages/connect/views/names.ts"
import { avatarColor, avatarColors, initials } from "../../src/pages/shared/initials.ts"
import { fill, pickLanguage } from "../../src/pages/shared/i18n.ts"
import { accents, contrast, readColor } from "../../src/pages/shared/theme.ts"

describe("where the page is", () => {
  test("the daemon is beside the page, whatever the query says", () => {
    const href = "https://x.example/sluice/connect/?apiURL=https%3A%2F%2Fevil.example&session_token=t#a"
    const base = daemonBase(href)
    expect(base.href).toBe("https://x.example/sluice/")
    expect(socketUrl(base).href).toBe("wss://x.example/sluice/")
    expect(socketUrl(base, "/sockets").href).toBe("wss://x.example/sluice/sockets")
    expect(socketUrl(base, "/sluice/sockets").href).toBe("wss://x.example/sluice/sockets")
    expect(socketUrl(daemonBase("http://localhost:3003/connect/"), "/").href).toBe("ws://localhost:3003/")
    expect(withoutToken(href)).toBe("/sluice/connect/?apiURL=https%3A%2F%2Fevil.example#a")
  })

  test("the query of openConnectUI", () => {
    expect(readOpening("?detectClosedAuthWindow=true&lang=de&theme=dark", true)).toEqual({
      isFramed: true,
      token: undefined,
      language: "de",
      theme: "dark",
      detectsClosedWindow: true,
    })
    expect(readOpening("?session_token=t&theme=pink&lang=", false)).toEqual({
      isFramed: false,
      token: "t",
      language: undefined,
      theme: undefined,
      detectsClosedWindow: false,
    })
  })
})

describe("messages", () => {
  function stage() {
    const sent: [unknown, string][] = []
    const parent = { postMessage: (message: unknown, target: string) => void sent.push([message, target]) }
    let hear: (event: { source: unknown; origin: string; data: unknown }) => void = () => undefined
    const tokens: string[] = []
    const frame = { parent, addEventListener: (_: "message", listener: typeof hear) => void (hear = listener) }
    const { tell } = listenToParent(frame, (token) => tokens.push(token))
    return {
      sent,
      parent,
      tokens,
      tell,
      hear: (source: unknown, origin: string, data: unknown) => hear({ source, origin, data }),
    }
  }

  test("only the parent gives a token, and only its origin hears the rest", () => {
    const { sent, parent, tokens, tell, hear } = stage()
    tell({ type: "ready" })
    hear({}, "https://evil.example", { type: "session_token", sessionToken: "bad" })
    for (const data of [null, "session_token", { type: "other" }, { type: "session_token", sessionToken: 1 }]) {
      hear(parent, "https://app.example", data)
    }
    expect(tokens).toEqual([])
    hear(parent, "https://app.example", { type: "session_token", sessionToken: "good" })
    tell({ type: "close" })
    expect(tokens).toEqual(["good"])
    expect(sent).toEqual([
      [{ type: "ready" }, "*"],
      [{ type: "close" }, "https://app.example"],
    ])
  })

  test("a parent without an origin is told all the same", () => {
    const { sent, parent, tell, hear } = stage()
    hear(parent, "null", { type: "session_token", sessionToken: "t" })
    tell({ type: "close" })
    expect(sent).toEqual([[{ type: "close" }, "*"]])
  })
})

describe("languages", () => {
  const keys = Object.keys(languages.en) as TextKey[]
  const placesOf = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).toSorted()

  test.each(Object.entries(languages))("%s has every sentence, with the same places", (_, texts) => {
    expect(Object.keys(texts).toSorted()).toEqual(keys.toSorted())
    const other = keys.filter(
      (key) => texts[key].trim() === "" || !Bun.deepEquals(placesOf(texts[key]), placesOf(languages.en[key])),
    )
    expect(other).toEqual([])
  })

  test.each<[(string | undefined)[], string]>([
    [["de"], "de"],
    [["pt-BR", "fr-CA"], "fr"],
    [["ES_mx"], "es"],
    [[undefined, "ja-JP"], "ja"],
    [["xx"], "en"],
    [[], "en"],
  ])("%o → %s", (wanted, language) => {
    expect(speak(wanted).language).toBe(language as never)
  })

  test("a whole tag wins over its language, and what is filled in is not read again", () => {
    expect(pickLanguage(["en", "pt", "pt-br"], ["pt-BR"])).toBe("pt-br")
    expect(fill("{a} {b} {c}", { a: "{b}", b: "$&" })).toBe("{b} $& {c}")
  })
})

describe("colours", () => {
  test("text on any colour, and any colour as text, can be read", () => {
    const color = fc.integer({ min: 0, max: 0xffffff }).map((value) => `#${value.toString(16).padStart(6, "0")}`)
    fc.assert(
      fc.property(color, fc.constantFrom("#ffffff", "#17191e"), (primary, ground) => {
        const found = accents(primary, ground)
        const ratio = (one: string, other: string) =>
          contrast(readColor(one) ?? [0, 0, 0], readColor(other) ?? [0, 0, 0])
        expect(found.primary).toBe(primary)
        expect(ratio(found.onPrimary, found.primary)).toBeGreaterThanOrEqual(4.5)
        expect(ratio(found.onPrimary, found.hover)).toBeGreaterThanOrEqual(4.5)
        expect(ratio(found.accent, ground)).toBeGreaterThanOrEqual(4.5)
      }),
    )
  })

  test("short colours are read, others are not", () => {
    expect(readColor("#0fA")).toEqual([0, 255, 170])
    expect(readColor("red")).toBeUndefined()
    expect(accents("red", "#ffffff").primary).toBe("#00b2e3")
  })
})

describe("the list", () => {
  const one = (unique_key: string, display_name?: string) => ({ unique_key, provider: "acme", display_name })
  test("names that are the same are told apart by their keys", () => {
    const names = listed([one("a", "Acme"), one("b", "Acme"), one("c", "Other"), one("d")])
    expect(names.map(({ name, detail }) => [name, detail])).toEqual([
      ["Acme", "a"],
      ["Acme", "b"],
      ["Other", undefined],
      ["d", undefined],
    ])
  })
  test("a search takes any case, accents and order of words", () => {
    const all = listed([one("cafe", "Café Crème"), one("drive", "Google Drive")])
    expect(search(all, "creme CAFE").map(({ name }) => name)).toEqual(["Café Crème"])
    expect(search(all, " ").length).toBe(2)
    expect(search(all, "zzz")).toEqual([])
  })
})

describe("avatars", () => {
  test("letters of the first two words, whatever the script", () => {
    const names = ["Google Drive", "slack", "  (Acme)  Inc. Ltd", "日本語 サービス", "😀", ""]
    expect(names.map(initials)).toEqual(["GD", "S", "AI", "日サ", "?", "?"])
  })
  test("a name keeps its colour, whatever its case, and white letters can be read on each", () => {
    expect(avatarColor("HubSpot")).toBe(avatarColor("hubspot"))
    expect(new Set(["Slack", "Notion", "Zendesk", "Stripe", "GitHub"].map(avatarColor)).size).toBeGreaterThan(3)
    for (const color of avatarColors)
      expect(contrast(readColor(color) ?? [255, 255, 255], [255, 255, 255])).toBeGreaterThan(4.5)
  })
})
