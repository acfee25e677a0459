import { describe, expect, test } from "bun:test"
import { testRunner } from "./harness.ts"
import { facts, request, sync, valueOf, errorOf } from "./requests.ts"
import type { Seen } from "./requests.ts"

const runner = testRunner({ warm: 2 })

type Page = { data: unknown; headers?: Record<string, string> }
type Row = {
  name: string
  /** Expression of the call's configuration. */
  config: string
  defaults?: Record<string, unknown> | null | "unknown"
  pages: Page[]
  /** What the loop got, what went out for each page, what `on_page` was told. */
  yields?: unknown
  sent?: object[]
  told?: unknown[]
  fails?: string
}

const page = (data: unknown, headers?: Record<string, string>): Page => ({ data, headers })
const cursor = `type: "cursor", cursor_name_in_request: "after", cursor_path_in_response: "next", response_path: "items"`
const offset = `type: "offset", offset_name_in_request: "skip", response_path: "items"`
const link = `type: "link", link_rel_in_response_header: "next"`
const on = `on_page: (p) => { told.push(p.nextPageParam ?? null) }`
const items = (list: unknown[], next?: unknown): Page => page({ items: list, next })

const rows: Row[] = [
  {
    name: "cursor: follows it, and stops without one",
    config: `paginate: { ${cursor}, ${on} }`,
    pages: [items([1], "a"), items([2], "b"), items([3])],
    yields: [[1], [2], [3]],
    sent: [{ params: {} }, { params: { after: "a" } }, { params: { after: "b" } }],
    told: ["a", "b", null],
  },
  {
    name: "cursor: an empty page ends it, though there is a next one, and on_page is not told",
    config: `paginate: { ${cursor}, ${on} }`,
    pages: [items([], "a")],
    yields: [],
    told: [],
  },
  { name: "cursor: missing items end it", config: `paginate: { ${cursor} }`, pages: [page({ next: "a" })], yields: [] },
  {
    name: "cursor: a number is a cursor, 0 too, and is sent",
    config: `paginate: { ${cursor}, ${on} }`,
    pages: [items([1], 0), items([2], null)],
    yields: [[1], [2]],
    sent: [{}, { params: { after: "0" } }],
    told: [0, null],
  },
  {
    name: "cursor: text is trimmed, and blank is none",
    config: `paginate: { ${cursor} }`,
    pages: [items([1], " a "), items([2], "   ")],
    yields: [[1], [2]],
    sent: [{}, { params: { after: "a" } }],
  },
  {
    name: "cursor: a boolean or an object is none",
    config: `paginate: { ${cursor} }`,
    pages: [items([1], true)],
    yields: [[1]],
  },
  {
    name: "cursor: a list that is a text counts by its length",
    config: `paginate: { ${cursor} }`,
    pages: [page({ items: "ab" })],
    yields: ["ab"],
  },
  {
    name: "cursor: the same cursor twice is not noticed",
    config: `paginate: { ${cursor} }`,
    pages: [items([1], "a"), items([2], "a"), items([3])],
    yields: [[1], [2], [3]],
  },
  {
    name: "cursor: limit goes into the query, on the caller's own object",
    config: `params: mine, paginate: { ${cursor}, limit: 50, limit_name_in_request: "n" }`,
    pages: [items([1])],
    yields: [[1]],
    sent: [{ params: { n: "50", own: "x" } }],
  },
  {
    name: "cursor: without response_path the answer itself is the list",
    config: `paginate: { type: "cursor", cursor_name_in_request: "a", cursor_path_in_response: "0.c" }`,
    pages: [page([{ c: "z" }]), page([{}])],
    yields: [[{ c: "z" }], [{}]],
    sent: [{}, { params: { a: "z" } }],
  },
  {
    name: "cursor: POST puts it into the body, dotted names expanded",
    config: `method: "POST", data: { query: "q", variables: { first: 2 } }, paginate: { type: "cursor", cursor_name_in_request: "variables.after", cursor_path_in_response: "next", response_path: "items" }`,
    pages: [items([1], "a"), items([2])],
    yields: [[1], [2]],
    sent: [
      { body: { query: "q", variables: { first: 2 } } },
      { body: { query: "q", variables: { first: 2, after: "a" } } },
    ],
  },
  {
    name: "cursor: in_body false keeps a POST in the query",
    config: `method: "POST", data: { q: 1 }, paginate: { ${cursor}, in_body: false }`,
    pages: [items([1], "a"), items([2])],
    yields: [[1], [2]],
    sent: [
      { params: {}, body: { q: 1 } },
      { params: { after: "a" }, body: { q: 1 } },
    ],
  },
  {
    name: "cursor: the provider's in_body is not asked",
    config: ``,
    defaults: {
      type: "cursor",
      cursor_name_in_request: "after",
      cursor_path_in_response: "next",
      response_path: "items",
      in_body: true,
    },
    pages: [items([1])],
    yields: [[1]],
    sent: [{ method: "GET", params: {} }],
  },
  {
    name: "cursor: dots in a query name stay as they are",
    config: `paginate: { type: "cursor", cursor_name_in_request: "page.after", cursor_path_in_response: "next", response_path: "items" }`,
    pages: [items([1], "a"), items([2])],
    yields: [[1], [2]],
    sent: [{}, { params: { "page.after": "a" } }],
  },
  {
    name: "cursor: paths with brackets",
    config: `paginate: { type: "cursor", cursor_name_in_request: "c", cursor_path_in_response: "meta[0].next", response_path: "d['x'].items" }`,
    pages: [page({ d: { x: { items: [1] } }, meta: [{ next: "k" }] }), page({ d: { x: { items: [2] } } })],
    yields: [[1], [2]],
    sent: [{}, { params: { c: "k" } }],
  },
  {
    name: "link: from the header, to an absolute URL, params dropped",
    config: `params: { q: 1 }, paginate: { ${link}, ${on} }`,
    pages: [
      page([1], { link: '<https://api.x.io/b?page=2>; rel="next", <https://api.x.io/b?page=9>; rel="last"' }),
      page([2], { link: '<https://api.x.io/a>; rel="prev"' }),
    ],
    yields: [[1], [2]],
    sent: [
      { endpoint: "/list", params: { q: "1" } },
      { endpoint: "/b?page=2", baseUrlOverride: "https://api.x.io", params: undefined },
    ],
    told: ["https://api.x.io/b?page=2", null],
  },
  {
    name: "link: from the body, relative",
    config: `paginate: { type: "link", link_path_in_response_body: "next", response_path: "items" }`,
    pages: [items([1], "/b?c=2"), items([2], null)],
    yields: [[1], [2]],
    sent: [{}, { endpoint: "/b?c=2", baseUrlOverride: undefined }],
  },
  {
    name: "link: the body when the header has no such relation",
    config: `paginate: { ${link}, link_path_in_response_body: "next", response_path: "items" }`,
    pages: [items([1], "/b"), items([2])],
    yields: [[1], [2]],
    sent: [{}, { endpoint: "/b" }],
  },
  {
    name: "link: yields empty and missing pages too",
    config: `paginate: { type: "link", link_path_in_response_body: "next", response_path: "items", ${on} }`,
    pages: [items([], "/b"), page({})],
    yields: [[], null],
    told: ["/b", null],
  },
  {
    name: "link: the same link twice ends it",
    config: `paginate: { type: "link", link_path_in_response_body: "next", response_path: "items" }`,
    pages: [items([1], "/b"), items([2], "/b")],
    yields: [[1], [2]],
  },
  {
    name: "link: a limit is sent once, with the first page only",
    config: `paginate: { ${link}, limit: 10, limit_name_in_request: "per_page" }`,
    pages: [page([1], { link: "<https://a.io/2>; rel=next" }), page([2])],
    yields: [[1], [2]],
    sent: [{ params: { per_page: "10" } }, { params: undefined }],
  },
  {
    name: "link: commas, semicolons and several relations in the header",
    config: `paginate: { ${link} }`,
    pages: [page([1], { link: '<https://a.io/x?f=1,2;3>; title="a, b"; rel="first next"' }), page([2])],
    yields: [[1], [2]],
    sent: [{}, { endpoint: "/x?f=1,2;3" }],
  },
  {
    name: "offset: grows by what came, ends on an empty page",
    config: `paginate: { ${offset}, ${on} }`,
    pages: [items([1, 2]), items([3]), items([])],
    yields: [[1, 2], [3]],
    sent: [{ params: { skip: "0" } }, { params: { skip: "2" } }, { params: { skip: "3" } }],
    told: [0, 2],
  },
  {
    name: "offset: a short page ends it, and on_page is not told",
    config: `paginate: { ${offset}, limit: 2, limit_name_in_request: "n", ${on} }`,
    pages: [items([1, 2]), items([3])],
    yields: [[1, 2], [3]],
    sent: [{ params: { skip: "0", n: "2" } }, { params: { skip: "2", n: "2" } }],
    told: [0],
  },
  {
    name: "offset: per page",
    config: `paginate: { ${offset}, offset_calculation_method: "per-page", offset_start_value: 1 }`,
    pages: [items([1, 2]), items([3]), items([])],
    yields: [[1, 2], [3]],
    sent: [{ params: { skip: "1" } }, { params: { skip: "2" } }, { params: { skip: "3" } }],
  },
  {
    name: "offset: in the body it is a number",
    config: `method: "POST", data: { page: { size: 1 } }, paginate: { type: "offset", offset_name_in_request: "page.from", response_path: "items" }`,
    pages: [items([1]), items([])],
    yields: [[1]],
    sent: [{ body: { page: { size: 1, from: 0 } } }, { body: { page: { size: 1, from: 1 } } }],
  },
  {
    name: "offset: a limit as text",
    config: `paginate: { ${offset}, limit: "2", limit_name_in_request: "n" }`,
    pages: [items([1])],
    yields: [[1]],
    sent: [{ params: { n: "2", skip: "0" } }],
  },
  {
    name: "offset: a limit without a name sets a key named undefined",
    config: `paginate: { ${offset}, limit: 5 }`,
    pages: [items([1])],
    yields: [[1]],
    sent: [{ params: { undefined: "5", skip: "0" } }],
  },
  {
    name: "the provider's defaults alone",
    config: ``,
    defaults: {
      type: "offset",
      offset_name_in_request: "o",
      limit: 1,
      limit_name_in_request: "l",
      response_path: "items",
    },
    pages: [items([1]), items([])],
    yields: [[1]],
    sent: [{ params: { o: "0", l: "1" } }, { params: { o: "1", l: "1" } }],
  },
  {
    name: "the call's settings over the provider's",
    config: `paginate: { response_path: "rows", limit: 3 }`,
    defaults: {
      type: "offset",
      offset_name_in_request: "o",
      limit: 1,
      limit_name_in_request: "l",
      response_path: "items",
    },
    pages: [page({ rows: [1] })],
    yields: [[1]],
    sent: [{ params: { o: "0", l: "3" } }],
  },
  {
    name: "no defaults and no type",
    config: `paginate: { response_path: "x" }`,
    pages: [],
    fails: "no pagination configuration",
  },
  {
    name: "an unknown provider",
    config: `paginate: { ${cursor} }`,
    defaults: "unknown",
    pages: [],
    fails: "not known",
  },
  {
    name: "an unknown type",
    config: `paginate: { type: "page" }`,
    pages: [],
    fails: '"page" is not a pagination type',
  },
  {
    name: "cursor without its name",
    config: `paginate: { type: "cursor", cursor_path_in_response: "a" }`,
    pages: [],
    fails: "cursor_name_in_request",
  },
  {
    name: "cursor without its path",
    config: `paginate: { type: "cursor", cursor_name_in_request: "a" }`,
    pages: [],
    fails: "cursor_path_in_response",
  },
  {
    name: "cursor with a limit that has no name",
    config: `paginate: { ${cursor}, limit: 1 }`,
    pages: [],
    fails: "limit_name_in_request",
  },
  {
    name: "link without a place",
    config: `paginate: { type: "link" }`,
    pages: [],
    fails: "link_rel_in_response_header",
  },
  {
    name: "offset without its name",
    config: `paginate: { type: "offset" }`,
    pages: [],
    fails: "offset_name_in_request",
  },
]

