import { describe, expect, test } from "bun:test"
import { flattenForm } from "../../src/proxy/body.ts"
import type { ProxyBody } from "../../src/proxy/model.ts"
import type { ProviderProxy } from "../../src/providers/model.ts"
import { build, random } from "./make.ts"

const formType = "application/x-www-form-urlencoded"
const send = (body: ProxyBody, type?: string, proxy: ProviderProxy = {}, method = "POST") => {
  const request = build({ proxy, call: { method, body, headers: type === undefined ? {} : { "Content-Type": type } } })
  return { body: request.body, type: request.headers["content-type"] }
}
const json = (value: unknown): ProxyBody => ({ kind: "json", text: JSON.stringify(value) })
const text = (value: string): ProxyBody => ({ kind: "text", text: value })

type Row = [name: string, sent: ReturnType<typeof send>, body: string | null, type: string | undefined]

const rows: Row[] = [
  ["nothing", send({ kind: "none" }), null, undefined],
  [
    "JSON text as it came",
    send({ kind: "json", text: '{ "a": 1.0, "b": 12345678901234567890 }' }),
    '{ "a": 1.0, "b": 12345678901234567890 }',
    "application/json",
  ],
  [
    "JSON under another JSON type",
    send(json({ a: 1 }), "application/vnd.api+json"),
    '{"a":1}',
    "application/vnd.api+json",
  ],
  [
    "JSON object under a form type",
    send(json({ a: { b: 1 }, c: [1, 2], d: null }), formType),
    "a%5Bb%5D=1&c%5B%5D=1&c%5B%5D=2&d=",
    formType,
  ],
  ["JSON array under a form type stays", send(json([1]), formType), "[1]", formType],
  ["text without a type", send(text("a=1")), "a=1", formType],
  ["text of a DELETE without a type", send(text("x"), undefined, {}, "DELETE"), "x", undefined],
  ["text with a type", send(text("<a/>"), "text/xml"), "<a/>", "text/xml"],
  [
    "text that is JSON",
    send(text('{"a":1}'), "application/json; charset=utf-8"),
    '{"a":1}',
    "application/json; charset=utf-8",
  ],
  [
    "text that is not JSON under a JSON type",
    send(text('say "hi"'), "application/json"),
    '"say \\"hi\\""',
    "application/json",
  ],
  [
    "form",
    send({
      kind: "form",
      entries: [
        ["a", "1 &"],
        ["a", "2"],
      ],
    }),
    "a=1+%26&a=2",
    formType,
  ],
  [
    "hand-made multipart text",
    send(text("--x\r\n…"), "multipart/form-data; boundary=x"),
    "--x\r\n…",
    "multipart/form-data; boundary=x",
  ],
  ["GET drops the body", send(json({ a: 1 }), undefined, {}, "GET"), null, undefined],
  ["HEAD drops the body", send(json({ a: 1 }), undefined, {}, "head"), null, undefined],
  ["REPORT carries one", send(text("<a/>"), "text/xml", {}, "REPORT"), "<a/>", "text/xml"],
  [
    "content type of the provider",
    send(text("x"), undefined, { headers: { "content-type": "text/x" } }),
    "x",
    "text/x",
  ],
]

describe("buildRequest: body", () => {
  test.each(rows)("%s", (_name, sent, body, type) => {
    expect(sent).toEqual({ body, type })
  })

  test("bytes and streams are the caller's own", () => {
    const bytes = new Uint8Array([0, 255])
    const stream = new ReadableStream<Uint8Array>()
    expect(send({ kind: "bytes", bytes }, "image/png").body).toBe(bytes)
    expect(send({ kind: "stream", stream }, "image/png").body).toBe(stream)
  })

  test("brackets: dates, nested objects, lists of objects, undefined", () => {
    const value = { at: new Date(0), a: { b: { c: true } }, list: [{ id: 1 }, { id: 2 }], gone: undefined, none: [] }
    expect(flattenForm(value)).toEqual([
      ["at", "1970-01-01T00:00:00.000Z"],
      ["a[b][c]", "true"],
      ["list[0][id]", "1"],
      ["list[1][id]", "2"],
    ])
  })
})

