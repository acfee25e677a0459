import { describe, expect, test } from "bun:test"
import { array, assert, constantFrom, property } from "fast-check"
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto"
import { renderTemplate, type TemplateScope } from "../../src/providers/template.ts"
import { parseTemplate, sourceOf } from "../../src/providers/template-parser.ts"

const now = new Date("2026-01-31T14:05:09.042Z")
const scope: TemplateScope = {
  connectionConfig: {
    subdomain: "acme",
    empty: "",
    "team.id": "T1",
    installation: { apiEndPoint: "https://api.acme.test" },
    "connectionConfig.old": "kept",
    nothing: null,
    on: true,
    tree: {},
  },
  credentials: { username: "ada", password: "pw, with comma", raw: { accountID: 42 }, list: ["a", "b"] },
  apiKey: "k-1",
  accessToken: "tok",
  username: "ada",
  method: "POST",
  step1: { data: { url: "https://step.test" } },
  "step1.data.url": "flat",
  now,
  random: "3f0c7e0e-6d0a-4d39-8f3e-5f1f3b1a9f11",
}

type Row = [name: string, template: string, text: string, complete?: boolean]
const both: Row[] = [
  ["plain text", "no placeholder", "no placeholder"],
  ["a path", "https://${connectionConfig.subdomain}.x.test", "https://acme.x.test"],
  ["white space in a placeholder", "${ apiKey }", "k-1"],
  ["a nested path", "${connectionConfig.installation.apiEndPoint}/v1", "https://api.acme.test/v1"],
  ["a flat key with a dot", "${connectionConfig.team.id}", "T1"],
  ["a key of an old row", "${connectionConfig.old}", "kept"],
  ["a typed credential", "${credentials.username}", "ada"],
  ["a number deep inside", "${credentials.raw.accountID}", "42"],
  ["an element of a list", "${credentials.list.1}", "b"],
  ["a flat name", "Bearer ${apiKey}", "Bearer k-1"],
  ["an empty text", "[${connectionConfig.empty}]", "[]"],
  ["a missing name", "a ${connectionConfig.gone} b", "a ${connectionConfig.gone} b", false],
  ["null", "${connectionConfig.nothing}", "${connectionConfig.nothing}", false],
  ["a boolean", "${connectionConfig.on}", "${connectionConfig.on}", false],
  ["an object", "${connectionConfig.tree}", "${connectionConfig.tree}", false],
  ["the prototype", "${connectionConfig.__proto__.x}", "${connectionConfig.__proto__.x}", false],
  ["an inherited member", "${connectionConfig.constructor.name}", "${connectionConfig.constructor.name}", false],
  ["a member of a text", "${apiKey.length}", "${apiKey.length}", false],
  ["base64", "Basic ${base64(${credentials.username}:${apiKey})}", "Basic YWRhOmstMQ=="],
  ["base64 of Unicode", "${base64(ü→)}", "w7zihpI="],
  ["a call on something missing", "${base64(${gone}:x)}", "${base64(${gone}:x)}", false],
  // FIPS 180-2: SHA-256 of "abc".
  ["sha256Hex", "${sha256Hex(abc)}", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["sha256Base64", "${sha256Base64(abc)}", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="],
  ["bars inside a call", "${base64(a||b)}", "YXx8Yg=="],
  ["nested calls", "${sha256Hex(${base64(${username}${apiKey})})}", sha("YWRhay0x")],
  // RFC 2202, test case 2.
  ["hmacSha1Hex", "${hmacSha1Hex(what do ya want for nothing?, Jefe)}", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"],
  [
    "hmacSha1Hex cuts at the last comma of the template, not of a value",
    "${hmacSha1Hex(a, b, ${credentials.password})}",
    hmac("a, b", "pw, with comma"),
  ],
  [
    "a signature over date and request, as Duo wants it",
    "Basic ${base64(${username}:${hmacSha1Hex(${now:ddd, DD MMM YYYY HH:mm:ss ZZ}\n${method}, ${apiKey})})}",
    `Basic ${btoa(`ada:${hmac("Sat, 31 Jan 2026 14:05:09 +0000\nPOST", "k-1")}`)}`,
  ],
  ["hmacSha1Hex without a comma", "${hmacSha1Hex(abc)}", "${hmacSha1Hex(abc)}", false],
  ["ed25519Sign with a bad key", "${ed25519Sign(m, ${apiKey})}", "${ed25519Sign(m, ${apiKey})}", false],
  ["fingerprint of a bad key", "${fingerprint(${apiKey})}", "${fingerprint(${apiKey})}", false],
  ["awsSigV4 with too few parts", "${awsSigV4(a, b, us-east-1)}", "${awsSigV4(a, b, us-east-1)}", false],
  ["awsSigV4 with an empty part", "${awsSigV4(a, , r, s)}", "${awsSigV4(a, , r, s)}", false],
  ["now", "${now}", "2026-01-31T14:05:09.042Z"],
  ["now with a format", "${now:YYYY-MM-DDTHH:mm:ss}", "2026-01-31T14:05:09"],
  ["now with literal text", "${now:YYYYMMDDTHHmmss[Z]}", "20260131T140509Z"],
  ["now as in RFC 2822", "${now:ddd, DD MMM YYYY HH:mm:ss ZZ}", "Sat, 31 Jan 2026 14:05:09 +0000"],
  ["now in seconds", "${now:X}", "1769868309"],
  ["now in milliseconds", "${now:x}", "1769868309042"],
  ["now in words", "${now:dddd D MMMM YY, h:m:s.SSS a A Z}", "Saturday 31 January 26, 2:5:9.042 pm PM +00:00"],
  ["now, days later", "${now+7:days:YYYY-MM-DD}", "2026-02-07"],
  ["now, a minute later", "${now+1:minutes:X}", "1769868369"],
  ["now, hours before", "${now-15:hours:YYYY-MM-DD HH}", "2026-01-30 23"],
  ["now, a shorter month later", "${now+1:month:YYYY-MM-DD}", "2026-02-28"],
  ["now, shifted without a format", "${now+1:seconds}", "2026-01-31T14:05:10.042Z"],
  ["now with a unit that does not exist", "${now+1:moons:X}", "${now+1:moons:X}", false],
  ["now beyond all dates", "${now+999999999:years:X}", "${now+999999999:years:X}", false],
  ["random", "${random}", "3f0c7e0e-6d0a-4d39-8f3e-5f1f3b1a9f11"],
  ["a request name", "${method} x", "POST x"],
  ["a call that does not close", "${base64(${apiKey}", "${base64(k-1", false],
  ["a name that does not close", "x ${apiKey", "x ${apiKey", false],
  ["an unknown function", "${shout(a)}", "${shout(a)}", false],
]

function sha(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex")
}
function hmac(message: string, key: string): string {
  return new Bun.CryptoHasher("sha1", key).update(message).digest("hex")
}

describe("expressions in both engines", () => {
  for (const [name, template, text, complete = true] of both) {
    test(name, () => {
      expect(renderTemplate(template, scope)).toEqual({ text, complete })
      expect(renderTemplate(template, scope, { engine: "string" })).toEqual({ text, complete })
    })
  }

  test("a value is not read as a template again", () => {
    expect(renderTemplate("${apiKey}", { apiKey: "${accessToken}", accessToken: "t" }).text).toBe("${accessToken}")
  })

  test("`encode` meets whole placeholders, not what is inside a call", () => {
    const encoded = renderTemplate("a b/${credentials.password}/${base64(é?)}", scope, { encode: encodeURIComponent })
    expect(encoded.text).toBe("a b/pw%2C%20with%20comma/w6k%2F")
  })

  test("any text is either rendered or left as it is, and never an error", () => {
    const pieces = ["${", "}", ")}", "${base64(", "${hmacSha1Hex(", "||", ",", "$", "{", "(", "a.b", "${gone}", " "]
    const templates = array(constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join(""))
    assert(
      property(templates, (template) => {
        expect(sourceOf(parseTemplate(template))).toBe(template)
        const { text, complete } = renderTemplate(template, {}, { engine: "string" })
        if (!template.includes("(")) expect(text).toBe(template)
        if (complete) expect(text).not.toContain("${")
      }),
    )
  })

  test("a hostile nest of open calls takes linear time and no stack", () => {
    const template = "${base64(".repeat(20_000)
    expect(renderTemplate(template, scope).text).toBe(template)
  })
})

describe("the two engines differ", () => {
  const rows: [name: string, template: string, object: string, string: string][] = [
    ["left side resolves", "${apiKey} || b", "k-1", "k-1 || b"],
    ["left side does not", "https://${gone}.x || https://y", "https://y", "https://${gone}.x || https://y"],
    ["half of the left side is enough", "${apiKey}${gone} || b", "k-1${gone}", "k-1${gone} || b"],
    ["a constant on the left is never chosen", "a || b", "b", "a || b"],
    ["nothing on the right", "${gone} ||", "", "${gone} ||"],
    ["a third side is ignored", "${gone} || ${gone} || c", "${gone}", "${gone} || ${gone} || c"],
    ["without spaces", "${gone}||${apiKey}", "k-1", "${gone}||k-1"],
    ["a missing endpoint", "/${endpoint}", "/", "/${endpoint}"],
    ["path or flat key first", "${step1.data.url}", "https://step.test", "flat"],
  ]
  for (const [name, template, object, string] of rows) {
    test(name, () => {
      expect(renderTemplate(template, scope).text).toBe(object)
      expect(renderTemplate(template, scope, { engine: "string" }).text).toBe(string)
    })
  }
})

describe("keys", () => {
  test("ed25519Sign makes a signature that verifies, also with a key typed on one line", () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519")
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString()
    for (const key of [pem, pem.replaceAll("\n", "\\n")]) {
      const { text, complete } = renderTemplate('${ed25519Sign("@method": ${method}, "x", ${key})}', { ...scope, key })
      expect(complete).toBe(true)
      expect(verify(null, Buffer.from('"@method": POST, "x"'), publicKey, Buffer.from(text, "base64"))).toBe(true)
    }
  })

  test("fingerprint is the digest of the public half", () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString()
    const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" })
    const expected = `SHA256:${new Bun.CryptoHasher("sha256").update(spki).digest("base64")}`
    const template = "${fingerprint(${credentials.privateKey})}"
    expect(renderTemplate(template, { credentials: { privateKey: pem } }, { engine: "string" }).text).toBe(expected)
  })
})

describe("awsSigV4", () => {
  // The vectors of AWS's Signature Version 4 test suite, and of the IAM example in its guide.
  const aws = { now: new Date("2015-08-30T12:36:00Z"), path: "/", method: "GET" }
  const keys = "AKIDEXAMPLE, wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY, us-east-1"
  const suite = `\${awsSigV4(${keys}, service, example.amazonaws.com)}`
  const rows: [name: string, template: string, request: TemplateScope, signature: string][] = [
    ["get-vanilla", suite, {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
    [
      "get-vanilla-query-order-key-case",
      suite,
      { urlCanonicalParams: "Param2=value2&Param1=value1" },
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ],
    ["post-vanilla", suite, { method: "POST" }, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
    [
      "post-x-www-form-urlencoded",
      suite,
      { method: "POST", contentType: "application/x-www-form-urlencoded", bodyCanonicalParams: "Param1=value1" },
      "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ],
    [
      "IAM ListUsers, host by default",
      `\${awsSigV4(${keys}, iam)}`,
      {
        contentType: "application/x-www-form-urlencoded; charset=utf-8",
        urlCanonicalParams: "Version=2010-05-08&Action=ListUsers",
      },
      "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    ],
  ]
  for (const [name, template, request, signature] of rows) {
    test(name, () => {
      const { text } = renderTemplate(template, { ...aws, ...request })
      const service = name.startsWith("IAM") ? "iam" : "service"
      const signed = "contentType" in request ? "content-type;host;x-amz-date" : "host;x-amz-date"
      const credential = `Credential=AKIDEXAMPLE/20150830/us-east-1/${service}/aws4_request`
      expect(text).toBe(`AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${signed}, Signature=${signature}`)
    })
  }

  test("values may hold commas and parentheses", () => {
    const secret = { ...aws, credentials: { username: "a,b", password: "c(,d" } }
    const template = "${awsSigV4(${credentials.username}, ${credentials.password}, r, s, s.r.test)}"
    expect(renderTemplate(template, secret).text).toStartWith("AWS4-HMAC-SHA256 Credential=a,b/20150830/r/s/")
  })
})
