import { describe, expect, test } from "bun:test"
import { toLines } from "../../src/kit/lines.ts"
import { EgressError } from "../../src/kit/egress-error.ts"
import { AppError } from "../../src/kit/errors.ts"
import { FromChildShape, checkCall, checkOutcome, toAnswerError } from "../../src/runner/messages.ts"
import type { ToChild } from "../../src/runner/protocol.ts"
import { startRun } from "../../src/runner/run.ts"
import { request } from "./requests.ts"
import type { Given, Seen } from "./requests.ts"

/** A run whose process is this test: everything that a guest which got out of its realm could say. */
function forged(given: Given = {}) {
  const sent: ToChild[] = []
  const killed: string[] = []
  const lines: unknown[] = []
  const run = startRun(5, request("", given), {
    send: (message) => void sent.push(message),
    kill: (why) => void killed.push(why),
    log: (...line) => void lines.push(line),
  })
  const call = (id: number, name: string, input: unknown, body?: string) =>
    run.receive({
      t: "call",
      run: 5,
      id,
      call: name,
      input: typeof input === "string" ? input : JSON.stringify(input),
      body,
    })
  return { run, sent, killed, lines, call, answers: () => sent.filter((m) => m.t === "answer") }
}
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe("forged calls", () => {
  const rows: [name: string, call: string, input: unknown, body: string | undefined, says: string][] = [
    ["an unknown call", "proxy.steal", {}, undefined, "there is no such call"],
    ["a name from the prototype", "constructor", {}, undefined, "there is no such call"],
    ["__proto__", "__proto__", {}, undefined, "there is no such call"],
    ["input that is no JSON", "log.write", "{", undefined, "not JSON"],
    ["an unknown field", "log.write", { level: "info", message: "m", runId: "x" }, undefined, "log.write"],
    ["a foreign environment", "checkpoint.get", { environment: 2 }, undefined, "checkpoint.get"],
    ["a wrong type", "log.write", { level: "info", message: 1 }, undefined, '"message"'],
    ["a bad level", "log.write", { level: "fatal", message: "m" }, undefined, '"level"'],
    [
      "a log line that the guest did not cut",
      "log.write",
      { level: "info", message: "x".repeat(200_000) },
      undefined,
      '"message"',
    ],
    ["a log line of 50 MB", "log.write", { level: "info", message: "x".repeat(50e6) }, undefined, "longer than"],
    ["a body where none belongs", "checkpoint.get", {}, "x", "takes no body"],
    ["records without a body", "records.save", { model: "Item", ids: "1" }, undefined, "must be text"],
    ["more ids than a chunk has", "records.save", { model: "Item", ids: toLines(Array(1001).fill("a")) }, "", '"ids"'],
    ["an id that is too long", "records.save", { model: "Item", ids: "a".repeat(256) }, "{}", '"ids"'],
    [
      "a method that does not exist",
      "proxy.send",
      { method: "CONNECT", headers: {}, data: { kind: "none" }, retries: 0 },
      undefined,
      '"method"',
    ],
    [
      "endless retries",
      "proxy.send",
      { method: "GET", headers: {}, data: { kind: "none" }, retries: 1e9 },
      undefined,
      '"retries"',
    ],
    ["a prototype in disguise", "log.write", '{"__proto__":{"level":"info"},"message":"m"}', undefined, "log.write"],
    ["an array", "log.write", [], undefined, "log.write"],
  ]
  test.each(rows)("%s is answered with invalid_sdk_call and reaches nobody", async (_, name, input, body, says) => {
    const seen: Seen[] = []
    const { run, call, answers } = forged({ seen })
    call(1, name, input, body)
    await settled()
    expect(answers()).toMatchObject([{ id: 1, ok: false, error: { code: "invalid_sdk_call" } }])
    expect(JSON.stringify(answers())).toContain(JSON.stringify(says).slice(1, -1))
    expect(seen).toEqual([])
    run.receive({ t: "done", run: 5, outcome: { ok: true } })
    await run.outcome
  })

  test("input nested a hundred thousand deep does no harm", () => {
    const text = "[".repeat(100_000) + "]".repeat(100_000)
    expect(() => checkCall({ call: "checkpoint.save", input: `{"checkpoint":{"a":${text}}}` })).not.toThrow(RangeError)
    expect(() => checkCall({ call: "log.write", input: text })).toThrow("log.write")
  })

  test("a body of more than 100 MB is refused", () => {
    const body = new Uint8Array(100 * 1024 * 1024 + 1)
    const input = JSON.stringify({ method: "POST", headers: {}, data: { kind: "bytes" }, retries: 0 })
    expect(() => checkCall({ call: "proxy.send", input, body })).toThrow("larger than")
  })

  test("a flood ends the run by name and its process", async () => {
    const { run, call, killed } = forged({ answers: { "checkpoint.get": () => new Promise(() => {}) } })
    for (let id = 0; id < 65; id++) call(id, "checkpoint.get", {})
    expect(await run.outcome).toMatchObject({ ok: false, error: { type: "invalid_sdk_call" } })
    expect(killed).toHaveLength(1)
  })

  test("the same id twice at once ends it too", async () => {
    const { run, call, killed } = forged({ answers: { "checkpoint.get": () => new Promise(() => {}) } })
    call(1, "checkpoint.get", {})
    call(1, "checkpoint.get", {})
    expect((await run.outcome).ok).toBe(false)
    expect(killed).toHaveLength(1)
  })

  test("messages of another run, and late ones, are dropped", async () => {
    const seen: Seen[] = []
    const { run, call } = forged({ seen })
    run.receive({ t: "call", run: 4, id: 1, call: "checkpoint.get", input: "{}" })
    run.receive({ t: "done", run: 6, outcome: { ok: true, output: '"forged"' } })
    run.receive({ t: "done", run: 5, outcome: { ok: true, output: "1" } })
    await settled()
    call(9, "checkpoint.clear", {})
    run.receive({ t: "done", run: 5, outcome: { ok: true, output: "2" } })
    expect(await run.outcome).toEqual({ ok: true, output: "1" })
    expect(seen).toEqual([])
  })

  test("the end waits for a call that is still being answered", async () => {
    const gate = Promise.withResolvers<void>()
    const { run, call } = forged({ answers: { "records.save": () => gate.promise } })
    call(1, "records.save", { model: "Item", ids: "1" }, "{}")
    run.receive({ t: "done", run: 5, outcome: { ok: true } })
    let ended = false
    void run.outcome.then(() => (ended = true))
    await settled()
    expect(ended).toBe(false)
    gate.resolve()
    await run.outcome
  })
})

