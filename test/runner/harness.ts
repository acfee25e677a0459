import { afterAll } from "bun:test"
import { createRunner } from "../../src/runner/runner.ts"
import type { Runner, RunnerOptions } from "../../src/runner/runner.ts"

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
