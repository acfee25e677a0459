import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { hideSecrets, mask, redactText } from "../../src/kit/redact.ts"

const json = (text: string) => JSON.stringify(text).slice(1, -1)
const form = (text: string) => new URLSearchParams({ a: text }).toString().slice(2)
const html = (text: string) =>
  text.replace(/[&<>"']/g, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[char] ?? "&#39;")
const encodings: Record<string, (text: string) => string> = {
  "as it is": (text) => text,
  JSON: json,
  "JSON in JSON": (text) => json(json(text)),
  "JSON in JSON in JSON": (text) => json(json(json(text))),
  "a URL": encodeURIComponent,
  "a URL in a URL": (text) => encodeURIComponent(encodeURIComponent(text)),
  "a URL with small digits": (text) => encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase()),
  "a form": form,
  "JSON in a URL": (text) => encodeURIComponent(json(text)),
  HTML: html,
  "JSON with code units": (text) =>
    text.replace(/[^A-Za-z0-9]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`),
  hexadecimal: (text) => Buffer.from(text).toString("hex"),
  base64: (text) => Buffer.from(text).toString("base64"),
  base64url: (text) => Buffer.from(text).toString("base64url"),
}

/** Secrets as providers make them, and worse: a random part that shows whether something is left, and any characters. */
const secrets = fc
  .tuple(fc.uuid(), fc.string({ unit: fc.constantFrom(...`aZ09+/=%&"'<>\\ \n\t-_.~:;ä€`), maxLength: 12 }))
  .map(([random, rest]) => random.slice(0, 8) + rest + random.slice(9))

describe.each(Object.entries(encodings))("a secret in %s", (name, encode) => {
  test("is hidden whole, whatever its characters are", () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        expect(redactText(`<${encode(secret)}>`, [secret])).toMatch(/^<\[redacted\](={0,2}|%3D|)>$/)
      }),
    )
  })

  test("is not found where it is not", () => {
    fc.assert(
      fc.property(secrets, secrets, (secret, other) => {
        expect(redactText(`<${encode(other)}>`, [secret])).toBe(`<${encode(other)}>`)
      }),
    )
  })

  if (name.startsWith("base64"))
    test("is hidden behind a user name of any length, but for a character at its ends", () => {
      fc.assert(
        fc.property(
          secrets,
          fc.string({ minLength: 1, maxLength: 9 }),
          fc.string({ maxLength: 9 }),
          (secret, before, after) => {
            const text = redactText(`Basic ${encode(`${before.toWellFormed()}:${secret}${after.toWellFormed()}`)}`, [
              secret,
            ])
            const left = text.replace(mask, "").replace("Basic ", "")
            expect(text).toContain(mask)
            expect(Buffer.from(left, "base64").toString("latin1")).not.toContain(secret.slice(0, 8))
            expect(left.length).toBeLessThan(4 * (before.length * 3 + after.length * 3) + 12)
          },
        ),
      )
    })
})

test("a hostile text takes no time worth mentioning, however often it repeats what a secret begins with", () => {
  const odd = ['\\\\\\\\"', "////", '""""', "%%%%", "++++", "&&&&", '\\"\\"']
  const started = performance.now()
  for (const text of ["\\", "%25", "%2", "&amp;", "\\u00", '\\"', "/"]) redactText(text.repeat(20_000), odd)
  expect(performance.now() - started).toBeLessThan(5_000)
})

test("hiding secrets changes nothing else: names that sound secret, depth, numbers, dates", () => {
  const deep = Array.from({ length: 60 }).reduce<unknown>((inside) => ({ inside }), "secret-1234")
  const value = { password: "mine", token: null, list: [1, true, { "a secret-1234": "x secret-1234 y" }], deep }
  const hidden = hideSecrets(value, ["secret-1234"])
  expect(hidden).toMatchObject({ password: "mine", token: null, list: [1, true, { [`a ${mask}`]: `x ${mask} y` }] })
  expect(JSON.stringify(hidden)).toBe(JSON.stringify(value).replaceAll("secret-1234", mask))
})
