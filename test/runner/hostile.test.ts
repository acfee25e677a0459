import { describe, expect, test } from "bun:test"
import { testRunner } from "./harness.ts"
import { action, errorOf, request, sync, valueOf } from "./requests.ts"

const runner = testRunner({ warm: 2 })
const megabyte = 1024 * 1024

/** The daemon must go on working while something bad happens: counts how often its loop came round. */
async function whileTicking<T>(work: Promise<T>): Promise<{ result: T; ticks: number }> {
  let ticks = 0
  const timer = setInterval(() => ticks++, 5)
  try {
    return { result: await work, ticks }
  } finally {
    clearInterval(timer)
  }
}

async function afterwards(): Promise<void> {
  expect(valueOf(await runner.run(request(action("return 'well'"))))).toBe("well")
}

describe("a function that does not end", () => {
  const loops: [name: string, body: string][] = [
    ["an endless loop", "while (true) {}"],
    ["an endless loop in finally", "while (true) { try { while (true) {} } finally { continue } }"],
    ["an endless chain of microtasks", "const go = () => Promise.resolve().then(go); await go()"],
    ["an endless await loop", "for (;;) await null"],
    ["a promise that nobody settles", "await new Promise(() => {})"],
    ["an endless getter in its output", "return { get a() { while (true) {} } }"],
    ["an endless toString of what it throws", "throw { toJSON() { while (true) {} } }"],
    ["an endless interval", "setInterval(() => {}, 0); await new Promise(() => {})"],
  ]
  test.each(loops)("%s is ended by the wall clock", async (_, body) => {
    const { result, ticks } = await whileTicking(runner.run(request(action(body), { limits: { wallMs: 300 } })))
    expect(errorOf(result)).toMatchObject({ type: "function_runtime_timed_out", status: 500 })
    expect(ticks).toBeGreaterThan(3)
  })

  test("a stack that overflows is an error of the function", async () => {
    const outcome = await runner.run(request(action("const deep = () => deep() + 1; return deep()")))
    expect(errorOf(outcome).type).toBe("script_internal_error")
    const nested = "let a = []; for (let i = 0; i < 1e6; i++) a = [a]; return a"
    expect(errorOf(await runner.run(request(action(nested)))).type).toBe("script_internal_error")
    await afterwards()
  })

  test("a loop at the top level of the module ends the same way", async () => {
    const outcome = await runner.run(request("while (true) {}", { limits: { wallMs: 300 } }))
    expect(errorOf(outcome).type).toBe("function_runtime_timed_out")
    await afterwards()
  })
})

describe("a function that eats memory", () => {
  const eaters: [name: string, body: string][] = [
    ["objects", "const all = []; for (;;) all.push({ a: [1, 2, 3], b: 'x' + all.length })"],
    ["strings", "const all = []; for (;;) all.push('x'.repeat(1e6) + all.length)"],
    ["typed arrays", "const all = []; for (;;) all.push(new Uint8Array(1e7).fill(1))"],
    ["log lines nobody waits for", "for (;;) { nango.log('x'.repeat(50000)); }"],
  ]
  test.each(eaters)(
    "made of %s is killed, and nothing else is",
    async (_, body) => {
      const { result, ticks } = await whileTicking(
        runner.run(request(action(body), { limits: { memoryBytes: 256 * megabyte, wallMs: 60_000 } })),
      )
      const error = errorOf(result)
      if (body.includes("Uint8Array") && error.type === "script_internal_error") {
        expect(error.message).toContain("memory")
      } else expect(error).toMatchObject({ type: "function_runtime_out_of_memory", status: 500 })
      expect(ticks).toBeGreaterThan(3)
      await afterwards()
    },
    60_000,
  )
})

