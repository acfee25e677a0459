import { describe, expect, test } from "bun:test"
import { testRunner } from "./harness.ts"
import { action, errorOf, request, valueOf } from "./requests.ts"
import type { Seen } from "./requests.ts"

const runner = testRunner({ warm: 2 })
const runAction = (body: string, given = {}) => runner.run(request(action(body), given))

describe("what is thrown", () => {
  const internal = "script_internal_error"
  const rows: [name: string, expression: string, expected: object][] = [
    [
      "an ActionError",
      `new ActionError({ message: "no", a: 1 })`,
      { type: "action_script_runtime_error", status: 500, message: "no", payload: { message: "no", a: 1 } },
    ],
    [
      "nango.ActionError",
      `new nango.ActionError({ b: 2 })`,
      { type: "action_script_runtime_error", payload: { b: 2 } },
    ],
    ["an ActionError with a string", `new ActionError("no")`, { payload: { message: "no" } }],
    ["an ActionError with an array", `new ActionError([1])`, { payload: { message: [1] } }],
    ["an ActionError with nothing", `new ActionError()`, { payload: {}, message: "" }],
    [
      "an error",
      `new TypeError("bad")`,
      { type: internal, message: "bad", payload: { name: "TypeError", message: "bad" } },
    ],
    ["a string", `"boom"`, { type: internal, message: '"boom"', payload: { name: "Error", message: '"boom"' } }],
    ["a number", `7`, { type: internal, message: "7" }],
    ["null", `null`, { type: internal, message: "null" }],
    ["undefined", `undefined`, { type: internal, message: "undefined" }],
    ["a symbol", `Symbol("x")`, { type: internal, message: "symbol" }],
    [
      "a plain object",
      `{ status: 9, message: "m", code: "c" }`,
      { type: internal, message: "m", payload: { status: 9, message: "m", code: "c" } },
    ],
    ["an object without JSON", `{ toJSON() { throw 1 } }`, { type: internal }],
    ["a circular object", `(() => { const a = {}; a.a = a; return a })()`, { type: internal }],
    [
      "an object with hostile toString",
      `{ toString() { throw 1 }, toJSON() { throw 2 }, [Symbol.toPrimitive]() { throw 3 } }`,
      { type: internal },
    ],
    [
      "a hostile proxy",
      `new Proxy({}, { get() { throw 1 }, ownKeys() { throw 2 }, getPrototypeOf() { throw 3 }, has() { throw 4 } })`,
      { type: internal },
    ],
    [
      "a revoked proxy",
      `(() => { const p = Proxy.revocable({}, {}); p.revoke(); return p.proxy })()`,
      { type: internal },
    ],
    [
      "an error with getters that throw",
      `Object.defineProperties(new Error("x"), { message: { get() { throw 1 } }, stack: { get() { throw 2 } }, name: { get() { throw 3 } } })`,
      { type: internal, message: "" },
    ],
    [
      "an error with members of odd types",
      `Object.assign(new Error("x"), { message: {}, stack: 7, name: [] })`,
      { type: internal },
    ],
    ["an ActionError that grew", `new ActionError({ x: "y".repeat(1e6) })`, { type: "action_script_runtime_error" }],
    ["an error with a huge message", `new Error("y".repeat(5e6))`, { type: internal }],
    [
      "a proxy around an ActionError",
      `new Proxy(new ActionError({ a: 1 }), { get(t, k) { if (k === "payload") throw 1; return t[k] } })`,
      { type: "action_script_runtime_error", payload: {} },
    ],
  ]
  test.each(rows)("%s", async (_, expression, expected) => {
    const error = errorOf(await runAction(`throw ${expression}`))
    expect(error).toMatchObject(expected)
    expect(JSON.stringify(error).length).toBeLessThan(300_000)
  })

  test("places in the bundle are exact, also on its first line", async () => {
    const code = `exports.default = { type: "action", exec: async () => { throw new Error("first") } }`
    const error = errorOf(await runner.run(request(code)))
    expect(error.frames?.[0]).toEqual({ line: 1, column: code.indexOf('("first")') + 1 })
    expect(error.stack).toContain("test-github.cjs:1:")
    const second = errorOf(await runner.run(request(action("\n  throw new Error('x')"))))
    expect(second.frames?.[0]).toEqual({ line: 4, column: 18 })
  })

  test("a rejection that nobody waits for does not fail the run; what a timer throws does", async () => {
    const body = "Promise.reject(new Error('x')); await new Promise((r) => setTimeout(r, 20)); return 1"
    expect(valueOf(await runAction(body))).toBe(1)
    const timer = "setTimeout(() => { throw new Error('from a timer') }, 1); await new Promise(() => {})"
    expect(errorOf(await runAction(timer))).toMatchObject({ type: "script_internal_error", message: "from a timer" })
  })
})