describe("outcomes", () => {
  test("a guest cannot raise the platform's own errors", () => {
    for (const type of ["function_runtime_out_of_memory", "execution_timeout", "anything"]) {
      const error = { type, status: 500, message: "m", payload: {} }
      expect(checkOutcome({ ok: false, error }, 10)).toMatchObject({ error: { type: "script_internal_error" } })
    }
  })

  test("limits hold again", () => {
    expect(checkOutcome({ ok: true, output: "x".repeat(11) }, 10)).toMatchObject({
      error: { type: "script_output_too_large" },
    })
    const error = { type: "script_internal_error", status: 500, message: "m", payload: { a: "x".repeat(1e6) } }
    expect(JSON.stringify(checkOutcome({ ok: false, error }, 10)).length).toBeLessThan(1000)
  })

  const malformed: unknown[] = [
    undefined,
    null,
    7,
    "call",
    {},
    { t: "job" },
    { t: "call", run: 1 },
    { t: "call", run: "1", id: 1, call: "a", input: "{}" },
    { t: "call", run: 1, id: -1, call: "a", input: "{}" },
    { t: "call", run: 1, id: 1, call: "a", input: {} },
    { t: "call", run: 1, id: 1, call: "a".repeat(101), input: "" },
    { t: "call", run: 1, id: 1, call: "a", input: "", body: { length: 3 } },
    { t: "done", run: 1, outcome: { ok: true, output: {} } },
    { t: "done", run: 1, outcome: { ok: false, error: {} } },
    { t: "done", run: 1, outcome: { ok: false, error: { type: "a", status: 1e9, message: "", payload: {} } } },
    { t: "idle", run: 1, more: 1 },
    { t: "hello", measures: "all" },
  ]
  test.each(malformed.map((message) => [message]))("malformed: %j", (message) => {
    expect(FromChildShape.safeParse(message).success).toBe(false)
  })
})

describe("errors on their way to a guest", () => {
  test("an AppError keeps code, status and payload, and loses its stack and cause", () => {
    const cause = new Error("secret of the host")
    const error = new AppError("unknown_connection", 400, "No such connection", { payload: { a: 1 }, cause })
    const sent = toAnswerError(error)
    expect(sent).toMatchObject({
      code: "unknown_connection",
      status: 400,
      message: "No such connection",
      payload: { a: 1 },
    })
    expect(JSON.stringify(sent)).not.toContain("secret")
    expect(JSON.stringify(sent)).not.toContain("run.test.ts")
  })

  test("a network error keeps its code; anything else says nothing of itself, and the log has it", async () => {
    const network = Object.assign(new EgressError("ECONNRESET", "reset"), { token: "t" })
    expect(toAnswerError(network)).toEqual({ name: "EgressError", code: "ECONNRESET", message: "reset" })
    const odd = () => {
      throw new Error("password=hunter2")
    }
    const { run, call, answers, lines } = forged({ answers: { "checkpoint.get": odd } })
    call(1, "checkpoint.get", {})
    await settled()
    expect(answers()).toMatchObject([{ ok: false, error: { code: "server_error", status: 500 } }])
    expect(JSON.stringify(answers())).not.toContain("hunter2")
    expect(lines).toHaveLength(1)
    run.lost({ type: "function_runtime_other", status: 500, message: "", payload: {} })
    await run.outcome
  })
})