describe("buildRequest: the provider's body", () => {
  const proxy = {
    body: { key: "${apiKey}", deep: { a: "${apiKey}", gone: "${connectionConfig.x}" }, gone: "${nope}", n: 1 },
  }
  const merged = { key: "key-12345", deep: { a: "key-12345" }, n: 1 }
  const pairs = "key=key-12345&deep%5Ba%5D=key-12345&n=1"

  test("becomes the body when there is none, but not of a GET", () => {
    expect(send({ kind: "none" }, undefined, proxy)).toEqual({ body: JSON.stringify(merged), type: "application/json" })
    expect(send({ kind: "none" }, undefined, proxy, "GET").body).toBeNull()
  })

  test("wins over members of an object and leaves the others", () => {
    const { body } = send(json({ mine: true, key: "mine" }), undefined, proxy)
    expect(JSON.parse(body as string)).toEqual({ mine: true, ...merged })
  })

  test("wins over fields of a form", () => {
    const sent = send(
      {
        kind: "form",
        entries: [
          ["key", "mine"],
          ["a", "1"],
        ],
      },
      undefined,
      proxy,
    )
    expect(sent.body).toBe(`key=key-12345&a=1&deep%5Ba%5D=key-12345&n=1`)
    expect(send(json({}), formType, proxy).body).toBe(pairs)
  })

  test.each([text("raw"), json([1]), json("x"), { kind: "json", text: "{broken" } satisfies ProxyBody])(
    "leaves %j alone",
    (body) => {
      expect(send(body, undefined, proxy).body).toBe("text" in body ? body.text : null)
    },
  )

  test("joins a multipart body", async () => {
    const sent = send(
      {
        kind: "multipart",
        parts: [
          { name: "key", value: "mine" },
          { name: "a", value: "1" },
        ],
      },
      undefined,
      proxy,
    )
    const form = await readForm(sent)
    expect([...form.entries()]).toEqual([
      ["a", "1"],
      ["key", "key-12345"],
      ["deep[a]", "key-12345"],
      ["n", "1"],
    ])
  })
})

describe("buildRequest: multipart", () => {
  test("fields and files arrive as they were", async () => {
    const bytes = new Uint8Array([0, 13, 10, 45, 45, 255])
    const parts = [
      { name: "ä", value: "line\r\nbreak" },
      { name: "file", bytes, filename: "a.bin", contentType: "image/png" },
      { name: "plain", bytes: new Uint8Array([65]), filename: "b" },
    ]
    const sent = send({ kind: "multipart", parts }, "multipart/form-data")
    expect(sent.type).toBe(`multipart/form-data; boundary=sluice-${random}`)
    const raw = Buffer.from(sent.body as Uint8Array).toString("latin1")
    expect(raw).toContain('name="file"; filename="a.bin"\r\nContent-Type: image/png\r\n\r\n')
    const form = await readForm(sent)
    expect(form.get("ä")).toBe("line\r\nbreak")
    const file = form.get("file") as unknown as File
    expect([file.name, [...new Uint8Array(await file.arrayBuffer())]]).toEqual(["a.bin", [...bytes]])
    expect(await (form.get("plain") as unknown as File).text()).toBe("A")
    expect(raw).toContain('filename="b"\r\nContent-Type: application/octet-stream\r\n\r\nA\r\n')
  })

  test("a caller's boundary is kept", async () => {
    const type = "multipart/form-data; boundary=mine"
    const sent = send({ kind: "multipart", parts: [{ name: "a", value: "1" }] }, type)
    expect(sent.type).toBe(type)
    expect((await readForm(sent)).get("a")).toBe("1")
  })

  test("an object under exactly multipart/form-data becomes parts", async () => {
    const form = await readForm(send(json({ a: 1, b: { c: "x" } }), "multipart/form-data"))
    expect([...form.entries()]).toEqual([
      ["a", "1"],
      ["b[c]", "x"],
    ])
  })

  test("names cannot add headers or parts", () => {
    const evil = '"\r\nX-Evil: 1\r\n\r\n--'
    const parts = [
      { name: evil, value: "" },
      { name: "f", bytes: new Uint8Array(), filename: evil, contentType: `a/b\r\nX-Evil: 1` },
    ]
    const body = Buffer.from(send({ kind: "multipart", parts }).body as Uint8Array).toString()
    expect(body.split("\r\n").filter((line) => line.toLowerCase().startsWith("x-evil"))).toEqual([])
  })
})

function readForm({ body, type }: ReturnType<typeof send>) {
  return new Response(body as Uint8Array, { headers: { "content-type": type ?? "" } }).formData()
}
