type Page = { data: unknown; headers?: Record<string, string> }
export type Row = {
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

export const page = (data: unknown, headers?: Record<string, string>): Page => ({ data, headers })
export const cursor = `type: "cursor", cursor_name_in_request: "after", cursor_path_in_response: "next", response_path: "items"`
export const offset = `type: "offset", offset_name_in_request: "skip", response_path: "items"`
export const link = `type: "link", link_rel_in_response_header: "next"`
export const on = `on_page: (p) => { told.push(p.nextPageParam ?? null) }`
export const items = (list: unknown[], next?: unknown): Page => page({ items: list, next })

export const rows: Row[] = [
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
]