describe("what is returned", () => {
  const rows: [expression: string, output: unknown][] = [
    ["undefined", undefined],
    ["null", null],
    ["false", false],
    ["''", ""],
    ["0", 0],
    ["{ a: new Date(0), b: undefined }", { a: "1970-01-01T00:00:00.000Z" }],
    ["() => 1", undefined],
    ["NaN", null],
  ]
  test.each(rows)("%s", async (expression, output) => {
    expect(valueOf(await runAction(`return ${expression}`))).toEqual(output)
  })

  test("a circular value, a BigInt and a toJSON that throws fail by name", async () => {
    for (const value of [
      "(() => { const a = {}; a.a = a; return a })()",
      "1n",
      "{ toJSON() { throw new Error('j') } }",
    ]) {
      expect(errorOf(await runAction(`return ${value}`)).type).toBe("script_internal_error")
    }
  })

  test("more than the limit is refused", async () => {
    const error = errorOf(await runAction("return 'é'.repeat(600)", { limits: { outputBytes: 1000 } }))
    expect(error).toMatchObject({ type: "script_output_too_large", status: 400 })
    expect(valueOf(await runAction("return 'é'.repeat(400)", { limits: { outputBytes: 1000 } }))).toHaveLength(400)
  })

  test("input arrives as given, but nothing and null as {}", async () => {
    const echo = "return { input }"
    expect(valueOf(await runAction(echo))).toEqual({ input: {} })
    for (const [input, seen] of [
      ["null", {}],
      ["0", 0],
      ["false", false],
      ['""', ""],
      ['{"a":[1]}', { a: [1] }],
    ] as const) {
      expect(valueOf(await runAction(echo, { input }))).toEqual({ input: seen })
    }
  })
})

