import { describe, expect, test } from "bun:test"
import {
  chooseBaseUrl,
  connectionScope,
  missingPlaceholders,
  placeholdersIn,
  renderTemplate,
  renderTree,
  requestScope,
  unsafeHostValue,
} from "../../src/providers/template.ts"

const now = new Date("2026-01-31T14:05:09.042Z")
const scope = { apiKey: "k-1", accessToken: "tok" }
const tokenOf = (credentials: Record<string, unknown>) => connectionScope({ credentials }).accessToken

describe("scopes", () => {
  test("`now` and `random` stay the same within one request and differ between requests", () => {
    const one = requestScope({ apiKey: "k" })
    const render = () => renderTemplate("${now} ${random}", one).text
    expect(render()).toBe(render())
    expect(renderTemplate("${random}", requestScope({})).text).not.toBe(renderTemplate("${random}", one).text)
    expect(requestScope(one)).toEqual(one)
  })

  test("typed credentials cannot fix the nonce, the clock or the config of a connection", () => {
    const typed = { type: "TWO_STEP", now: "x", random: "x", connectionConfig: "x", credentials: "x", token: "derived" }
    const merged = requestScope(connectionScope({ connectionConfig: { a: "1", now }, credentials: typed }))
    const { text } = renderTemplate("${connectionConfig.a} ${credentials.random} ${accessToken}", merged)
    expect(text).toBe("1 x derived")
    expect(merged.now).not.toBe(now)
    expect(merged.random).toMatch(/^[0-9a-f-]{36}$/)
  })

  test("accessToken is the stored token of OAuth, and the derived token of the other modes", () => {
    expect(tokenOf({ type: "OAUTH2", access_token: "a" })).toBe("a")
    expect(tokenOf({ type: "TWO_STEP", access_token: "typed", token: "t" })).toBe("t")
    expect(tokenOf({ type: "OAUTH2_CC", token: "t" })).toBe("t")
    expect(tokenOf({ type: "API_KEY", apiKey: "k" })).toBeUndefined()
  })

  test("all sources are in one scope, and the later ones win", () => {
    const merged = connectionScope({
      connectionConfig: { apiSubdomain: "eu", apiKey: "from config" },
      credentials: { type: "API_KEY", apiKey: "k" },
      client: { clientId: "id" },
      request: { method: "GET" },
    })
    const template = "${apiSubdomain} ${apiKey} ${credentials.apiKey} ${clientId} ${method}"
    expect(renderTemplate(template, merged).text).toBe("eu k k id GET")
  })
})

describe("renderTree", () => {
  test("renders leaves, drops what is unresolved, keeps the rest", () => {
    const tree = {
      a: "${apiKey}",
      b: { c: "${gone}", d: [1, "${gone}", "${accessToken}", null, true] },
      e: "x || ${apiKey}",
    }
    expect(renderTree(tree, scope)).toEqual({ a: "k-1", b: { d: [1, "tok", null, true] }, e: "k-1" })
    expect(renderTree("${gone}", scope)).toBeUndefined()
    expect(renderTree("${apiKey}||x", scope, { engine: "string" })).toBe("k-1||x")
  })

  test("a hostile key stays a plain member", () => {
    const tree = JSON.parse('{"__proto__": {"polluted": "${apiKey}"}}')
    const result = renderTree(tree, scope) as object
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype)
    expect(Object.hasOwn(result, "__proto__")).toBe(true)
  })
})

describe("before a request", () => {
  test("placeholdersIn names what is asked for, inside calls too, once each", () => {
    const template = "${base64(${a}:${credentials.b})} ${a} ${now:X} ${random} || ${connectionConfig.c}"
    expect(placeholdersIn(template)).toEqual(["a", "credentials.b", "connectionConfig.c"])
  })

  test("missingPlaceholders: one side of `||` is enough", () => {
    expect(missingPlaceholders("${connectionConfig.gone} ${apiKey}", scope)).toEqual(["connectionConfig.gone"])
    expect(missingPlaceholders("${gone} || ${apiKey}", scope)).toEqual([])
    expect(missingPlaceholders("${gone} || const", scope)).toEqual([])
    expect(missingPlaceholders("${gone} || ${also.gone}", scope)).toEqual(["gone"])
  })

  test("chooseBaseUrl goes by the first connection config key", () => {
    const template = "https://${connectionConfig.host}/${connectionConfig.v} || https://api.x.test"
    expect(chooseBaseUrl(template, { host: "h" })).toBe("https://${connectionConfig.host}/${connectionConfig.v}")
    expect(chooseBaseUrl(template, { "connectionConfig.host": "h" })).toStartWith("https://${")
    expect(chooseBaseUrl(template, { host: "", v: "2" })).toBe("https://api.x.test")
    expect(chooseBaseUrl("https://a.test", {})).toBe("https://a.test")
    expect(chooseBaseUrl("https://x.test || https://${connectionConfig.r}.test", { r: "eu" })).toBe("https://x.test")
  })

  test("unsafeHostValue finds a value that leaves the provider's host", () => {
    const template = "https://${connectionConfig.subdomain}.zendesk.test/${connectionConfig.path}"
    const check = (subdomain: string, path = "a/b") =>
      unsafeHostValue(template, { connectionConfig: { subdomain, path } })
    expect(check("acme")).toBeUndefined()
    for (const bad of ["evil.test/#", "evil.test/", "a@evil.test?", "evil.test#", "evil.test\\", "a b"]) {
      expect(check(bad)).toBe("connectionConfig.subdomain")
    }
    expect(unsafeHostValue("${connectionConfig.baseUrl}/v1", { connectionConfig: { baseUrl: "https://x/y" } })).toBe(
      undefined,
    )
    expect(unsafeHostValue("https://a.test || https://${h}", { h: "a/b" })).toBe("h")
  })
})
