import { readFileSync } from "node:fs"
import { selfCommand } from "../kit/entry.ts"
import type { Measure } from "./confine.ts"
import { FromChildShape, platformError } from "./messages.ts"
import type { FromChild, RunError, ToChild } from "./protocol.ts"
import { startRun } from "./run.ts"
import type { Run } from "./run.ts"
import type { RunnerLog, RunOutcome, RunRequest } from "./runner.ts"

const helloMs = 20_000
const pageBytes = 4096

/**
 * The optimising compiler starts after 10,000 turns of a loop instead of 1,000: else it compiles what every fresh Worker
 * does once to get ready. Measured: 13 instead of 16 ms of processor time for each run (2 cores, Bun 1.4).
 */
const patientCompiler = Object.fromEntries(
  ["AfterWarmUp", "AfterLongWarmUp", "Soon"].map((when) => [`BUN_JSC_thresholdForOptimize${when}`, "10000"]),
)

export type ChildEvents = {
  /** Ready for a (further) run. */
  idle: (child: Child) => void
  /** `wanted` when the pool itself sent it away. */
  gone: (child: Child, wanted: boolean) => void
}

/** A runner process as the daemon sees it. */
export type Child = {
  pid: number
  runs: number
  busy: boolean
  idleSince: number
  measures: Measure[]
  /** Takes the process for one run; only when it is idle. */
  run: (request: RunRequest) => Promise<RunOutcome>
  /** Resident bytes, or undefined where they cannot be read. */
  resident: () => number | undefined
  /** Ends the process when the run of it is over its limit. */
  watch: () => void
  /** Ends the process at once. `expected` when nothing is wrong with it. */
  kill: (why: string, expected?: boolean) => void
  exited: Promise<void>
}

export function startChild(events: ChildEvents, log: RunnerLog, now: () => number): Child {
  let current: Run | undefined
  let ready = false
  let death: RunError | undefined
  let killed = false
  let wanted = false
  let peak = 0

  const proc = Bun.spawn(selfCommand("__runner"), {
    cwd: "/",
    env: { BUN_OPTIONS: "--disallow-code-generation-from-strings", ...patientCompiler },
    serialization: "advanced",
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    ipc: (message) => receive(message),
    onDisconnect: () => child.kill("it closed its channel"),
    onExit: (_, code, signal) => left(code, signal),
  })
  const stderr = readTail(proc.stderr)
  const hello = setTimeout(() => child.kill("it did not say hello"), helloMs)

  const child: Child = {
    pid: proc.pid,
    runs: 0,
    busy: true,
    idleSince: now(),
    measures: [],
    run(request) {
      child.busy = true
      child.runs++
      peak = 0
      current = startRun(child.runs, request, { send, kill: child.kill, log })
      return current.outcome
    },
    resident: () => readResident(proc.pid),
    watch() {
      const resident = current ? child.resident() : undefined
      if (!current || resident === undefined) return
      peak = Math.max(peak, resident)
      if (resident <= current.memoryBytes) return
      const message = `The function used more memory than its limit of ${current.memoryBytes} bytes`
      death = platformError("function_runtime_out_of_memory", message)
      child.kill("its run is over the memory limit")
    },
    kill(why, expected = false) {
      if (killed) return
      killed = true
      wanted = expected
      child.busy = true
      log(expected ? "debug" : "warn", "runner process killed", { pid: proc.pid, why })
      proc.kill("SIGKILL")
    },
    exited: proc.exited.then(() => undefined),
  }

  function receive(raw: unknown): void {
    const parsed = FromChildShape.safeParse(raw)
    if (!parsed.success) return child.kill("it sent a malformed message")
    const message = parsed.data as FromChild
    if (message.t === "hello") {
      if (ready) return child.kill("it said hello twice")
      ready = true
      clearTimeout(hello)
      child.measures = message.measures
      return becomeIdle()
    }
    if (!current || message.run !== current.number) return
    current.receive(message)
    if (message.t === "idle") {
      current = undefined
      becomeIdle()
    }
  }

  function becomeIdle(): void {
    if (killed) return
    child.busy = false
    child.idleSince = now()
    events.idle(child)
  }

  function send(message: ToChild): void {
    // The channel may close between a check and the write; the exit handler then ends the run.
    try {
      if (!killed) proc.send(message)
    } catch (error) {
      log("debug", "runner process not reachable", { pid: proc.pid, error: String(error) })
    }
  }

  async function left(code: number | null, signal: string | number | null): Promise<void> {
    clearTimeout(hello)
    const expected = killed
    killed = true
    const run = current
    current = undefined
    events.gone(child, wanted)
    const said = await stderr
    if (!expected) log("warn", "runner process left", { pid: proc.pid, code, signal, said })
    run?.lost(death ?? crash({ code, signal, said, peak, limit: run.memoryBytes }))
  }

  return child
}

type Exit = { code: number | null; signal: string | number | null; said: string; peak: number; limit: number }

/** The kernel's or the engine's own end of memory also comes as an abort. */
function crash({ code, signal, said, peak, limit }: Exit): RunError {
  const memory =
    /out of memory|allocation failed|OOM/i.test(said) || ((signal === 9 || signal === "SIGKILL") && peak > limit * 0.8)
  if (memory) return platformError("function_runtime_out_of_memory", "The function used up the memory of its runtime")
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`
  return platformError("function_runtime_other", "The function's runtime ended unexpectedly", how)
}

function readResident(pid: number): number | undefined {
  // No such file: another system, or the process has just gone.
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * pageBytes
  } catch {
    return undefined
  }
}

/** Keeps the last 4,000 characters that a process writes; never lets it wait. */
async function readTail(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let tail = ""
  for await (const chunk of stream) tail = (tail + decoder.decode(chunk.subarray(-8000), { stream: true })).slice(-4000)
  return tail
}
