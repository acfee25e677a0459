import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { logged, testRunner } from "./harness.ts"
import { action, errorOf, request, valueOf } from "./requests.ts"
import type { Given, Seen } from "./requests.ts"
import type { Runner } from "../../src/runner/runner.ts"

/** Waits until something is so; what it waits for has no event of its own. */
async function until(what: () => boolean): Promise<void> {
  const end = Date.now() + 15_000
  while (!what()) {
    if (Date.now() > end) throw new Error(`never came to be: ${String(what)}`)
    await Bun.sleep(5)
  }
}

/** The runner processes of this test process, whoever in it made them. */
function runnerPids(): number[] {
  const { stdout } = Bun.spawnSync(["ps", "--ppid", String(process.pid), "-o", "pid=,args="])
  const lines = stdout.toString().split("\n")
  return lines.filter((line) => line.includes("__runner")).map((line) => Number.parseInt(line, 10))
}

/** A run that stands still inside an SDK call until it is let go. */
function held(runner: Runner, given: Given = {}) {
  const entered = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const stop = async () => {
    entered.resolve()
    await gate.promise
  }
  const code = action("await nango.getCheckpoint(); return 'held'")
  const outcome = runner.run(request(code, { ...given, answers: { "checkpoint.get": stop } }))
  return { entered: entered.promise, release: gate.resolve, outcome }
}

describe("the pool", () => {
  test("keeps its warm processes, grows to the cap, queues beyond it, shrinks when idle", async () => {
    const clock = { now: 0 }
    const runner = testRunner({ warm: 2, max: 3, idleMs: 1000, now: () => clock.now })
    await until(() => runner.stats().processes === 2 && runner.stats().busy === 0)
    const runs = [held(runner), held(runner), held(runner)]
    await Promise.all(runs.map((run) => run.entered))
    const fourth = held(runner)
    expect(runner.stats()).toMatchObject({ processes: 3, busy: 3, queued: 1 })
    for (const run of runs) run.release()
    await fourth.entered
    fourth.release()
    for (const run of [...runs, fourth]) expect(valueOf(await run.outcome)).toBe("held")
    await until(() => runner.stats().busy === 0)
    expect(runner.stats()).toMatchObject({ processes: 3, queued: 0 })
    clock.now = 2000
    await until(() => runner.stats().processes === 2)
    await runner.close()
  }, 60_000)

  test.skipIf(process.platform !== "linux")(
    "processes that keep dying before they ran anything are replaced twice, and then when a run asks for one",
    async () => {
      const others = new Set(runnerPids())
      const runner = testRunner({ warm: 1, max: 1 })
      for (let death = 1; death <= 3; death++) {
        await until(() => runner.stats().started === death && runner.stats().busy === 0)
        for (const pid of runnerPids()) if (!others.has(pid)) process.kill(pid, "SIGKILL")
        await until(() => runner.stats().killed === death)
      }
      expect(runner.stats()).toMatchObject({ processes: 0, started: 3 })
      expect(valueOf(await runner.run(request(action("return 'back'"))))).toBe("back")
      expect(runner.stats()).toMatchObject({ processes: 1, started: 4 })
      await runner.close()
    },
    60_000,
  )

  test("a nested run gets a process beyond the cap, down to a depth of five", async () => {
    const runner = testRunner({ warm: 1, max: 1 })
    const down = (depth: number): Given => ({
      nested: depth,
      answers: { "action.trigger": async () => ({ body: JSON.stringify(await descend(depth + 1)) }) },
    })
    const code = action(`return [await nango.triggerAction("next", { a: 1 })]`)
    const descend = async (depth: number): Promise<unknown> => {
      const outcome = await runner.run(request(code, down(depth)))
      return outcome.ok ? JSON.parse(outcome.output ?? "null") : outcome.error.message
    }
    const deepest = "Actions can trigger each other to a depth of 5"
    expect(await descend(0)).toEqual([[[[[[deepest]]]]]])
    expect(runner.stats().started).toBe(6)
    await runner.close()
  }, 60_000)

  test("a process that was killed is replaced, and the next run is well", async () => {
    const runner = testRunner({ warm: 1, max: 1 })
    const eat = action("const all = []; for (;;) all.push({ a: [1] })")
    const eaten = runner.run(request(eat, { limits: { memoryBytes: 200e6, wallMs: 60_000 } }))
    const next = runner.run(request(action("return 2")))
    expect(errorOf(await eaten).type).toBe("function_runtime_out_of_memory")
    expect(valueOf(await next)).toBe(2)
    expect(runner.stats()).toMatchObject({ processes: 1, started: 2 })
    await runner.close()
  }, 60_000)

  test("a process is used again after a run, also after one that was terminated, and recycled after its share", async () => {
    const runner = testRunner({ warm: 1, max: 1, recycleAfterRuns: 4 })
    for (let count = 0; count < 2; count++) await runner.run(request(action("return 1")))
    const spun = await runner.run(request(action("while (true) {}"), { limits: { wallMs: 100 } }))
    expect(errorOf(spun).type).toBe("function_runtime_timed_out")
    await runner.run(request(action("return 1")))
    expect(runner.stats().started).toBe(1)
    expect(valueOf(await runner.run(request(action("return 5"))))).toBe(5)
    expect(runner.stats().started).toBe(2)
    await runner.close()
  }, 60_000)

  test("a process that dies of itself fails its run by name", async () => {
    const runner = testRunner({ warm: 1, max: 1 })
    const run = held(runner)
    await run.entered
    const pid = Number((await Bun.$`pgrep -P ${process.pid} -f __runner`.text()).trim().split("\n").at(-1))
    process.kill(pid, "SIGKILL")
    expect(errorOf(await run.outcome)).toMatchObject({ type: "function_runtime_other", status: 500 })
    run.release()
    expect(valueOf(await runner.run(request(action("return 1"))))).toBe(1)
    await runner.close()
  }, 60_000)

  test("close ends what runs and what waits, and leaves no process", async () => {
    const runner = testRunner({ warm: 1, max: 1 })
    const run = held(runner)
    await run.entered
    const waiting = runner.run(request(action("return 1")))
    const pids = (await Bun.$`pgrep -P ${process.pid} -f __runner`.text()).trim().split("\n")
    await runner.close()
    expect(errorOf(await run.outcome).type).toBe("function_runtime_other")
    expect(errorOf(await waiting).type).toBe("function_runtime_other")
    expect(errorOf(await runner.run(request(action("return 1")))).message).toContain("closing")
    expect(existsSync(`/proc/${pids.at(-1)}/statm`)).toBe(false)
  }, 60_000)
})

