import { entry } from "./stage.ts"

export const entries = {
  plain: entry(),
  filled: entry(
    `query:\n  account: \${connectionConfig.sub}\n  missing: \${connectionConfig.nothing}\nbody:\n  tenant: \${connectionConfig.sub}\n  deep:\n    key: \${apiKey}\n    none: \${connectionConfig.nothing}`,
  ),
  named: entry().replace(
    "  headers:\n",
    "  headers:\n    user-agent: provider-agent\n    x-left-out: ${connectionConfig.nothing}\n    x-sub: ${connectionConfig.sub}\n",
  ),
  homeless: entry().replace("  base_url: BASE\n", ""),
}
export const json = "application/json"
const form = "application/x-www-form-urlencoded"
const accept = "application/json, text/plain, */*"

export type Row = {
  name: string
  call: string
  as?: keyof typeof entries
  /** Members of what the provider saw. */
  sees: {
    method?: string
    path?: string
    query?: object
    headers?: Record<string, string | undefined>
    body?: string
    json?: unknown
  }
}
/** One call and what the provider sees of it. */
export const rows: Row[] = [
  { name: "no slash before the endpoint", call: `get({ endpoint: "echo/a" })`, sees: { path: "/echo/a" } },
  { name: "many slashes", call: `get({ endpoint: "///echo" })`, sees: { path: "/echo" } },
  {
    name: "a full URL that starts with the base",
    call: `get({ endpoint: input.base + "/echo?x=1" })`,
    sees: { path: "/echo", query: { x: "1" } },
  },
  {
    name: "the base as override",
    call: `get({ endpoint: "/echo", baseUrlOverride: input.base })`,
    sees: { path: "/echo" },
  },
  {
    name: "the base with a path as override",
    call: `get({ endpoint: "b", baseUrlOverride: input.base + "/echo/" })`,
    sees: { path: "/echo/b" },
  },
  { name: "override alone", call: `get({ baseUrlOverride: input.base + "/echo" })`, sees: { path: "/echo" } },
  {
    name: "params replace what stands in the endpoint, and keep the rest",
    call: `get({ endpoint: "/echo?a=1&b=2", params: { a: 3, c: [1, "x"], n: null, u: undefined, t: true } })`,
    sees: { query: { a: "3", b: "2", c: "1,x", n: "null", t: "true" } },
  },
  {
    name: "params as text",
    call: `get({ endpoint: "/echo", params: "?a=1&a=2" })`,
    sees: { query: { a: ["1", "2"] } },
  },
  {
    name: "params with unicode and signs",
    call: `get({ endpoint: "/echo", params: { "q[]": "ä&=+ %" } })`,
    sees: { query: { "q[]": "ä&=+ %" } },
  },
  {
    name: "placeholders in the endpoint",
    call: "get({ endpoint: '/echo/${metadata.team}/${connectionConfig.sub}/${connection_config.sub}' })",
    sees: { path: "/echo/m1/acme/acme" },
  },
  {
    name: "encoded parts of a path stay",
    call: `get({ endpoint: "/echo/a%2Fb%20c" })`,
    sees: { path: "/echo/a%2Fb%20c" },
  },
  {
    name: "the provider's query, over the call's; what cannot be filled is left out",
    as: "filled",
    call: `get({ endpoint: "/echo", params: { account: "mine", x: 1 } })`,
    sees: { query: { account: "acme", x: "1" } },
  },
  {
    name: "headers: defaults and credentials",
    call: `get({ endpoint: "/echo" })`,
    sees: {
      headers: {
        accept,
        authorization: "Bearer key-of-the-connection",
        "user-agent": "sluice",
        "content-type": undefined,
      },
    },
  },
  {
    name: "headers: the function's win",
    call: `get({ endpoint: "/echo", headers: { Authorization: "mine", ACCEPT: "text/csv", "X-Own": 1 } })`,
    sees: { headers: { authorization: "mine", accept: "text/csv", "x-own": "1" } },
  },
  {
    name: "headers: the function's user agent does not survive",
    call: `get({ endpoint: "/echo", headers: { "User-Agent": "mine" } })`,
    sees: { headers: { "user-agent": "sluice" } },
  },
  {
    name: "headers: the provider's user agent does; what cannot be filled is left out",
    as: "named",
    call: `get({ endpoint: "/echo", headers: { "user-agent": "mine" } })`,
    sees: { headers: { "user-agent": "provider-agent", "x-sub": "acme", "x-left-out": undefined } },
  },
  {
    name: "GET drops its data",
    call: `get({ endpoint: "/echo", data: { a: 1 } })`,
    sees: { method: "GET", body: "", headers: { "content-type": undefined } },
  },
  {
    name: "a method in lower case",
    call: `proxy({ endpoint: "/echo", method: "patch", data: { a: 1 } })`,
    sees: { method: "PATCH", body: '{"a":1}' },
  },
  {
    name: "POST of an object",
    call: `post({ endpoint: "/echo", data: { a: [1, null], b: undefined, d: new Date(0) } })`,
    sees: { method: "POST", headers: { "content-type": json }, body: '{"a":[1,null],"d":"1970-01-01T00:00:00.000Z"}' },
  },
  {
    name: "PUT of a list",
    call: `put({ endpoint: "/echo", data: [1] })`,
    sees: { method: "PUT", headers: { "content-type": json }, body: "[1]" },
  },
  {
    name: "DELETE with data",
    call: `delete({ endpoint: "/echo", data: { ids: [1] } })`,
    sees: { method: "DELETE", headers: { "content-type": json }, body: '{"ids":[1]}' },
  },
  {
    name: "DELETE with text, of which nothing is assumed",
    call: `delete({ endpoint: "/echo", data: "a" })`,
    sees: { method: "DELETE", headers: { "content-type": undefined }, body: "a" },
  },
  {
    name: "DELETE without",
    call: `delete({ endpoint: "/echo" })`,
    sees: { method: "DELETE", body: "", headers: { "content-type": undefined } },
  },
  {
    name: "POST of nothing says what axios says",
    call: `post({ endpoint: "/echo" })`,
    sees: { body: "", headers: { "content-type": form } },
  },
  {
    name: "POST of text",
    call: `post({ endpoint: "/echo", data: "a=1" })`,
    sees: { body: "a=1", headers: { "content-type": form } },
  },
  {
    name: "POST of JSON text as JSON",
    call: `post({ endpoint: "/echo", data: '{ "a": 1 }', headers: { "Content-Type": "${json}" } })`,
    sees: { body: '{ "a": 1 }', headers: { "content-type": json } },
  },
  {
    name: "POST of other text as JSON",
    call: `post({ endpoint: "/echo", data: "hi", headers: { "Content-Type": "${json}" } })`,
    sees: { body: '"hi"' },
  },
  {
    name: "a form from an object",
    call: `post({ endpoint: "/echo", data: { a: { b: 1 }, l: [1, 2], n: null }, headers: { "content-type": "${form}" } })`,
    sees: { headers: { "content-type": form }, body: "a%5Bb%5D=1&l%5B%5D=1&l%5B%5D=2&n=" },
  },
  {
    name: "lists in a form: of objects, deeper down, and named as lists",
    call: `post({ endpoint: "/echo", data: { o: [{ a: 1 }], d: { l: [1, 2] }, "e[]": ["x", "y"], "j{}": { k: [1] } }, headers: { "content-type": "${form}" } })`,
    sees: { body: new URLSearchParams(`o[0][a]=1&d[l][0]=1&d[l][1]=2&e[]=x&e[]=y&j{}={"k":[1]}`).toString() },
  },
  {
    name: "a form from URLSearchParams",
    call: `post({ endpoint: "/echo", data: new URLSearchParams({ a: "x y" }) })`,
    sees: { headers: { "content-type": `${form};charset=utf-8` }, body: "a=x+y" },
  },
  {
    name: "XML as it is",
    call: `post({ endpoint: "/echo", data: "<a/>", headers: { "content-type": "text/xml" } })`,
    sees: { headers: { "content-type": "text/xml" }, body: "<a/>" },
  },
  {
    name: "multipart built by hand, byte for byte",
    call: `post({ endpoint: "/echo", data: Buffer.from("--b\\r\\nx: y\\r\\n\\r\\né\\r\\n--b--\\r\\n"), headers: { "content-type": "multipart/form-data; boundary=b" } })`,
    sees: { headers: { "content-type": "multipart/form-data; boundary=b" }, body: "--b\r\nx: y\r\n\r\né\r\n--b--\r\n" },
  },
  {
    name: "the provider's members in an object",
    as: "filled",
    call: `post({ endpoint: "/echo", data: { a: 1, tenant: "mine" } })`,
    sees: { json: { a: 1, tenant: "acme", deep: { key: "key-of-the-connection" } } },
  },
  {
    name: "the provider's members alone",
    as: "filled",
    call: `post({ endpoint: "/echo" })`,
    sees: { headers: { "content-type": json }, json: { tenant: "acme", deep: { key: "key-of-the-connection" } } },
  },
  {
    name: "the provider's members in a form",
    as: "filled",
    call: `post({ endpoint: "/echo", data: new URLSearchParams({ a: "1" }) })`,
    sees: { body: "a=1&tenant=acme&deep%5Bkey%5D=key-of-the-connection" },
  },
  {
    name: "but not in text",
    as: "filled",
    call: `post({ endpoint: "/echo", data: '{"a":1}', headers: { "content-type": "${json}" } })`,
    sees: { body: '{"a":1}' },
  },
  {
    name: "and not in bytes",
    as: "filled",
    call: `post({ endpoint: "/echo", data: Buffer.from("{}"), headers: { "content-type": "${json}" } })`,
    sees: { body: "{}" },
  },
  { name: "and not in a GET", as: "filled", call: `get({ endpoint: "/echo" })`, sees: { body: "" } },
  {
    name: "as another connection",
    as: "plain",
    call: `get({ endpoint: "/echo", providerConfigKey: "named", connectionId: "c1" })`,
    sees: { headers: { "x-sub": "acme" } },
  },
]
