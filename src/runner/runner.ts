import type { CallName } from "./calls.ts"
import type { Measure } from "./confine.ts"
import type { Frame, Payload, RunError, RunFacts, RunKind } from "./protocol.ts"
export type { Frame, RunError, RunFacts, RunKind }
export { createRunner } from "./pool.ts"

export type RunLimits = {
  /** From the moment that a process takes the run. */
  wallMs: number
  /** Resident memory of the whole process that carries the run. */
  memoryBytes: number
  /** UTF-8 bytes of the JSON output. */
  outputBytes: number
  /** What a cancelled guest gets before its Worker is terminated. */
  cancelGraceMs: number
}

/**
 * Answers one SDK call. The input has passed the call's shape in `calls.ts`; the body (at most 100 MB) is as it came.
 * What it throws reaches the guest as name, code, message, status and payload. Called in the order of the guest's
 * calls, but not one after the other; never called after the run has ended.
 */
export type AnswerCall = (
  call: CallName,
  input: unknown,
  body: Payload | undefined,
) => Promise<{ output?: unknown; body?: Payload }>

export type RunRequest = {
  kind: RunKind
  /** The bundle: CommonJS text. */
  code: string
  /** `<function name>-<provider config key>.cjs`, as it stands in stack traces. */
  fileName: string
  /** JSON text; undefined when there is none. */
  input?: string
  facts: RunFacts
  limits: RunLimits
  /** Aborting it cancels the run. */
  signal?: AbortSignal
  /** How many actions stand above this one; a nested run gets a process beyond the cap. At most 5. */
  nested?: number
  /** Filled in by the runner: texts of the libraries that the code requires. */
  libraries?: Record<string, string>
  answer: AnswerCall
}

/** `output` is JSON text, undefined when the function returned nothing. */
export type RunOutcome = { ok: true; output: string | undefined } | { ok: false; error: RunError }

export type RunnerStats = {
  processes: number
  busy: number
  queued: number
  started: number
  killed: number
  /** What each confinement measure came to in the last process that said hello. */
  measures: Measure[]
}

/**
 * Runs the owner's code in other processes.
 * `run` never rejects: whatever goes wrong is an outcome, and the code is never run twice. `close` ends every run
 * (outcome `function_runtime_other`) and every process.
 */
export type Runner = {
  run(request: RunRequest): Promise<RunOutcome>
  /** Starts the warm processes of a runner that was told to wait. */
  warmUp(): void
  stats(): RunnerStats
  close(): Promise<void>
}

export type RunnerLog = (level: "debug" | "info" | "warn" | "error", message: string, data?: object) => void

export type RunnerOptions = {
  /** Processes kept ready. */
  warm: number
  /** Start none of them before `warmUp`; a run before that starts its own. */
  waitForWarmUp?: boolean
  /** Most processes, not counting those of nested runs. */
  max: number
  /** A process beyond `warm` that has been idle for this long leaves. */
  idleMs: number
  /** A process leaves after this many runs. */
  recycleAfterRuns: number
  log: RunnerLog
  now: () => number
}