describe("cancelling", () => {
  const runner = testRunner({ warm: 1, max: 2 })

  test("the open call and every further one throw script_aborted, and the run ends as aborted", async () => {
    const seen: Seen[] = []
    const abort = new AbortController()
    const body = `try { await nango.getCheckpoint() } catch (e) { 
      const codes = [e.code]; try { await nango.log("x") } catch (e) { codes.push(e.code) }
      try { await nango.batchSave([], "Item") } catch (e) { codes.push(e?.code) }
      throw Object.assign(e, { payload: { codes } }) }`
    const stop = () => {
      abort.abort()
      return new Promise(() => {})
    }
    const outcome = runner.run(
      request(action(body), {
        signal: abort.signal,
        answers: { "checkpoint.get": stop },
        seen,
        limits: { cancelGraceMs: 5000 },
      }),
    )
    expect(
      errorOf(await Promise.race([outcome, Bun.sleep(4000).then(() => ({ ok: true as const, output: "too late" }))])),
    ).toMatchObject({ type: "script_aborted", status: 410 })
    expect(seen).toHaveLength(1)
  }, 60_000)

  test("a guest that does not listen is terminated after its grace", async () => {
    const abort = new AbortController()
    const started = Promise.withResolvers<void>()
    const outcome = runner.run(
      request(action("await nango.getCheckpoint(); while (true) {}"), {
        signal: abort.signal,
        answers: { "checkpoint.get": () => started.resolve() },
      }),
    )
    await started.promise
    abort.abort()
    expect(errorOf(await outcome)).toMatchObject({ type: "script_aborted", status: 410 })
  }, 60_000)

  test("a run that waits in line leaves it, and one that was cancelled before never starts", async () => {
    const small = testRunner({ warm: 1, max: 1 })
    const first = held(small)
    await first.entered
    const abort = new AbortController()
    const waiting = small.run(request(action("return 1"), { signal: abort.signal }))
    abort.abort()
    expect(errorOf(await waiting).type).toBe("script_aborted")
    expect(small.stats().queued).toBe(0)
    expect(errorOf(await small.run(request(action("return 1"), { signal: abort.signal }))).type).toBe("script_aborted")
    first.release()
    await first.outcome
    await small.close()
  }, 60_000)

  test("runs do not mix: twenty at once each see their own answers", async () => {
    const many = testRunner({ warm: 2, max: 4 })
    const one = async (n: number) => {
      const code = action(
        "const all = []; for (let i = 0; i < 20; i++) all.push((await nango.getCheckpoint()).n); return all",
      )
      return valueOf(await many.run(request(code, { answers: { "checkpoint.get": () => ({ n }) } })))
    }
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => one(n)))
    all.forEach((list, n) => expect(list).toEqual(Array(20).fill(n)))
    await many.close()
  }, 60_000)
})

test("nothing above was logged as malformed or unreachable", () => {
  expect(logged.filter(({ message, data }) => JSON.stringify([message, data]).includes("malformed"))).toEqual([])
})
