import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { isSecretName, mask, redact, redactText, redactUrl } from "../../src/kit/redact.ts"

/** Texts that could be secrets: long enough, and no part of the mask or of what surrounds it. */
const secret = fc
  .string({ unit: fc.constantFrom(..."QWXYZ0123456789-_/+"), minLength: 4, maxLength: 40 })
  .filter((text) => !mask.includes(text))
const around = fc.string({ unit: fc.constantFrom(..."abc {}:,\n") })

describe("names", () => {
  test.each(
    "Authorization proxy-authorization Cookie Set-Cookie X-Api-Key apiKey api_key access_token accessToken refresh_token id_token token client_secret clientSecret secret password passwd private_key privateKey session_id assertion signature code_verifier x-auth-token webhook_secret db_password secret_access_key sessionToken oauth_token_secret".split(
      " ",
    ),
  )("%s holds a secret", (name) => {
    expect(isSecretName(name)).toBe(true)
  })

  test.each(["type", "id", "name", "token_type", "expires_at", "tokens_used", "keyboard", "secretary", "message", ""])(
    "%p does not",
    (name) => {
      expect(isSecretName(name)).toBe(false)
    },
  )
})

describe("a value", () => {
  test("no secret text is left of it, wherever it stood: in texts, in lists, in names, deep down", () => {
    const leaf = (text: string) => fc.tuple(around, around).map(([before, after]) => `${before}${text}${after}`)
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 5 }).chain((secrets) => {
          const hidden = fc.constantFrom(...secrets).chain(leaf)
          const tree = fc.letrec((tie) => ({
            node: fc.oneof(
              { depthSize: "medium" },
              hidden,
              fc.integer(),
              fc.constant(null),
              tie("list"),
              tie("record"),
            ),
            list: fc.array(tie("node"), { maxLength: 4 }),
            record: fc.dictionary(fc.oneof(hidden, fc.string()), tie("node"), { maxKeys: 4 }),
          })).node
          return fc.tuple(fc.constant(secrets), tree)
        }),
        ([secrets, value]) => {
          const seen = JSON.stringify(redact(value, secrets)) ?? ""
          for (const one of secrets) expect(seen).not.toContain(JSON.stringify(one).slice(1, -1))
        },
      ),
    )
  })

  test("is masked as a whole under a secret's name, whatever it is", () => {
    expect(
      redact({ headers: { Authorization: "Bearer x", accept: "y" }, token: { a: 1 }, list: [{ password: 7 }] }),
    ).toEqual({ headers: { Authorization: mask, accept: "y" }, token: mask, list: [{ password: mask }] })
  })

  test("says that a secret is missing or empty", () => {
    expect(redact({ token: null, secret: "" })).toEqual({ token: null, secret: "" })
  })

  test("is not changed, the copy is", () => {
    const value = { token: "abcd", nested: { text: "abcd" } }
    redact(value, ["abcd"])
    expect(value).toEqual({ token: "abcd", nested: { text: "abcd" } })
  })

  test("that is nested too deeply to be looked through is not let through", () => {
    let value: unknown = { password: "hunter22" }
    for (let depth = 0; depth < 200; depth++) value = { deeper: value }
    expect(JSON.stringify(redact(value, []))).not.toContain("hunter22")
  })

  test("that holds itself can still be written down", () => {
    const value: Record<string, unknown> = { name: "loop", token: "hunter22" }
    value.self = value
    const seen = JSON.stringify(redact(value, []))
    expect(seen).toContain('"name":"loop"')
    expect(seen).not.toContain("hunter22")
  })

  test("that JSON cannot write becomes a text", () => {
    expect(JSON.stringify(redact({ big: 12n, when: new Date(0) }))).toBe(
      '{"big":"12","when":"1970-01-01T00:00:00.000Z"}',
    )
  })
})

describe("a text", () => {
  test("no tail is left when one secret is the beginning of another", () => {
    expect(redactText("x abcd-efgh-ijkl y", ["abcd", "abcd-efgh-ijkl"])).toBe(`x ${mask} y`)
  })

  test("very short secrets do not mask half of the text", () => {
    expect(redactText("a cat sat", ["a", "at", "cat"])).toBe("a cat sat")
  })
})

describe("a URL", () => {
  test.each([
    ["https://api.test/a?access_token=hunter22&x=1", `https://api.test/a?access_token=${mask}&x=1`],
    ["https://api.test/a?x=1#access_token=hunter22", `https://api.test/a?x=1#access_token=${mask}`],
    ["https://api.test/cb#access_token=hunter22&state=1", `https://api.test/cb#access_token=${mask}&state=1`],
    ["https://api.test/a?access%5Ftoken=hunter22", `https://api.test/a?access%5Ftoken=${mask}`],
    ["https://user:hunter22@api.test/a", `https://${mask}@api.test/a`],
    ["https://user:hunter@22@api.test/a?b=c@d", `https://${mask}@api.test/a?b=c@d`],
    ["https://api.test/a@b?c=d", "https://api.test/a@b?c=d"],
    ["/relative?api_key=hunter22", `/relative?api_key=${mask}`],
    ["https://api.test/%zz?api_key=hunter22&%zz=1", `https://api.test/%zz?api_key=${mask}&%zz=1`],
  ])("%s", (url, shown) => {
    expect(redactUrl(url)).toBe(shown)
  })

  test("known secrets are masked in its path", () => {
    expect(redactUrl("https://api.test/bot12345:abc/send", ["12345:abc"])).toBe(`https://api.test/bot${mask}/send`)
  })
})
