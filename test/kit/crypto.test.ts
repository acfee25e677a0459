import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import {
  createKeyRing,
  equalInConstantTime,
  generateMasterKey,
  keyIdOf,
  parseMasterKey,
  seal,
  unseal,
} from "../../src/kit/crypto.ts"
import { AppError } from "../../src/kit/errors.ts"

const newKey = () => parseMasterKey(generateMasterKey())
const sealing = newKey()
const key = createKeyRing(sealing)
const place = { table: "connections", column: "credentials", row: 7 }

/** The code of what was thrown; anything but an AppError fails the test. */
function refusal(fn: () => unknown): string {
  try {
    fn()
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
  throw new Error("It was not refused.")
}
const open = (text: string, at = place, by = key) => refusal(() => unseal(by, at, text))

describe("a sealed text", () => {
  test("opens to what it was, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(unseal(key, place, seal(key, place, text))).toBe(text.toWellFormed())
      }),
    )
  })

  test("never looks the same twice, and never holds the clear text", () => {
    const text = "a secret of some length"
    const sealed = [seal(key, place, text), seal(key, place, text)]
    expect(sealed[0]).not.toBe(sealed[1])
    for (const one of sealed) {
      expect(one).not.toContain(text)
      expect(Buffer.from(one.split(".")[3] ?? "", "base64url").toString("latin1")).not.toContain(text)
    }
  })

  test.each([
    ["another row", { ...place, row: 8 }],
    ["another column", { ...place, column: "connection_config" }],
    ["another table", { ...place, table: "integrations" }],
    ["a boundary that was shifted", { table: "connections\0credentials", column: "", row: 7 }],
  ])("cannot be moved to %s", (_, other) => {
    expect(open(seal(key, place, "secret"), other)).toBe("wrong_encryption_key")
  })

  test("cannot be opened with another key", () => {
    expect(open(seal(key, place, "secret"), place, createKeyRing(newKey()))).toBe("wrong_encryption_key")
  })

  test("opens with a retired key of the ring, and is never sealed with one", () => {
    const ring = createKeyRing(newKey(), [newKey(), sealing])
    expect(unseal(ring, place, seal(key, place, "secret"))).toBe("secret")
    expect(keyIdOf(seal(ring, place, "secret"))).toBe(ring.sealing.id)
    expect(keyIdOf("secret")).toBeUndefined()
    expect(open(seal(ring, place, "secret"))).toBe("wrong_encryption_key")
  })

  test("cannot be opened with another key under the same id", () => {
    const other = createKeyRing({ ...newKey(), id: sealing.id })
    expect(open(seal(key, place, "secret"), place, other)).toBe("wrong_encryption_key")
  })

  test("is refused when any one byte of nonce, text or tag is changed", () => {
    const [version, id, nonce = "", body = ""] = seal(key, place, "secret").split(".")
    for (const [index, part] of [nonce, body].entries()) {
      const bytes = Buffer.from(part, "base64url")
      for (let at = 0; at < bytes.length; at++) {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ 1
        const text = changed.toString("base64url")
        expect(open([version, id, index === 0 ? text : nonce, index === 1 ? text : body].join("."))).toBe(
          "wrong_encryption_key",
        )
      }
    }
  })

  test("is refused when it is cut at any place, also down to a few bytes of tag", () => {
    const sealed = seal(key, place, "")
    for (let length = 0; length < sealed.length; length++) {
      expect(open(sealed.slice(0, length))).toBe("wrong_encryption_key")
    }
  })

  test.each([
    "",
    "x",
    "...",
    "v1",
    `v2.${sealing.id}.AAAA.AAAA`,
    `v1.${sealing.id}..`,
    `v1.${sealing.id}.AAAA.AAAA`,
    "{}",
  ])("%p is refused by name", (text) => {
    expect(open(text)).toBe("wrong_encryption_key")
  })

  test("of another version is refused, although all else is right", () => {
    expect(open(seal(key, place, "secret").replace(/^v1/, "v2"))).toBe("wrong_encryption_key")
  })
})

describe("a master key", () => {
  test("is 32 bytes of base64; white space around it does not matter", () => {
    const text = generateMasterKey()
    expect(parseMasterKey(`  ${text}\n`).bytes).toEqual(Buffer.from(text, "base64"))
    expect(parseMasterKey(text).id).toBe(parseMasterKey(text).id)
    expect(parseMasterKey(text).id).not.toBe(parseMasterKey(generateMasterKey()).id)
  })

  test.each([
    ["nothing", ""],
    ["too short", Buffer.alloc(31).toString("base64")],
    ["too long", Buffer.alloc(33).toString("base64")],
    ["hexadecimal", "ab".repeat(32)],
    ["a sentence", "this is not a key but a sentence of some length!"],
    [
      "base64 with a slip",
      `${Buffer.alloc(32).toString("base64").slice(0, 10)}!!${Buffer.alloc(32).toString("base64").slice(10)}`,
    ],
  ])("that is %s is refused without being quoted", (_, text) => {
    expect(refusal(() => parseMasterKey(text))).toBe("invalid_encryption_key")
    try {
      parseMasterKey(text)
    } catch (error) {
      if (text !== "") expect(JSON.stringify(error) + String(error)).not.toContain(text)
    }
  })

  test("its id does not give it away", () => {
    const { id, bytes } = parseMasterKey(generateMasterKey())
    expect(id).toMatch(/^[0-9a-f]{12}$/)
    expect(bytes.toString("hex")).not.toContain(id)
  })
})

test("comparing in constant time compares", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(equalInConstantTime(a, b)).toBe(a === b)
      expect(equalInConstantTime(a, a)).toBe(true)
    }),
  )
})
