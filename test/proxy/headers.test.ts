import { describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import type { Credentials } from "../../src/auth/credentials.ts"
import { address, names } from "../kit/certificates.ts"
import { build, expectFault, random } from "./make.ts"

const headersOf = (parts: Parameters<typeof build>[0]) => build(parts).headers
const raw = {}

const byType: [name: string, credentials: Credentials, authorization: string | undefined][] = [
  ["OAUTH2", { type: "OAUTH2", access_token: "at-1", raw }, "Bearer at-1"],
  ["APP", { type: "APP", access_token: "at-2" }, "Bearer at-2"],
  ["OAUTH2_CC", { type: "OAUTH2_CC", token: "t-1", client_id: "i", client_secret: "s", raw }, "Bearer t-1"],
  ["JWT", { type: "JWT", token: "t-2" }, "Bearer t-2"],
  ["SIGNATURE", { type: "SIGNATURE", token: "t-3" }, "Bearer t-3"],
  ["TWO_STEP", { type: "TWO_STEP", token: "t-4" }, "Bearer t-4"],
  ["BASIC", { type: "BASIC", username: "ünï", password: "p:w" }, `Basic ${Buffer.from("ünï:p:w").toString("base64")}`],
  ["BASIC without password", { type: "BASIC", username: "u" } as Credentials, `Basic ${btoa("u:")}`],
  ["INSTALL_PLUGIN", { type: "INSTALL_PLUGIN", username: "u", password: "p" }, `Basic ${btoa("u:p")}`],
  ["API_KEY", { type: "API_KEY", apiKey: "k" }, undefined],
  ["BILL", { type: "BILL", token: "x" }, undefined],
  ["CUSTOM", { type: "CUSTOM", token: "x" }, undefined],
  ["none", {}, undefined],
  ["OAUTH2 without a token", { type: "OAUTH2", raw } as unknown as Credentials, undefined],
]

describe("buildRequest: authorization", () => {
  test.each(byType)("%s", (_name, credentials, authorization) => {
    expect(headersOf({ credentials }).authorization).toBe(authorization)
  })

  test("an unknown type is a fault", () => {
    expectFault(() => build({ credentials: { type: "MAGIC" } as unknown as Credentials }), "unsupported_auth")
  })

  test("OAUTH1 signs the final query, with the integration as consumer", () => {
    const parts = {
      credentials: { type: "OAUTH1", oauth_token: "ot", oauth_token_secret: "os", raw } as const,
      integration: { clientId: "ck", clientSecret: "cs" },
    }
    const header = headersOf({ ...parts, provider: { signature_method: "PLAINTEXT" } }).authorization ?? ""
    expect(header).toContain('oauth_consumer_key="ck"')
    expect(header).toContain('oauth_signature_method="HMAC-SHA1"')
    expect(header).toContain('oauth_timestamp="1772600767"')
    expect(header).toContain(`oauth_nonce="${random.replaceAll("-", "")}"`)
    expect(headersOf({ ...parts, call: { params: { a: 1 } } }).authorization).not.toBe(header)
    const sha256 = headersOf({ ...parts, provider: { signature_method: "HMAC-SHA256" } }).authorization
    expect(sha256).toContain('oauth_signature_method="HMAC-SHA256"')
  })

  test("TBA: realm from the account, consumer from override, then connection, then integration", () => {
    const credentials = { type: "TBA", token_id: "ti", token_secret: "ts" } as const
    const integration = { clientId: "from-integration", clientSecret: "s" }
    const config = { accountId: "123-sb1-x", oauth_client_id: "from-connection", oauth_client_secret: "s" }
    const own = headersOf({ credentials, integration, config: { accountId: "123-sb1-x" } }).authorization
    expect(own).toStartWith('OAuth realm="123_SB1-X", oauth_consumer_key="from-integration"')
    expect(own).toContain('oauth_signature_method="HMAC-SHA256"')
    expect(headersOf({ credentials, integration, config }).authorization).toContain('key="from-connection"')
    const override = { ...credentials, config_override: { client_id: "from-override", client_secret: "s" } }
    expect(headersOf({ credentials: override, integration, config }).authorization).toContain('key="from-override"')
  })

  test.each([
    [{ "x-token": "${accessToken}" }, undefined],
    [{ cookie: "${credentials._cookies}" }, undefined],
    [{ "x-other": "${credentials._cookies}" }, "Bearer t-4"],
  ])("TWO_STEP with the header %j", (headers, authorization) => {
    const credentials = { type: "TWO_STEP", token: "t-4", _cookies: "a=b" } as const
    expect(headersOf({ credentials, proxy: { headers } }).authorization).toBe(authorization)
  })
})

describe("buildRequest: headers", () => {
  test("defaults, which a caller can replace", () => {
    expect(headersOf({})).toEqual({ accept: "application/json, text/plain, */*", "user-agent": "sluice" })
    expect(headersOf({ call: { headers: { Accept: "text/csv", "User-Agent": "mine" } } })).toEqual({
      accept: "text/csv",
      "user-agent": "mine",
    })
  })

  test("later wins: authorization, provider, caller", () => {
    const credentials = { type: "OAUTH2", access_token: "at-1", raw } as const
    const proxy = { headers: { Authorization: "Token ${accessToken}", "x-version": 2 } }
    expect(headersOf({ credentials, proxy })).toMatchObject({ authorization: "Token at-1", "x-version": "2" })
    const call = { headers: { AUTHORIZATION: "Mine", "X-Version": "3" } }
    expect(headersOf({ credentials, proxy, call })).toMatchObject({ authorization: "Mine", "x-version": "3" })
  })

  test("a provider's user-agent beats the caller's", () => {
    const proxy = { headers: { "user-agent": "of-provider" } }
    expect(headersOf({ proxy, call: { headers: { "user-agent": "mine" } } })["user-agent"]).toBe("of-provider")
  })

  test("an empty value removes what would have been injected", () => {
    const credentials = { type: "BASIC", username: "u", password: "p" } as const
    expect(headersOf({ credentials, call: { headers: { Authorization: "" } } })).not.toHaveProperty("authorization")
  })

  test("incomplete headers are left out, and the authorization by type then stays", () => {
    const headers = { authorization: "Token ${connectionConfig.t}", "x-a": "${credentials.nope}", "x-b": "${apiKey}" }
    const sent = headersOf({ proxy: { headers }, credentials: { type: "OAUTH2", access_token: "at-1", raw } })
    expect(sent.authorization).toBe("Bearer at-1")
    expect(sent).not.toHaveProperty("x-a")
    expect(sent).not.toHaveProperty("x-b")
  })

  test("templates see the OAuth client, the override first", () => {
    const proxy = { headers: { "x-client": "${clientId}" } }
    const integration = { clientId: "cid", clientSecret: "csecret" }
    expect(headersOf({ proxy, integration })["x-client"]).toBe("cid")
    const credentials = { type: "OAUTH2", access_token: "a", raw, config_override: { client_id: "own" } } as const
    expect(headersOf({ proxy, integration, credentials })["x-client"]).toBe("own")
  })

  test("signing templates see one instant, one nonce, the final URL and the body", () => {
    const headers = {
      "x-date": "${now:X}",
      "x-sig": "${sha256Hex(${now:X} ${random} ${method} ${host} ${path} ${params} ${bodyCanonicalParams})}",
    }
    const proxy = { headers, query: { key: "${apiKey}" } }
    const digest = (text: string) => createHash("sha256").update(text).digest("hex")
    const get = headersOf({ proxy, call: { params: { b: "x y", a: "*" } } })
    expect(get["x-date"]).toBe("1772600767")
    expect(get["x-sig"]).toBe(digest(`1772600767 ${random} GET api.test /v1/things a=%2A&b=x%20y&key=key-12345 `))
    const post = headersOf({
      proxy,
      call: {
        method: "post",
        body: {
          kind: "form",
          entries: [
            ["b", "2"],
            ["a", "1 1"],
          ],
        },
      },
    })
    expect(post["x-sig"]).toBe(digest(`1772600767 ${random} POST api.test /v1/things a=1%201&b=2 b=2&a=1+1`))
  })

  test("an integration may say itself how its key is sent", () => {
    const provider = { integration_config: {} }
    const custom = { keyPlacement: "header", keyName: "X-My-Key", valueTemplate: "Key ${apiKey}" }
    expect(headersOf({ provider, integration: { custom } })["x-my-key"]).toBe("Key key-12345")
    expect(headersOf({ integration: { custom } })).not.toHaveProperty("x-my-key")
  })

  test("what the transport owns cannot be set", () => {
    const names = ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Proxy-Authorization", "Upgrade", "TE"]
    const sent = headersOf({ call: { headers: Object.fromEntries(names.map((name) => [name, "evil"])) } })
    expect(Object.keys(sent).toSorted()).toEqual(["accept", "user-agent"])
  })

  test.each([
    { "x-a": "1\r\nx-evil: 1" },
    { "x-a": "1\nx-evil: 1" },
    { "x-a": "1\0" },
    { "x-a": "€" },
    { "x a": "1" },
    { "x-a\r\nx-evil": "1" },
    { "x:y": "1" },
    { "": "1" },
  ])("refuses %j", (headers) => {
    const error = expectFault(() => build({ call: { headers } as never }), "invalid_headers")
    expect(error.message).not.toContain("evil")
  })

  test("a line break inside a key is refused without quoting it; around it, it is trimmed", () => {
    const proxy = { headers: { "x-key": "${apiKey}" } }
    const error = expectFault(
      () => build({ proxy, credentials: { type: "API_KEY", apiKey: "sec\nret" } }),
      "invalid_headers",
    )
    expect(error.message).not.toContain("sec")
    expect(headersOf({ proxy, credentials: { type: "API_KEY", apiKey: "secret\n" } })["x-key"]).toBe("secret")
  })
})

describe("buildRequest: switches", () => {
  test("decompress and forwarded headers come from the caller, else from the provider", () => {
    expect(build()).toMatchObject({ decompress: false, forwardHeadersOnRedirect: false })
    const proxy = { decompress: true, forward_headers_on_redirect: true }
    expect(build({ proxy })).toMatchObject({ decompress: true, forwardHeadersOnRedirect: true })
    const call = { decompress: false, forwardHeadersOnRedirect: false }
    expect(build({ proxy, call })).toMatchObject({ decompress: true, forwardHeadersOnRedirect: false })
    expect(build({ call: { decompress: true } }).decompress).toBe(true)
  })

  test("mutual TLS takes its pair from the connection, however its lines were broken", () => {
    const credentials = { type: "OAUTH2_CC", token: "t", client_id: "i", client_secret: "s", raw } as const
    const send = (cert: string, key: string, required = true) =>
      build({
        provider: { require_client_certificate: required },
        credentials: { ...credentials, client_certificate: cert, client_private_key: key },
      }).tls
    const tls = send(names.cert, names.key)
    expect(tls?.cert).toStartWith("-----BEGIN CERTIFICATE-----\nMII")
    for (const breaks of [" ", "\\n", "\r\n"]) {
      expect(send(names.cert.replaceAll("\n", breaks), names.key.replaceAll("\n", breaks))).toEqual(tls)
    }
    expect(send(names.cert, names.key, false)).toBeUndefined()
    expectFault(() => send(names.cert, address.key), "invalid_certificate_or_key_format")
  })

  test("mutual TLS wants a pair, and says nothing about it", () => {
    const provider = { require_client_certificate: true }
    const credentials = { type: "OAUTH2_CC", token: "t", client_id: "i", client_secret: "s", raw } as const
    const broken = {
      ...credentials,
      client_certificate: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
      client_private_key: "hush",
    }
    for (const pair of [credentials, broken]) {
      const error = expectFault(() => build({ provider, credentials: pair }), "invalid_certificate_or_key_format")
      expect(error.message).not.toContain("hush")
    }
  })
})
