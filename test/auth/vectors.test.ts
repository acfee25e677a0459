import { describe, expect, test } from "bun:test"
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
} from "node:crypto"
import { wsseToken } from "../../src/auth/modes/signature.ts"
import { challengeOf, newState, newVerifier } from "../../src/auth/pkce.ts"
import { basicHeader } from "../../src/auth/client.ts"
import { signSaml } from "../../src/auth/saml.ts"
import { readClaims, signJwt } from "../../src/kit/jwt.ts"
import { readPrivateKey } from "../../src/kit/pem.ts"
import { readXml, writeXml } from "../../src/kit/xml.ts"
import { rsa } from "./stage.ts"

/** Their declarations bring the DOM's types into the whole program. */
const untyped = (name: string): Promise<any> => import(name)

describe("JWT", () => {
  test("RFC 7515 A.1: HS256, byte for byte", () => {
    const key = Buffer.from(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
      "base64url",
    )
    const token = signJwt("HS256", key, {
      header: {},
      payload: { iss: "joe", exp: 1_300_819_380, "http://example.com/is_root": true },
    })
    const [header, payload, signature] = token.split(".")
    expect(JSON.parse(Buffer.from(header ?? "", "base64url").toString())).toEqual({ alg: "HS256", typ: "JWT" })
    expect(createHmac("sha256", key).update(`${header}.${payload}`).digest("base64url")).toBe(signature as string)
    // The example's own text has line breaks that JSON.stringify does not write; its signature is over those.
    const input =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    expect(createHmac("sha256", key).update(input).digest("base64url")).toBe(
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    )
  })

  test("jwt.io's well-known HS256 token", () => {
    const payload = { sub: "1234567890", name: "John Doe", iat: 1_516_239_022 }
    expect(signJwt("HS256", Buffer.from("your-256-bit-secret"), { payload })).toBe(
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
    )
  })

  test("RFC 8037 A.4: Ed25519, byte for byte", () => {
    const jwk = {
      kty: "OKP",
      crv: "Ed25519",
      d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
      x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }
    const input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    const key = createPrivateKey({ key: jwk, format: "jwk" })
    expect(sign(null, Buffer.from(input), key).toString("base64url")).toBe(
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    )
    const [header, payload, signature = ""] = signJwt("EdDSA", key, { payload: { a: 1 } }).split(".")
    expect(
      verify(null, Buffer.from(`${header}.${payload}`), createPublicKey(key), Buffer.from(signature, "base64url")),
    ).toBe(true)
  })

  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const big = generateKeyPairSync("rsa", { modulusLength: 2048 })
  test.each(["RS256", "PS256", "ES256"] as const)("%s passes the verifier of Web Crypto", async (algorithm) => {
    const pair = algorithm === "ES256" ? ec : big
    const token = signJwt(algorithm, pair.privateKey, { payload: { sub: "ü" } })
    const [header, payload, signature = ""] = token.split(".")
    const names = {
      RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
      PS256: { name: "RSA-PSS", hash: "SHA-256", saltLength: 32 },
      ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
    }[algorithm]
    const spki = pair.publicKey.export({ type: "spki", format: "der" })
    const key = await crypto.subtle.importKey("spki", new Uint8Array(spki), names, false, ["verify"])
    const text = new TextEncoder().encode(`${header}.${payload}`)
    expect(await crypto.subtle.verify(names, key, new Uint8Array(Buffer.from(signature, "base64url")), text)).toBe(true)
    expect(readClaims(token)).toEqual({ sub: "ü" })
  })

  test("a key of the wrong kind does not sign", () => {
    expect(() => signJwt("RS256", ec.privateKey, { payload: {} })).toThrow(TypeError)
    expect(() => signJwt("ES256", big.privateKey, { payload: {} })).toThrow(TypeError)
    expect(() => signJwt("HS256", big.privateKey, { payload: {} })).toThrow(TypeError)
    const other = generateKeyPairSync("ec", { namedCurve: "P-384" })
    expect(() => signJwt("ES256", other.privateKey, { payload: {} })).toThrow(TypeError)
  })

  test.each([
    ["with its line breaks", (pem: string) => pem],
    ["in one line, breaks as backslash and n", (pem: string) => pem.replaceAll("\n", "\\n")],
    ["in one line, breaks as spaces", (pem: string) => pem.replaceAll("\n", " ")],
    ["with the breaks of Windows", (pem: string) => pem.replaceAll("\n", "\r\n")],
    ["as base64 of it all", (pem: string) => Buffer.from(pem).toString("base64")],
  ])("a key %s is read", (_, spell) => {
    for (const type of ["pkcs1", "pkcs8"] as const) {
      const pem = big.privateKey.export({ type, format: "pem" }).toString()
      expect(readPrivateKey(spell(pem))?.asymmetricKeyType).toBe("rsa")
    }
  })
})

