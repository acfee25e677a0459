import type { Child } from "./child.ts"
import { startChild } from "./child.ts"
import type { Measure } from "./confine.ts"
import { librariesIn, readLibraries } from "./libraries/load.ts"
import type { LibraryName } from "./libraries/names.ts"
import { platformError } from "./messages.ts"
import type { Runner, RunnerOptions, RunOutcome, RunRequest } from "./runner.ts"

const watchMs = 50
const sweepMs = 1000
const maxDepth = 5
/** How long a process takes after a run until the Worker of the next one stands ready (13 ms measured, 2 cores). */
const settleMs = 20
/** A process that holds this much after a run has been cleaned up is replaced. */
const maxIdleBytes = 192 * 1024 * 1024

type Waiting = { request: RunRequest; resolve: (outcome: RunOutcome) => void; abort: () => void }

/**
 * The pool: `warm` processes stay ready, more are started on demand up to `max`, runs beyond that wait in line. A
 * nested run never waits, because the run above it holds a place in the pool until it has its answer.
 */
export function createRunner(options: RunnerOptions): Runner {
  const children = new Set<Child>()
  /** Those whose run is over and whose Worker is on its way out: free in a moment, so nobody is started in their place. */
  const ending = new Set<Child>()
  const queue: Waiting[] = []
  const counts = { started: 0, killed: 0, failures: 0 }
  let measures: Measure[] = []
  let closing = false
  let warm = options.waitForWarmUp ? 0 : options.warm

  const idle = () => [...children].filter((child) => !child.busy)
  const starting = () => [...children].filter((child) => child.busy && child.runs === 0).length

  const start = () => {
    counts.started++
    children.add(startChild({ idle: becameIdle, gone }, options.log, options.now))
  }

  const refill = () => {
    // Processes that die before they carried out anything must not be started in a tight circle.
    while (!closing && children.size < warm && counts.failures < 3) start()
  }

  function becameIdle(child: Child): void {
    ending.delete(child)
    if (child.runs > 0) counts.failures = 0
    measures = child.measures
    if (closing || worn(child)) {
      child.kill(closing ? "the daemon closes" : "it has done its share of runs", true)
      return
    }
    const next = queue.shift()
    if (next) void begin(child, next)
  }

  function worn(child: Child): boolean {
    if (child.runs >= options.recycleAfterRuns) return true
    return child.runs > 0 && (child.resident() ?? 0) > maxIdleBytes
  }

  function gone(child: Child, wanted: boolean): void {
    children.delete(child)
    ending.delete(child)
    counts.killed++
    if (child.runs === 0 && !wanted && !closing) counts.failures++
    if (counts.failures >= 3) failAll("The runner process cannot be started on this machine")
    refill()
    while (!closing && queue.length > starting() && mayGrow(queue[0]?.request)) start()
  }

  function failAll(message: string): void {
    for (const { resolve, abort, request } of queue.splice(0)) {
      request.signal?.removeEventListener("abort", abort)
      resolve({ ok: false, error: platformError("function_runtime_other", message) })
    }
  }

  async function begin(child: Child, { request, resolve, abort }: Waiting): Promise<void> {
    request.signal?.removeEventListener("abort", abort)
    watcher ??= setInterval(() => watch(), watchMs)
    const running = child.run(request)
    const { runs } = child
    const outcome = await running
    if (child.busy && child.runs === runs && children.has(child)) ending.add(child)
    resolve(outcome)
  }

  /** The one used last, so that the others can grow old and leave; but not while it still makes its next Worker. */
  function pick(): Child | undefined {
    const free = idle().sort((a, b) => b.idleSince - a.idleSince)
    return free.find((child) => options.now() - child.idleSince >= settleMs) ?? free.at(-1)
  }

  function mayGrow(request: RunRequest | undefined): boolean {
    return children.size < options.max || (request?.nested ?? 0) > 0
  }

  function enqueue(request: RunRequest, resolve: (outcome: RunOutcome) => void): void {
    const waiting: Waiting = { request, resolve, abort: () => leaveQueue(waiting) }
    const free = pick()
    if (free) return void begin(free, waiting)
    request.signal?.addEventListener("abort", waiting.abort)
    const nested = (request.nested ?? 0) > 0
    if (nested) queue.unshift(waiting)
    else queue.push(waiting)
    if (starting() + ending.size < queue.length && mayGrow(request)) start()
  }

  async function runWithLibraries(request: RunRequest, names: LibraryName[]): Promise<RunOutcome> {
    try {
      return await run({ ...request, libraries: await readLibraries(names) })
    } catch (error) {
      // A run always has an outcome; this one says that the installation is broken.
      options.log("error", "libraries of functions cannot be read", { names, error })
      return refused(`The libraries ${names.join(", ")} cannot be loaded`)
    }
  }

  function leaveQueue(waiting: Waiting): void {
    const at = queue.indexOf(waiting)
    if (at < 0) return
    queue.splice(at, 1)
    waiting.resolve({ ok: false, error: platformError("script_aborted", "The run was cancelled") })
  }

  function watch(): void {
    let busy = false
    for (const child of children) {
      if (child.busy) busy = true
      child.watch()
    }
    if (busy) return
    clearInterval(watcher)
    watcher = undefined
  }

  function sweep(): void {
    const spare = idle().sort((a, b) => a.idleSince - b.idleSince)
    for (const child of spare) {
      if (children.size <= options.warm || options.now() - child.idleSince < options.idleMs) return
      children.delete(child)
      child.kill("it was idle", true)
    }
  }

  function run(request: RunRequest): Promise<RunOutcome> {
    if (closing) return Promise.resolve(refused("The runner is closing"))
    if ((request.nested ?? 0) > maxDepth) {
      return Promise.resolve(refused(`Actions can trigger each other to a depth of ${maxDepth}`))
    }
    if (request.signal?.aborted) {
      return Promise.resolve({ ok: false, error: platformError("script_aborted", "The run was cancelled") })
    }
    const names = request.libraries ? [] : librariesIn(request.code)
    if (names.length > 0) return runWithLibraries(request, names)
    return new Promise((resolve) => enqueue(request, resolve))
  }

  let watcher: ReturnType<typeof setInterval> | undefined
  const sweeper = setInterval(sweep, sweepMs)
  sweeper.unref()
  refill()

  return {
    run,
    warmUp() {
      warm = options.warm
      refill()
    },
    stats: () => ({
      processes: children.size,
      busy: [...children].filter((child) => child.busy).length,
      queued: queue.length,
      started: counts.started,
      killed: counts.killed,
      measures,
    }),
    async close() {
      closing = true
      clearInterval(sweeper)
      clearInterval(watcher)
      failAll("The runner is closing")
      const all = [...children]
      for (const child of all) child.kill("the daemon closes", true)
      await Promise.all(all.map((child) => child.exited))
    },
  }
}

function refused(message: string): RunOutcome {
  return { ok: false, error: platformError("action_script_failure", message) }
}