describe("ways out of the realm", () => {
  const globals = [
    "process",
    "Bun",
    "fetch",
    "postMessage",
    "onmessage",
    "self",
    "Worker",
    "WebSocket",
    "importScripts",
  ]
  const more = [
    "EventTarget",
    "BroadcastChannel",
    "WebAssembly",
    "ShadowRealm",
    "SharedArrayBuffer",
    "Atomics",
    "global",
  ]
  test("the realm has none of the platform's globals", async () => {
    const names = JSON.stringify([...globals, ...more, "constructor", "module0", "gc", "Loader", "$vm"])
    const body = `return ${names}.filter((name) => typeof globalThis[name] !== "undefined" || name in globalThis === "x")`
    expect(valueOf(await runner.run(request(action(body))))).toEqual([])
  })

  const evaluations = [
    `eval("1")`,
    `new Function("return 1")()`,
    `(0, eval)("this")`,
    `(async () => {}).constructor("return 1")()`,
    `(function* () {}).constructor("yield 1")()`,
    `setTimeout.constructor("return process")()`,
    `nango.get.constructor("return process")()`,
    `nango.log("x").constructor.constructor("return process")()`,
    `Buffer.from.constructor("return process")()`,
    `Buffer.constructor("return process")()`,
    `new URL("http://a").constructor.constructor("return process")()`,
    `z.string().constructor.constructor("return process")()`,
    `z.string().parse.constructor("return process")()`,
    `console.log.constructor("return process")()`,
    `require.constructor("return process")()`,
    `new ActionError({}).constructor.constructor("return process")()`,
    `Error.constructor("return process")()`,
    `Date.constructor("return process")()`,
    `new Headers().get.constructor("return process")()`,
    `nango.paginate({ endpoint: "/", paginate: { type: "link" } }).constructor.constructor("return process")()`,
    `structuredClone({}).constructor.constructor("return process")()`,
    `(() => { try { null.x } catch (e) { return e.constructor.constructor("return process")() } })()`,
    `globalThis.toString.constructor("return process")()`,
    `Reflect.construct(Function, ["return process"])()`,
    `setTimeout("globalThis.x = 1", 0)`,
  ]
  test.each(evaluations)("no code from a string: %s", async (expression) => {
    const body = `try { const found = await ${expression}; return "reached " + typeof found } catch (e) { return e.name }`
    expect(valueOf(await runner.run(request(action(body))))).toMatch(/^(EvalError|TypeError|Error)$/)
  })

  const modules = [
    "fs",
    "node:fs",
    "child_process",
    "bun",
    "bun:ffi",
    "bun:sqlite",
    "node:vm",
    "process",
    "worker_threads",
  ]
  test.each([...modules, "botbuilder", "/etc/passwd", "./x", "constructor", "__proto__"])(
    "no require of %s",
    async (name) => {
      const body = `try { return typeof require(${JSON.stringify(name)}) } catch (e) { return e.message }`
      expect(valueOf(await runner.run(request(action(body))))).toStartWith(`Import of "${name}" is not allowed`)
    },
  )

  test.each(["fs", "node:fs", "bun", "/etc/passwd", "data:text/javascript,1"])("no import() of %s", async (name) => {
    const body = `try { await import(${JSON.stringify(name)}); return "loaded" } catch (e) { return "refused" }`
    expect(valueOf(await runner.run(request(action(body))))).toBe("refused")
  })

  test("nothing within reach leads to the platform", async () => {
    const found = valueOf(
      await runner.run(request(sync(walker), { kind: "sync", facts: reachFacts, answers: reachable })),
    )
    expect(found).toBe(true)
    const planted = walker.replace("new AbortController()", "{ a: [Object.create({ process: { pid: 1 } })] }")
    const outcome = await runner.run(request(sync(planted), { kind: "sync", facts: reachFacts, answers: reachable }))
    expect(errorOf(outcome).message).toContain("reached process")
  }, 60_000)
})

const reachFacts = { ...request("").facts, paginate: { type: "link", link_rel_in_response_header: "next" } }
const reachable = { "proxy.send": () => ({ output: { status: 404, headers: {} }, body: "{}" }), "fetch.raw": fetched }
function fetched() {
  return { output: { status: 200, headers: { a: "b" } }, body: "text" }
}

/** Follows every property, prototype and accessor from everything that a function can get hold of. */
const walker = `
const things = [globalThis, nango, require, require("zod"), require("crypto"), require("url"), require("nango")]
things.push(nango.log("x"), await nango.uncontrolledFetch({ url: new URL("http://a/") }), nango.listRecords("Item"))
things.push(nango.paginate({ endpoint: "/" }), new Blob(["x"]), new Blob(["x"]).stream(), new FormData())
things.push(new URL("http://a/?b=c").searchParams, new Headers({ a: "b" }).entries(), new AbortController())
things.push(Buffer.from("x"), z.object({ a: z.lazy(() => z.string()) }), z.string().safeParse(1), new Date())
try { await nango.get({ endpoint: "/" }) } catch (e) { things.push(e) }
try { z.string().parse(1) } catch (e) { things.push(e) }
try { new URL("x") } catch (e) { things.push(e) }
try { Buffer.alloc(-1) } catch (e) { things.push(e) }
try { require("crypto").createHash("none") } catch (e) { things.push(e) }
things.push(require("crypto").createHash("sha256"), require("crypto").randomBytes(4), setTimeout(() => {}, 0))
const bad = new Set(["process", "Bun", "postMessage", "onmessage", "importScripts", "__filename", "child_process"])
const names = new Set(["postMessage", "fetch", "spawn", "spawnSync", "openSync", "readFileSync", "Worker", "EventTarget",
  "addEventListener", "dispatchEvent", "MessagePort", "WebSocket", "dlopen", "exit", "kill", "binding", "_load"])
const seen = new Set(), open = things.map((t, i) => [t, "" + i])
while (open.length) {
  const [thing, path] = open.pop()
  if ((typeof thing !== "object" && typeof thing !== "function") || thing === null || seen.has(thing)) continue
  seen.add(thing)
  if (ArrayBuffer.isView(thing) || seen.size > 200000) continue
  if (typeof thing === "function") {
    let name = ""; try { name = Reflect.getOwnPropertyDescriptor(thing, "name")?.value ?? "" } catch {}
    if (names.has(name) && !String(path).includes("AbortSignal") && !/\\.signal/.test(path)) throw new Error("reached function " + name + " at " + path)
  }
  let keys = []; try { keys = Reflect.ownKeys(thing) } catch {}
  for (const key of keys) {
    let d; try { d = Reflect.getOwnPropertyDescriptor(thing, key) } catch { continue }
    if (!d) continue
    if (bad.has(key) && typeof d.value !== "function") throw new Error("reached " + String(key) + " at " + path)
    const at = path + "." + String(key)
    open.push([d.value, at], [d.get, at + ":get"], [d.set, at + ":set"])
    if (d.get) { try { open.push([thing[key], at]) } catch {} }
  }
  try { open.push([Object.getPrototypeOf(thing), path + ".__proto__"]) } catch {}
}
if (seen.size < 1000) throw new Error("the walk was too short: " + seen.size)
`
