import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { newCheckpointState } from "../../src/runner/host-run.ts"
import { answerFor } from "../../src/runner/host.ts"
import { reasonOf } from "../helpers/reason.ts"
import { valueOf } from "./requests.ts"
import { entry, openStage, type Stage } from "./stage.ts"

let stage: Stage
beforeAll(async () => {
  stage = await openStage({ plain: entry() })
})
afterAll(() => stage.close())

const fields = (count: number) => `Object.fromEntries(Array.from({ length: ${count} }, (_, n) => ["f" + n, n]))`

describe("what a checkpoint may hold", () => {
  /** One below and one above of every limit; what is stored, or the sentence that refuses it. */
  const rows: [name: string, value: string, result: unknown][] = [
    ["texts, numbers, booleans", `{ a: "x", b: 1.5, c: false, d: "" }`, { a: "x", b: 1.5, c: false, d: "" }],
    ["nothing", `{}`, {}],
    ["a date is a text", `{ d: new Date(0) }`, { d: "1970-01-01T00:00:00.000Z" }],
    ["undefined vanishes", `{ a: undefined, b: 1 }`, { b: 1 }],
    ["a text of 4,000 characters", `{ a: "x".repeat(4000) }`, { a: "x".repeat(4000) }],
    ["a text of 4,001", `{ a: "x".repeat(4001) }`, 'the field "a" is longer than 4000 characters'],
    ["16 fields", fields(16), Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`f${n}`, n]))],
    ["17 fields", fields(17), "it has 17 fields, 16 are allowed"],
    ["a name of 255 characters", `{ ["k".repeat(255)]: 1 }`, { ["k".repeat(255)]: 1 }],
    ["a name of 256", `{ ["k".repeat(256)]: 1 }`, "is longer than 255 characters"],
    ["the largest number", `{ a: Number.MAX_VALUE }`, { a: Number.MAX_VALUE }],
    ["infinity is null in JSON", `{ a: Infinity }`, 'the field "a" is not a text, a number or a boolean'],
    ["null", `{ a: null }`, 'the field "a" is not a text, a number or a boolean'],
    ["a list", `{ a: [] }`, 'the field "a" is not a text, a number or a boolean'],
    ["an object", `{ a: {} }`, 'the field "a" is not a text, a number or a boolean'],
    ["a list as a whole", `[1]`, "it must be an object"],
  ]
  test.each(rows)("%s", async (_, value, result) => {
    const { outcome } =
      await stage.run(`await nango.clearCheckpoint(); try { await nango.saveCheckpoint(${value}) } catch (e) { return e.message }
      return await nango.getCheckpoint()`)
    const got = valueOf(outcome)
    if (typeof result !== "string") return expect(got).toEqual(result)
    expect(got).toContain("Error saving checkpoint: ")
    expect(got).toContain(result)
  })

  test("a storage key of 255 characters, and of 256", async () => {
    const { run } = await stage.run("return 1")
    const save = (length: number) => {
      const scope = "action:".padEnd(length, "n")
      return answerFor({ ...run, scope, checkpoint: newCheckpointState() })(
        "checkpoint.save",
        { checkpoint: { a: 1 } },
        undefined,
      )
    }
    await save(255)
    expect(await reasonOf(save(256))).toMatchObject({ code: "invalid_checkpoint" })
  })
})

