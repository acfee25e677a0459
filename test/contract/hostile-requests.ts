import { json, sample as draw } from "fast-check"

/** What a stranger may put where a name is expected. */
export const hostileTexts = [
  "",
  " ",
  "x".repeat(9_000),
  "ünïcödé 😀\u202e\ufeff",
  "\u0000",
  "a\r\nx-injected: yes",
  "' OR '1'='1' --",
  '"; DROP TABLE connections; --',
  "1 UNION SELECT hash FROM api_keys",
  "\u0024{7*7}",
  "{{constructor.constructor('return 1')()}}",
  '{"$ne":null}',
  "../../../../etc/passwd",
  "..%2f..%2fetc%2fpasswd",
  "%00%ff%zz",
  "<script>alert(1)</script>",
  "__proto__",
  "constructor",
  "-1",
  "1e309",
  "9007199254740993",
  "NaN",
  "null",
  "*",
  "%",
]

const nested = (levels: number): string => `${'{"a":['.repeat(levels)}1${"]}".repeat(levels)}`
/** Whole bodies, as text. */
export const hostileBodies = [
  "null",
  "0",
  '"text"',
  "[]",
  "{}",
  "[[],{},null]",
  "{",
  "\u0000",
  '{"a":1e999}',
  '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}',
  '{"toString":1,"hasOwnProperty":null,"then":{}}',
  `{"a":"${"\\u0000".repeat(100)}"}`,
  `[${"null,".repeat(20_000)}null]`,
  nested(50),
  nested(600),
]
export const hugeBody = (megabytes: number): string => JSON.stringify({ filler: "x".repeat(megabytes * 1024 * 1024) })

type Schema = Record<string, any>
type Parameter = { name: string; in: "path" | "query" | "header"; required?: boolean; schema: Schema }
export type Operation = {
  method: string
  path: string
  parameters?: Parameter[]
  requestBody?: any
  security: object[]
}
export type Shot = { method: string; path: string; headers: Record<string, string>; body?: string }

export function operationsOf(document: any): Operation[] {
  return Object.entries<Record<string, any>>(document.paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
  )
}

/** What fits although its schema does not say how. */
const fitting: Record<string, unknown> = {
  provider: "unauthenticated",
  until_cursor: Buffer.from("change:1").toString("base64url"),
  accept: "application/json, text/event-stream",
  "x-async": "false",
}

/** The smallest value that fits a schema: what it names exists nowhere. */
function sample(schema: Schema, name = ""): unknown {
  if (name in fitting) return fitting[name]
  if ("const" in schema) return schema.const
  if (schema.enum) return schema.enum[0]
  if (schema.anyOf) return sample(schema.anyOf[0])
  if (schema.type === "integer" || schema.type === "number") return schema.minimum ?? 1
  if (schema.type === "boolean") return true
  if (schema.type === "array") return [sample(schema.items ?? {})]
  if (schema.type === "object") {
    const required: string[] = schema.required ?? []
    return Object.fromEntries(required.map((member) => [member, sample(schema.properties?.[member] ?? {}, member)]))
  }
  if (schema.format === "uuid") return "00000000-0000-4000-8000-000000000000"
  if (schema.format === "date-time") return new Date().toISOString()
  if (schema.format === "uri") return "https://example.com"
  return "Abc"
}

const mutations = [...hostileTexts, null, true, -1, 1.5, 1e308, [], {}, [null], { a: { b: "c" } }]

/** Every request that is tried on one operation. The same seed gives the same requests. */
export function shotsAt(operation: Operation, options: { seed: number; texts: string[] }): Shot[] {
  const { parameters = [], method } = operation
  const schema: Schema | undefined = operation.requestBody?.content["application/json"]?.schema
  const at = (place: string) => parameters.filter((one) => one.in === place)
  let turn = options.seed
  const next = <T>(list: T[]): T => list[(turn = (turn * 48_271 + 11) % 2_147_483_647) % list.length] as T
  const text = () => next([...hostileTexts, ...options.texts])
  const pairs = (place: string, change?: Parameter): [string, string][] => {
    const sent = at(place).filter((one) => one.required || one === change)
    return sent.map((one) => [one.name, one === change ? text() : String(sample(one.schema, one.name))])
  }
  const build = (change: { path?: boolean; query?: string; header?: Parameter; body?: string } = {}): Shot => {
    const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => {
      const fit = sample(at("path").find((one) => one.name === name)?.schema ?? {}, name)
      return encodeURIComponent(change.path ? text() : String(fit))
    })
    const query = change.query ?? new URLSearchParams(pairs("query")).toString()
    const headers = Object.fromEntries(pairs("header", change.header).map(([name, value]) => [name, headerText(value)]))
    const fit = schema && method !== "GET" ? JSON.stringify(sample(schema)) : undefined
    const body = method === "GET" ? undefined : (change.body ?? fit)
    if (body !== undefined) headers["content-type"] = "application/json"
    return { method, path: `${path}?${query}`, headers, body }
  }
  const times = <T>(list: T[]): T[] => list.flatMap((one) => Array.from({ length: 4 }, () => one))
  const shots = [build(), ...times(at("path")).map(() => build({ path: true }))]
  for (const header of times(at("header"))) shots.push(build({ header }))
  for (const parameter of times(at("query")))
    shots.push(build({ query: new URLSearchParams(pairs("query", parameter)).toString() }))
  const name = at("query")[0]?.name ?? "a"
  shots.push(build({ query: `${name}[b][c]=1&${name}[]=2&${name}=3&__proto__[x]=1&constructor=2&%zz=%ff&[=]&=` }))
  shots.push(build({ query: `${name}=${"&".repeat(2_000)}${`${name}[]=1&`.repeat(300)}` }))
  if (method === "GET") return shots
  const random = draw(json({ maxDepth: 4 }), { seed: options.seed, numRuns: 5 })
  for (const body of [...hostileBodies, ...random]) shots.push(build({ body }))
  const base = (schema ? sample(schema) : {}) as object
  for (const member of times(Object.keys(schema?.properties ?? {})))
    shots.push(build({ body: JSON.stringify({ ...base, [member]: next([...mutations, ...options.texts]) }) }))
  return shots
}

/** A header cannot carry every character; the rest of the text stays. */
const headerText = (text: string): string => text.replace(/[^\x20-\x7e]/g, "?").slice(0, 4_000)

/** Paths that a tidy client never sends, as they go over the wire. */
export const trickyPaths = [
  "//",
  "/..",
  "/../../etc/passwd",
  "/%2e%2e/%2e%2e/etc/passwd",
  "/connections/..%2f..%2fintegrations",
  "/connections/../integrations",
  "//integrations",
  "/integrations//",
  "/./integrations",
  "/integrations/%",
  "/integrations/%zz",
  "/integrations/%c0%ae%c0%ae",
  "/integrations/a%00b",
  "/integrations;a=b",
  "/integrations\\..\\connections",
  "/integrations#fragment",
  "/integrations?a=b?c=d#e",
  `/integrations/${"a/".repeat(3_000)}`,
  `/integrations/${"a".repeat(12_000)}`,
  "/v1/../integrations",
  "/v1/%2e%2e/integrations",
  "/$bunfs/root/main.js",
  "/sluice.db",
  "/.env",
  "*",
  "http://169.254.169.254/latest/meta-data",
  "http://[::1",
]
