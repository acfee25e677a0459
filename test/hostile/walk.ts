/**
 * Body of an action that follows every property, prototype and accessor from everything that a function can get hold of.
 * It answers which functions led to code made from a text (`made`), and where one of `input.needles` stood (`told`).
 */
export const walk = `
const load: any = require
const things: [any, string][] = [[globalThis, "globalThis"], [nango, "nango"], [load, "require"]]
for (const name of ["zod", "crypto", "url", "nango"]) things.push([load(name), "require." + name])
const add = (name: string, make: () => any) => { try { things.push([make(), name]) } catch (e) { things.push([e, name + "!"]) } }
add("promise", () => nango.log("x"))
add("generator", () => nango.paginate({ endpoint: "/" }))
add("records", () => nango.listRecords?.("Item"))
add("buffer", () => Buffer.from("x"))
add("bufferError", () => Buffer.alloc(-1))
add("urlError", () => new URL("x"))
add("url", () => new URL("http://a/?b=c").searchParams.entries())
add("headers", () => new Headers({ a: "b" }).entries())
add("blob", () => new Blob(["x"]).stream())
add("form", () => new FormData())
add("abort", () => new AbortController())
add("timer", () => setTimeout(() => {}, 0))
add("clone", () => structuredClone(new Map([[1, new Date()]])))
add("zodError", () => z.string().parse(1))
add("zodType", () => z.object({ a: z.lazy(() => z.string()).optional() }))
add("zodResult", () => z.string().safeParse(1))
add("hash", () => load("crypto").createHash("sha256"))
add("hashError", () => load("crypto").createHash("none"))
add("typeError", () => (null as any).x)
for (const name of ["get", "post", "proxy", "uncontrolledFetch", "getConnection", "getMetadata", "getIntegration", "triggerAction", "getEnvironmentVariables"]) {
  try { things.push([await nango[name]({ endpoint: "/", url: new URL("http://127.0.0.1/") }), "nango." + name]) } catch (e) { things.push([e, "nango." + name + "!"]) }
}
const seen = new Set<any>(), made: string[] = [], told: string[] = []
const attempt = (fn: any, path: string) => {
  try { const code = fn.constructor("return 1"); if (typeof code === "function" && code() === 1) made.push(path) } catch {}
}
while (things.length > 0) {
  const [thing, path] = things.pop() as [any, string]
  if (typeof thing === "string" && thing !== "" && path !== "input" && input.needles.some((one: string) => thing.includes(one))) told.push(path)
  if ((typeof thing !== "object" && typeof thing !== "function") || thing === null || seen.has(thing) || thing === input) continue
  seen.add(thing)
  if (seen.size > 100000) break
  if (typeof thing === "function") attempt(thing, path)
  if (ArrayBuffer.isView(thing)) continue
  let keys: any[] = []
  try { keys = Reflect.ownKeys(thing) } catch {}
  for (const key of keys) {
    let property: any
    try { property = Reflect.getOwnPropertyDescriptor(thing, key) } catch { continue }
    if (!property) continue
    const at = path + "." + String(key)
    things.push([property.value, at], [property.get, at + ":get"], [property.set, at + ":set"])
    if (property.get) try { things.push([thing[key], at]) } catch {}
  }
  try { things.push([Object.getPrototypeOf(thing), path + ".__proto__"]) } catch {}
}
return { made, told, enough: seen.size > 1000 }
`