describe("paginate", () => {
  test.each(rows.map((row) => [row.name, row] as const))("%s", async (_, row) => {
    const seen: Seen[] = []
    const pages = [...row.pages]
    const code = sync(`const told = [], got = [], mine = { own: "x" }
for await (const page of nango.paginate({ endpoint: "/list", ${row.config} })) got.push(page ?? null)
await nango.saveCheckpoint({ told: JSON.stringify(told), got: JSON.stringify(got) })`)
    const defaults = row.defaults === "unknown" ? undefined : (row.defaults ?? null)
    const answers = {
      "proxy.send": () => {
        const next = pages.shift()
        if (!next) throw Object.assign(new Error("asked for more pages than there are"), { code: "ETOOMANY" })
        return { output: { status: 200, headers: next.headers ?? {} }, body: JSON.stringify(next.data) }
      },
    }
    const outcome = await runner.run(
      request(code, { kind: "sync", seen, answers, facts: { ...facts, paginate: defaults } }),
    )
    if (row.fails !== undefined) return expect(errorOf(outcome).message).toContain(row.fails)
    expect(valueOf(outcome)).toBe(true)
    const { told, got } = seen.at(-1)?.input.checkpoint
    expect(JSON.parse(got)).toEqual(row.yields)
    if (row.told) expect(JSON.parse(told)).toEqual(row.told)
    expect(pages).toEqual([])
    const sent = seen.filter(({ call }) => call === "proxy.send")
    row.sent?.forEach((wanted, at) => {
      const { input, body } = sent[at] ?? { input: undefined, body: undefined }
      const shown = { ...input, body: body === undefined ? undefined : JSON.parse(String(body)) }
      for (const [key, value] of Object.entries(wanted)) expect({ [key]: shown[key] }).toEqual({ [key]: value })
    })
  })

  test("on_page runs after the page was worked on, is waited for, and not after a break", async () => {
    const seen: Seen[] = []
    const code = sync(`const order = []
const config = { endpoint: "/", paginate: { type: "cursor", cursor_name_in_request: "c", cursor_path_in_response: "next", response_path: "items",
  on_page: async () => { order.push("on"); await null; order.push("on end") } } }
for await (const p of nango.paginate(config)) order.push("page " + p)
for await (const p of nango.paginate(config)) { order.push("only " + p); break }
const it = nango.paginate(config)[Symbol.asyncIterator](); order.push((await it.next()).value[0]); await it.return(); 
await nango.saveCheckpoint({ order: order.join() })
for await (const p of nango.paginate({ ...config, paginate: { ...config.paginate, on_page() { throw new Error("from on_page") } } })) order.push(1)`)
    let asked = 0
    const answers = {
      "proxy.send": () => ({
        output: { status: 200 },
        body: JSON.stringify({ items: [++asked], next: asked === 1 ? "n" : undefined }),
      }),
    }
    const outcome = await runner.run(request(code, { kind: "sync", seen, answers }))
    expect(seen.find(({ call }) => call === "checkpoint.save")?.input.checkpoint.order).toBe(
      "page 1,on,on end,page 2,on,on end,only 3,4",
    )
    expect(errorOf(outcome).message).toBe("from on_page")
  })
})
