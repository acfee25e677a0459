import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { createScrubber } from "../../src/fixtures/scrub.ts"

const secret = "s3cr3t/key+of=the customer"
const scrubber = createScrubber()
scrubber.add([secret, "abcd", "no"])

describe("the scrubber", () => {
  const rows: [string, string, string][] = [
    ["as it is", `key ${secret}!`, "key redacted-1!"],
    ["in a URL", `?k=${encodeURIComponent(secret)}&x=1`, "?k=redacted-1&x=1"],
    ["in a form", new URLSearchParams({ k: secret }).toString(), "k=redacted-1"],
    ["in base64", Buffer.from(secret).toString("base64"), Buffer.from("redacted-1").toString("base64")],
    [
      "in the base64 of a pair",
      `Basic ${Buffer.from(`user:${secret}`).toString("base64")}`,
      `Basic ${Buffer.from("user:redacted-1").toString("base64")}`,
    ],
    [
      "in base64url",
      Buffer.from(`??>${secret}`).toString("base64url"),
      Buffer.from("??>redacted-1").toString("base64url"),
    ],
    ["a short one alone", "abcd (abcd)", "redacted-2 (redacted-2)"],
    ["a short one inside a word", "xabcdx", "xabcdx"],
    ["one that is too short", "no", "no"],
    ["nothing", "plain text", "plain text"],
  ]
  test.each(rows)("%s", (_, text, clean) => expect(scrubber.text(text)).toBe(clean))

  test("data: values, names of members, lists, Buffers; the rest stays", () => {
    const data = { [secret]: [1, null, true, { deep: `x${secret}` }], bytes: Buffer.from("ab") }
    expect(scrubber.data(data) as unknown).toEqual({
      "redacted-1": [1, null, true, { deep: "xredacted-1" }],
      bytes: { type: "Buffer", data: [97, 98] },
    })
  })

  test("a stand-in is never taken for a secret", () => {
    const again = createScrubber("hidden")
    again.add(["Bearer redacted-1", "hidden-1"])
    expect(again.text("Bearer redacted-1 hidden-1")).toBe("Bearer redacted-1 hidden-1")
  })

  test("no secret survives, in any JSON text, and what was equal stays equal", () => {
    const text = fc.string({ minLength: 8, maxLength: 30, unit: "grapheme" }).filter((one) => one.trim().length >= 8)
    fc.assert(
      fc.property(text, text, fc.string(), fc.string(), (one, other, before, after) => {
        fc.pre(
          !one.includes("redacted") && !"redacted-1redacted-2".includes(one) && !(before + after).includes("redacted"),
        )
        const scrub = createScrubber()
        scrub.add([one, other])
        const clean = scrub.text(`${before}${one}${after}`)
        expect(clean.includes(one)).toBe(false)
        expect(scrub.text(one) === scrub.text(other)).toBe(one === other)
      }),
    )
  })
})