describe("tampering with what runs beside it", () => {
  const attempts: [name: string, body: string][] = [
    ["host Object.prototype", "Object.getPrototypeOf(Object.getPrototypeOf(Buffer.prototype)).__proto__.polluted = 1"],
    ["host Function.prototype", "Object.getPrototypeOf(setTimeout).call = () => 'hooked'"],
    ["host Array.prototype", "Object.getPrototypeOf(require('crypto').getHashes()).push = () => { throw 1 }"],
    ["host Promise.prototype", "Object.getPrototypeOf(nango.log('x')).then = () => { throw 1 }"],
    ["host Error", "Error.prepareStackTrace = (e, frames) => frames"],
    ["host Error.prototype", "Object.defineProperty(Error.prototype, 'message', { get: () => 'mine' })"],
    ["Buffer.from", "Buffer.from = () => 'mine'"],
    ["URL.prototype", "Object.defineProperty(URL.prototype, 'href', { get: () => 'mine' })"],
    ["Date.now", "Date.now = () => 0"],
    ["Uint8Array.prototype", "Object.getPrototypeOf(Uint8Array.prototype).set = () => {}"],
    ["the realm's accessor", "Object.getOwnPropertyDescriptor(Error.prototype, 'name').set.call(Error.prototype, 'x')"],
    [
      "the prototype of a host function",
      "Object.setPrototypeOf(setTimeout, null); Object.setPrototypeOf(Error.prototype, null)",
    ],
  ]
  test.each(attempts)("%s cannot be changed", async (_, body) => {
    const strict = `"use strict"; try { ${body}; return "changed" } catch (e) { return e.name }`
    const code = action(strict).replace(
      "exec: async (nango, input) => {",
      "exec: async (nango, input) => { 'use strict';",
    )
    expect(valueOf(await runner.run(request(code)))).toBe("TypeError")
  })

  test("an error class of its own works as anywhere", async () => {
    const body = `class Mine extends Error { constructor(m) { super(m); this.name = "Mine"; this.message = m + "!" } }
    const plain = new Error("p"); plain.name = "Plain"; plain.toString = () => "t"
    try { null.x } catch (e) { return [new Mine("a").name, new Mine("a").message, String(plain), e instanceof Error,
      new Mine("a") instanceof Error, new RangeError("r") instanceof Error, new ActionError() instanceof nango.ActionError] }`
    expect(valueOf(await runAction(body))).toEqual(["Mine", "a!", "t", true, true, true, true])
  })

  test("its own realm may be changed as it likes, and the next run sees nothing of it", async () => {
    const spoil = `Object.prototype.x = 1; Array.prototype.push = () => { throw 1 }; JSON.stringify = () => "mine"
    Promise.prototype.then = function () { throw 2 }; globalThis.leak = 1; return { a: 1 }`
    await runAction(spoil)
    expect(valueOf(await runAction("return [({}).x, typeof leak, [].push.name]"))).toEqual([null, "undefined", "push"])
  })

  test("prepareStackTrace sees no frames of this side", async () => {
    const body = `const own = Object.getPrototypeOf(TypeError); let seen = "none"
    try { own.prepareStackTrace = (e, f) => { seen = f; return "" } } catch {}
    try { TypeError.prepareStackTrace = (e, f) => { seen = f; return "" } } catch {}
    try { null.x } catch (e) { String(e.stack) }
    return seen === "none" ? seen : seen.map((f) => [typeof f.getThis(), typeof f.getFunction()])`
    const seen = valueOf(await runAction(body)) as unknown
    if (seen !== "none") for (const frame of seen as string[][]) expect(frame).toEqual(["undefined", "undefined"])
  })

  test("the file name of stack frames cannot be forged into another type of place", async () => {
    const body = `const e = new Error("x"); e.stack = "Error: x\\n at test-github.cjs:99999999999:1\\n at test-github.cjs:5:x"; throw e`
    expect(errorOf(await runAction(body)).frames).toEqual([])
  })
})

describe("logs", () => {
  test("a line of 50 MB is cut in the guest", async () => {
    const seen: Seen[] = []
    const body = "await nango.log('x'.repeat(50e6)); await nango.log('m', { big: 'y'.repeat(50e6) }); return 1"
    expect(valueOf(await runAction(body, { seen }))).toBe(1)
    expect(seen.map(({ call }) => call)).toEqual(["log.write", "log.write"])
    for (const { input } of seen) expect(JSON.stringify(input).length).toBeLessThan(120_000)
  })

  test("levels, odd arguments, setLogger", async () => {
    const seen: Seen[] = []
    const body = `await nango.log(); await nango.log("a"); await nango.log("b", { level: "error" }); await nango.log({ c: 1 }, [1, 2])
    await nango.log("d", { k: 1 }, { level: "http" }); await nango.log(10n); const loop = {}; loop.loop = loop; await nango.log("e", loop)
    await nango.log("v", { level: "verbose" }); nango.setLogger({ level: "error" }); await nango.log("no", { level: "warn" })
    await nango.log(new TypeError("t"), { level: "error" }); await nango.log("f", { level: "error" }); nango.setLogger({ level: "off" }); nango.setLogger({ level: "debug" }); await nango.log("no")`
    await runAction(body, { seen })
    expect(seen.map(({ input }) => input)).toEqual([
      { level: "info", message: "a" },
      { level: "error", message: "b" },
      { level: "info", message: '{"c":1}', meta: { 0: 1, 1: 2 } },
      { level: "info", message: "d", meta: { k: 1 } },
      { level: "info", message: "10" },
      { level: "info", message: "e" },
      { level: "debug", message: "v" },
      { level: "error", message: "TypeError: t" },
      { level: "error", message: "f" },
    ])
  })
})
