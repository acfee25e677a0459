import { describe, expect, test } from "bun:test"
import { testRunner } from "./harness.ts"
import { action, errorOf, request, valueOf } from "./requests.ts"
import type { Answers, Given, Seen } from "./requests.ts"

const runner = testRunner({ warm: 2 })
const reply = (body: string | Uint8Array = "{}", output: object = {}) => ({
  output: { status: 200, statusText: "OK", headers: {}, ...output },
  body,
})

async function run(body: string, answers: Answers = {}, given: Given = {}) {
  const seen: Seen[] = []
  const outcome = await runner.run(
    request(action(body), { answers: { "proxy.send": () => reply(), ...answers }, seen, ...given }),
  )
  return { outcome, seen, sent: seen.filter(({ call }) => call === "proxy.send") }
}

describe("requests", () => {
  const text = (body: unknown) => (typeof body === "string" ? body : new TextDecoder().decode(body as Uint8Array))
  type Row = [config: string, input: object, body: string | undefined]
  const json = "application/json"
  const form = "application/x-www-form-urlencoded"
  const rows: Row[] = [
    [
      `nango.get({ endpoint: "/a?b=1" })`,
      {
        method: "GET",
        endpoint: "/a?b=1",
        retries: 0,
        data: { kind: "none" },
        headers: { accept: "application/json, text/plain, */*" },
      },
      undefined,
    ],
    [`nango.get({ endpoint: "/a", data: { x: 1 } })`, { data: { kind: "none" } }, undefined],
    [`nango.proxy({ endpoint: "/a", method: "post" })`, { method: "POST" }, undefined],
    [`nango.proxy({ endpoint: "/a" })`, { method: "GET" }, undefined],
    [`nango.delete({ endpoint: "/a", method: "GET" })`, { method: "DELETE" }, undefined],
    [
      `nango.get({ endpoint: "/a", params: { a: 1, b: [1, "2"], c: undefined, d: null, e: true } })`,
      { params: { a: "1", b: "1,2", d: "null", e: "true" } },
      undefined,
    ],
    [`nango.get({ endpoint: "/a", params: "x=1&y=2" })`, { params: "x=1&y=2" }, undefined],
    [`nango.get({ endpoint: "/a", params: new URLSearchParams({ q: "a b" }) })`, { params: "q=a+b" }, undefined],
    [
      `nango.get({ endpoint: "/a", headers: { "X-A": 1, "X-B": ["1", "2"], "X-C": undefined, Accept: "text/csv" } })`,
      { headers: { "x-a": "1", "x-b": "1, 2", accept: "text/csv" } },
      undefined,
    ],
    [
      `nango.get({ endpoint: "/a", retries: "3", retryOn: [404, "429", "x", 7], retryHeader: { at: "x-at", after: ["a", "b"] } })`,
      { retries: 3, retryOn: [404, 429], retryHeader: { at: ["x-at"], after: ["a", "b"] } },
      undefined,
    ],
    [
      `nango.get({ endpoint: "/a", retries: -4, decompress: "true", baseUrlOverride: "https://b", forwardHeadersOnRedirect: true })`,
      { retries: 0, decompress: true, baseUrlOverride: "https://b", forwardHeadersOnRedirect: true },
      undefined,
    ],
    [
      `nango.get({ endpoint: "/a", providerConfigKey: "p", connectionId: "c", responseType: "odd" })`,
      { providerConfigKey: "p", connectionId: "c" },
      undefined,
    ],
    [
      `nango.post({ endpoint: "/a", data: { a: [1, new Date(0)] } })`,
      { data: { kind: "json" }, headers: { "content-type": json } },
      '{"a":[1,"1970-01-01T00:00:00.000Z"]}',
    ],
    [`nango.put({ endpoint: "/a", data: [1] })`, { data: { kind: "json" } }, "[1]"],
    [
      `nango.patch({ endpoint: "/a", data: { a: 1 }, headers: { "Content-Type": "application/vnd.api+json" } })`,
      { data: { kind: "json" }, headers: { "content-type": "application/vnd.api+json" } },
      '{"a":1}',
    ],
    [
      `nango.post({ endpoint: "/a", data: { a: { b: 1 }, c: [1, 2], d: [{ e: 1 }], f: null, g: undefined, h: new Date(0) }, headers: { "content-type": "${form}" } })`,
      { data: { kind: "form" }, headers: { "content-type": form } },
      "a%5Bb%5D=1&c%5B%5D=1&c%5B%5D=2&d%5B0%5D%5Be%5D=1&f=&h=1970-01-01T00%3A00%3A00.000Z",
    ],
    [
      `nango.post({ endpoint: "/a", data: new URLSearchParams({ a: "1 2" }) })`,
      { data: { kind: "form" }, headers: { "content-type": `${form};charset=utf-8` } },
      "a=1+2",
    ],
    [
      `nango.post({ endpoint: "/a", data: new (require("url").URLSearchParams)("a=1"), headers: { "Content-Type": "${form}" } })`,
      { data: { kind: "form" }, headers: { "content-type": form } },
      "a=1",
    ],
    [
      `nango.post({ endpoint: "/a", data: "plain" })`,
      { data: { kind: "text" }, headers: { "content-type": form } },
      "plain",
    ],
    [
      `nango.post({ endpoint: "/a", data: '{"a":1}', headers: { "content-type": "${json}" } })`,
      { data: { kind: "text" } },
      '{"a":1}',
    ],
    [
      `nango.post({ endpoint: "/a", data: "not json", headers: { "content-type": "${json}; charset=utf-8" } })`,
      { data: { kind: "text" } },
      '"not json"',
    ],
    [
      `nango.post({ endpoint: "/a", data: Buffer.from("héy"), headers: { "content-type": "image/png" } })`,
      { data: { kind: "bytes" }, headers: { "content-type": "image/png" } },
      "héy",
    ],
    [
      `nango.post({ endpoint: "/a", data: new Uint8Array([104, 105]).buffer, headers: { "content-type": "x/y" } })`,
      { data: { kind: "bytes" } },
      "hi",
    ],
    [
      `nango.post({ endpoint: "/a", data: "--b\\r\\nx", headers: { "content-type": "multipart/form-data; boundary=b" } })`,
      { data: { kind: "text" }, headers: { "content-type": "multipart/form-data; boundary=b" } },
      "--b\r\nx",
    ],
    [`nango.post({ endpoint: "/a", data: 7 })`, { data: { kind: "text" } }, "7"],
    [`nango.post({ endpoint: "/a" })`, { data: { kind: "none" } }, undefined],
    [`nango.post({ endpoint: "/a", data: null })`, { data: { kind: "none" } }, undefined],
    [
      `nango.post({ endpoint: "/a", data: Object.create(null, { a: { value: 1, enumerable: true } }) })`,
      { data: { kind: "json" } },
      '{"a":1}',
    ],
  ]
  test.each(rows)("%s", async (call, input, body) => {
    const { outcome, sent } = await run(`await ${call}; return 1`)
    expect(valueOf(outcome)).toBe(1)
    expect(sent).toHaveLength(1)
    expect(sent[0]?.input).toMatchObject(input)
    if (body === undefined) expect(sent[0]?.body).toBeUndefined()
    else expect(text(sent[0]?.body)).toBe(body)
  })

  test("no content type is made up where there is no body", async () => {
    const { sent } = await run(`await nango.post({ endpoint: "/a" })`)
    expect(sent[0]?.input.headers["content-type"]).toBeUndefined()
  })

  test("multipart: one part for each key, with a boundary that the daemon is told", async () => {
    const { sent } = await run(`await nango.post({ endpoint: "/a", headers: { "content-type": "multipart/form-data" },
      data: { a: 1, o: { k: "v" }, file: Buffer.from("bytes") } })
      const f = new FormData(); f.append("b", "2"); await nango.post({ endpoint: "/b", data: f })`)
    for (const { input } of sent) {
      expect(input.data.kind).toBe("multipart")
      expect(input.headers["content-type"]).toContain(`boundary=${input.data.boundary}`.replaceAll('"', ""))
    }
    const parsed = await new Response(sent[0]?.body as string, {
      headers: { "content-type": sent[0]?.input.headers["content-type"] },
    }).formData()
    expect([parsed.get("a"), parsed.get("o[k]")]).toEqual(["1", "v"])
    expect(await (parsed.get("file") as unknown as Blob).text()).toBe("bytes")
    expect(text(sent[1]?.body)).toContain('name="b"')
  })

  test("what cannot be a request is refused before it leaves", async () => {
    for (const call of [`nango.get()`, `nango.get("x")`, `nango.proxy({ endpoint: "/", method: "TRACE" })`]) {
      const { outcome, sent } = await run(`await ${call}`)
      expect(errorOf(outcome).type).toBe("invalid_sdk_call")
      expect(errorOf(outcome).message).toMatch(/^nango\.(get|proxy): /)
      expect(sent).toEqual([])
    }
    const deep = `const a = {}; a.a = a; await nango.post({ endpoint: "/", data: a, headers: { "content-type": "${form}" } })`
    expect(errorOf((await run(deep)).outcome).message).toContain("nested too deeply")
  })
})