describe("OAuth 2", () => {
  test("RFC 7636 appendix B: the S256 challenge", () => {
    expect(challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).toBe(
      "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    )
  })
  test("verifiers and states are long and never the same", () => {
    expect(newVerifier()).toMatch(/^[0-9a-f]{48}$/)
    expect(newState()).toMatch(/^[0-9a-f]{32}$/)
    expect(new Set(Array.from({ length: 100 }, newState)).size).toBe(100)
  })
  test("RFC 6749 §2.3.1: the client in a Basic header is form-encoded first", () => {
    expect(basicHeader({ id: "a b:c", secret: "p+%ü!" })).toBe(`Basic ${btoa("a+b%3Ac:p%2B%25%C3%BC%21")}`)
  })
})

test("WSSE: the digest is the base64 of a hex SHA-1 over nonce, time and password", () => {
  const input = {
    username: "customer001",
    password: "customersecret",
    nonce: "d36e3162829ed4c89851497a717f",
    created: "2014-03-20T12:51:45Z",
  }
  // From the provider's documentation: dev.emarsys.com, authentication.
  const hex = createHash("sha1").update("d36e3162829ed4c89851497a717f2014-03-20T12:51:45Zcustomersecret").digest("hex")
  const text = `UsernameToken Username="customer001", PasswordDigest="${btoa(hex)}", Nonce="${input.nonce}", Created="${input.created}"`
  expect(wsseToken(input)).toBe(text)
  expect(wsseToken({ ...input, username: 'x", Nonce="1' })).not.toContain('Nonce="1"')
})

describe("SAML", () => {
  const input = {
    key: createPrivateKey(rsa.privateKey),
    issuer: "www.successfactors.com",
    lifetimeSeconds: 600,
    audience: "www.successfactors.com",
    recipient: "https://api.example.com/oauth/token?a=1&b=2",
    nameIdentifier: `O'Neil <"admin">`,
    sessionIndex: "s-1",
    attributes: { api_key: "key&more", use_username: true },
    id: "_1",
    now: new Date("2026-03-01T12:00:00Z"),
  }
  const xml = Buffer.from(signSaml(input), "base64").toString()

  test("a verifier of XML signatures accepts it, and the whole assertion is what is signed", async () => {
    const { SignedXml } = await untyped("xml-crypto")
    const { DOMParser } = await untyped("@xmldom/xmldom")
    const document = new DOMParser().parseFromString(xml, "text/xml")
    const signature = document.getElementsByTagNameNS("http://www.w3.org/2000/09/xmldsig#", "Signature")[0]
    const check = new SignedXml({ publicCert: rsa.publicKey })
    check.loadSignature(signature as never)
    expect(check.checkSignature(xml)).toBe(true)
    expect(check.getSignedReferences().join("")).toContain('O\'Neil &lt;"admin"&gt;')
    const forged = new SignedXml({ publicCert: rsa.publicKey })
    forged.loadSignature(signature as never)
    expect(forged.checkSignature(xml.replace("O'Neil", "O'Hara"))).toBe(false)
  })

  test("says whom, for whom and how long", () => {
    const { Assertion } = readXml(xml) as { Assertion: any }
    expect(Assertion).toMatchObject({
      $ID: "_1",
      $IssueInstant: "2026-03-01T12:00:00Z",
      Issuer: input.issuer,
      Subject: {
        NameID: { "#text": input.nameIdentifier },
        SubjectConfirmation: {
          SubjectConfirmationData: { $Recipient: input.recipient, $NotOnOrAfter: "2026-03-01T12:10:00Z" },
        },
      },
      Conditions: { AudienceRestriction: { Audience: input.audience } },
    })
  })
})

describe("XML", () => {
  test("what is written can be read", () => {
    const tree = {
      request: { control: { id: "a&b<c>\"'", flag: false }, list: ["1", "2"], fn: { $id: 'x"y', getAPISession: "" } },
    }
    expect(readXml(writeXml(tree))).toEqual({
      request: { control: { id: "a&b<c>\"'", flag: "false" }, list: ["1", "2"], fn: { $id: 'x"y', getAPISession: "" } },
    })
  })
  test("reads declarations, comments, CDATA, namespaces and character references", () => {
    const text = `<?xml version="1.0"?><!-- x --><s:a xmlns:s="u"><s:b>&#65;&#x42;&amp;&unknown;</s:b><c><![CDATA[<&>]]></c><d/></s:a>`
    expect(readXml(text)).toEqual({ a: { "$xmlns:s": "u", b: "AB&&unknown;", c: "<&>", d: "" } })
  })
  test.each([
    "",
    "text",
    "<a>",
    "</a>",
    "<a></b>",
    "<a/><b/>",
    "<a>x</a>y",
    "<a b=1></a>",
    `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`,
    "<a>".repeat(60) + "</a>".repeat(60),
  ])("refuses %j", (text) => expect(() => readXml(text)).toThrow(SyntaxError))
  test("a name from outside cannot reach the prototype", () => {
    const tree = readXml("<a><__proto__><x>1</x></__proto__></a>") as { a: object }
    expect(Object.hasOwn(tree.a, "__proto__")).toBe(true)
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })
})
