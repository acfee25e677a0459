import { afterAll } from "bun:test"
import { createRunner } from "../../src/runner/runner.ts"
import type { Runner, RunnerOptions } from "../../src/runner/runner.ts"
import { action, request, sync } from "./requests.ts"
import type { Answers, Given, Seen } from "./requests.ts"

type Line = { level: string; message: string; data?: object }

export const logged: Line[] = []
const open: Runner[] = []
afterAll(async () => void (await Promise.all(open.map((runner) => runner.close()))))

export function testRunner(options: Partial<RunnerOptions> = {}): Runner {
  const runner = createRunner({
    warm: 1,
    max: 4,
    idleMs: 60_000,
    recycleAfterRuns: 1000,
    log: (level, message, data) => void logged.push({ level, message, data }),
    now: Date.now,
    ...options,
  })
  open.push(runner)
  return runner
}

/** The body of an action or of a sync, run and seen; a sync reports by `REPORT({ … })`, which saves a checkpoint. */
export function shortcuts(runner: Runner) {
  const run = async (body: string, answers: Answers = {}, given: Given = {}) => {
    const seen: Seen[] = []
    return { outcome: await runner.run(request(action(body), { answers, seen, ...given })), seen }
  }
  const runSync = async (body: string, answers: Answers = {}, given: Given = {}) => {
    const seen: Seen[] = []
    const code = sync(body.replace("REPORT", "await nango.saveCheckpoint"))
    const outcome = await runner.run(request(code, { kind: "sync", answers, seen, ...given }))
    const report = seen.findLast(({ call }) => call === "checkpoint.save")?.input.checkpoint
    return { outcome, seen, report }
  }
  return { run, runSync }
}
