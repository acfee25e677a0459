import { describe, expect, test } from "bun:test"
import { diffJson, type Difference } from "../../src/fixtures/compare.ts"
import { bodyData, identifyRequest, shortenBody } from "../../src/fixtures/identity.ts"
import { findExchanges } from "../../src/fixtures/match.ts"
import { Fixture } from "../../src/fixtures/model.ts"
import { ProxySend } from "../../src/runner/calls.ts"
import type { Payload } from "../../src/runner/protocol.ts"

function sent(body: Payload | undefined, headers: Record<string, string> = {}) {
  const kind = body === undefined ? "none" : typeof body === "string" ? "text" : "bytes"
  return identifyRequest(ProxySend.parse({ endpoint: "/a", method: "POST", headers, data: { kind }, retries: 0 }), body)
}

/** Whether what is recorded of the first request answers the second. */
function replays(first: ReturnType<typeof sent>, second: ReturnType<typeof sent>): boolean {
  const request = { headers: first.headers, data: shortenBody(bodyData(first.body)) }
  return findExchanges(Fixture.parse({ api: { post: { "/a": { request } } } }), second).length > 0
}

describe("what is another one each time by its nature is passed over", () => {
  const part = (boundary: string, content: string) => `--${boundary}\r\n\r\n${content}\r\n--${boundary}--\r\n`
  const multipart = (boundary: string, content: string, bytes: boolean, quote = "") =>
    sent(bytes ? Buffer.from(part(boundary, content), "latin1") : part(boundary, content), {
      "Content-Type": `multipart/form-data; boundary=${quote}${boundary}${quote}; charset=utf-8`,
    })

  test.each([
    ["text", false, "x"],
    ["bytes that are no text", true, "\xff\x00\xfe"],
    ["long bytes", true, "y".repeat(3000)],
  ])("the boundary that a function puts into a multipart body: %s", (_, bytes, content) => {
    const first = multipart("random-1", content, bytes)
    expect(replays(first, multipart("random-2", content, bytes))).toBe(true)
    expect(replays(first, multipart("random-2", content, bytes, '"'))).toBe(true)
    expect(replays(first, multipart("random-2", `${content}.`, bytes))).toBe(false)
  })

  const uri = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
  const envelope = (at: string, { password = "p", user = "u", more = "" } = {}) =>
    `<s:Header><wsu:Timestamp wsu:Id="Timestamp-${at}"><wsu:Created>${at}</wsu:Created><wsu:Expires>${at}0</wsu:Expires>` +
    `</wsu:Timestamp><wsse:UsernameToken xmlns:wsu="${uri}-wssecurity-utility-1.0.xsd" wsu:Id="SecurityToken-${at}">` +
    `<wsse:Username>${user}</wsse:Username>${password}${more}</wsse:UsernameToken></s:Header>`
  const digest = (text: string) =>
    `<wsse:Password Type="${uri}-username-token-profile-1.0#PasswordDigest">${text}</wsse:Password>` +
    `<wsse:Nonce EncodingType="${uri}-soap-message-security-1.0#Base64Binary">${text}</wsse:Nonce>`
  const text = (password: string) =>
    `<wsse:Password Type="${uri}-username-token-profile-1.0#PasswordText">${password}</wsse:Password>`

  test.each([
    ["ids and times", {}, {}, true],
    ["a digest and its nonce", { password: digest("one") }, { password: digest("two") }, true],
    ["a password as text is compared", { password: text("one") }, { password: text("two") }, false],
    ["the user is compared", { user: "one" }, { user: "two" }, false],
    ["long envelopes", { more: "z".repeat(2000) }, { more: "z".repeat(2000) }, true],
  ])("WS-Security: %s", (_, first, second, fits) => {
    expect(replays(sent(envelope("2025-01-01", first)), sent(envelope("2025-01-02", second)))).toBe(fits)
  })

  test("times outside of such an envelope are compared", () => {
    const body = (at: string) => `<wsu:Created>${at}</wsu:Created>`
    expect(replays(sent(body("2025-01-01")), sent(body("2025-01-02")))).toBe(false)
  })
})

describe("what was hidden for its name alone", () => {
  const fixture = Fixture.parse({ api: { post: { "/a": { request: { headers: { "x-signature": "hidden-3" } } } } } })

  test("may have any value in a header, but has to be there", () => {
    expect(findExchanges(fixture, sent(undefined, { "X-Signature": "computed" }))).toHaveLength(1)
    expect(findExchanges(fixture, sent(undefined))).toHaveLength(0)
    expect(findExchanges(fixture, sent(undefined, { "X-Other": "computed" }))).toHaveLength(0)
  })

  test("may be any text in an output, and nothing else", () => {
    const differences = (expected: unknown, got: unknown) => {
      const found: Difference[] = []
      diffJson(found, "output", { signature: expected }, { signature: got })
      return found.length
    }
    expect([
      differences("hidden-1", "computed"),
      differences("hidden-1", 1),
      differences("hidden-1", undefined),
      differences("is hidden-1", "computed"),
      differences("redacted-1", "computed"),
    ]).toEqual([0, 1, 1, 1, 1])
  })
})