describe("reading, replacing, clearing", () => {
  test("save replaces and does not merge; clear is a no-op without one; null when there is none", async () => {
    const { outcome, run } = await stage.run(`await nango.clearCheckpoint(); await nango.clearCheckpoint()
      const none = await nango.getCheckpoint(); await nango.saveCheckpoint({ a: 1 }); await nango.saveCheckpoint({ b: 2 })
      const second = await nango.getCheckpoint(); await nango.clearCheckpoint(); await nango.clearCheckpoint(); const gone = await nango.getCheckpoint()
      await nango.saveCheckpoint({ c: 3 }); return [none, second, gone, await nango.getCheckpoint()]`)
    expect(valueOf(outcome)).toEqual([null, { b: 2 }, null, { c: 3 }])
    expect([run.checkpoint.from, run.checkpoint.to]).toEqual([null, { c: 3 }])
  })

  test("it stays for the next run, and a failed run keeps what it had saved", async () => {
    await stage.run(`await nango.saveCheckpoint({ page: 7 }); throw new Error("later")`)
    const { outcome } = await stage.run(`return await nango.getCheckpoint()`)
    expect(valueOf(outcome)).toEqual({ page: 7 })
  })

  test("two runs at once: who read before the other wrote is refused", async () => {
    const first = Promise.withResolvers<void>()
    const second = Promise.withResolvers<void>()
    const loser = stage.run(
      `await nango.getCheckpoint(); await nango.log("read"); try { await nango.saveCheckpoint({ by: "loser" }) } catch (e) { return [e.message, e.code, e.status] }`,
      {
        async onCall(call, nth) {
          if (call !== "checkpoint.save" || nth !== 1) return
          first.resolve()
          await second.promise
        },
      },
    )
    await first.promise
    await stage.run(`await nango.getCheckpoint(); await nango.saveCheckpoint({ by: "winner" })`)
    second.resolve()
    const [message, code, status] = valueOf((await loser).outcome)
    expect(message).toStartWith("Error saving checkpoint: ")
    expect([code, status]).toEqual(["checkpoint_conflict", 409])
    expect(valueOf((await stage.run(`return await nango.getCheckpoint()`)).outcome)).toEqual({ by: "winner" })
  })
})

/** The rule in words: each change adds one to the version, and a change needs the version that its run saw last. */
class Oracle {
  version = 0
  value: number | null = null
  readonly seen: (number | null)[] = [null, null]

  read(run: number): number | null {
    this.seen[run] = this.version
    return this.value
  }

  write(run: number, value: number | null): "conflict" | "done" {
    const clearsNothing = value === null && this.value === null
    if (clearsNothing) {
      this.seen[run] = this.version
      return "done"
    }
    const last = this.seen[run] ?? null
    if (last !== null && last !== this.version) return "conflict"
    this.version++
    this.value = value
    this.seen[run] = this.version
    return "done"
  }
}

type Step = { run: 0 | 1; act: "get" | "save" | "clear" | "restart"; value: number }

test("two runs over one checkpoint behave as the rule says, whatever they do", async () => {
  const { run } = await stage.run("return 1")
  const step = fc.record({
    run: fc.constantFrom<0 | 1>(0, 1),
    act: fc.constantFrom<Step["act"]>("get", "save", "save", "clear", "restart"),
    value: fc.integer({ min: 0, max: 9 }),
  })
  let count = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const scope = `action:property-${count++}`
      const open = () => answerFor({ ...run, scope, checkpoint: newCheckpointState() })
      const runs = [open(), open()]
      const oracle = new Oracle()
      for (const { run: at, act, value } of steps) {
        if (act === "restart") {
          runs[at] = open()
          oracle.seen[at] = null
        } else if (act === "get") {
          const wanted = oracle.read(at)
          expect((await runs[at]?.("checkpoint.get", {}, undefined))?.output).toEqual(
            wanted === null ? null : { value: wanted },
          )
        } else {
          const call =
            act === "save"
              ? runs[at]?.("checkpoint.save", { checkpoint: { value } }, undefined)
              : runs[at]?.("checkpoint.clear", {}, undefined)
          const result = await call?.then(
            () => "done",
            (error) => (error.code === "checkpoint_conflict" ? "conflict" : Promise.reject(error)),
          )
          expect([act, result]).toEqual([act, oracle.write(at, act === "save" ? value : null)])
        }
      }
      const last = (await open()("checkpoint.get", {}, undefined)).output
      expect(last).toEqual(oracle.value === null ? null : { value: oracle.value })
    }),
    { numRuns: 60, seed: 7 },
  )
})
