import type { App } from "../app/context.ts"
import { messageOf } from "../kit/errors.ts"
import { waitAtMost } from "../kit/wait.ts"
import { claimTasks, type GroupLimit, type Places } from "./claim.ts"
import type { TaskKind, TaskRow } from "./model.ts"
import { beatTasks, nextTaskAt, recoverTasks, settleTask, sweepTasks } from "./queue.ts"
import { fireSchedules, nextScheduleAt, spreadOverdue } from "./schedule.ts"

/** What carries out the tasks of one kind. */
export type TaskHandler = {
  /** Does the work and settles the task in its own closing transaction. `signal` says that it shall end early. */
  run: (task: TaskRow, signal: AbortSignal) => Promise<void>
  /** An attempt was lost (the daemon died, the lease ran out). `givenUp` says that there will be no other. */
  lost: (task: TaskRow, givenUp: boolean) => Promise<void>
}

export type QueueLoop = {
  /** Something became due: look now instead of at the next planned time. */
  wake: () => void
  /** Tells the run of a task, if it is in this process, to end. */
  abort: (taskId: string, reason: string) => void
  start: (handlers: Record<TaskKind, TaskHandler>) => Promise<void>
  /** Stops claiming, tells running tasks to end and waits for them, at most `graceMs`. */
  stop: (graceMs: number) => Promise<void>
  running: () => number
}

const leaseMs = 60_000
const beatMs = 10_000
const longestSleepMs = 60_000
const keepFinishedMs = 60 * 60_000
/** After a look that failed (a busy or full disk). */
const retryMs = 1_000

/**
 * The tick: it sleeps until the next task or schedule is due, or until `wake`. `places` are what this process can carry
 * out at one time; every kind of task belongs to one of them.
 */
export function createQueueLoop(app: () => App, options: { places: Places[]; limit: GroupLimit }): QueueLoop {
  const running = new Map<string, { kind: TaskKind; abort: AbortController; done: Promise<void> }>()
  let handlers: Record<TaskKind, TaskHandler> | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let beat: ReturnType<typeof setInterval> | undefined
  let ticking: Promise<void> | undefined
  let beating: Promise<void> | undefined
  let again = false
  let stopped = false

  function wake() {
    if (stopped || !handlers) return
    if (ticking) {
      again = true
      return
    }
    clearTimeout(timer)
    ticking = tick()
      .catch((error) => {
        app().log.error({ err: error }, "the queue could not look for work")
        if (!stopped) timer = setTimeout(wake, retryMs)
      })
      .finally(() => {
        ticking = undefined
        if (again) {
          again = false
          wake()
        }
      })
  }

  async function tick() {
    const ctx = app()
    while ((await fireSchedules(ctx)) > 0 && !stopped);
    const claimed = await claimTasks(ctx, { places: options.places.map(freePlaces), leaseMs, limit: options.limit })
    for (const task of claimed) startTask(ctx, task)
    if (claimed.length > 0) again = true
    const due = [await nextTaskAt(ctx), await nextScheduleAt(ctx)].filter((at) => at !== undefined)
    const now = ctx.now().getTime()
    // A task that is due but was not claimed waits for a slot: the end of a run wakes the loop.
    const wait = Math.min(...due.filter((at) => at > now).map((at) => at - now), longestSleepMs)
    if (!stopped) timer = setTimeout(wake, Math.max(wait, 1))
  }

  function freePlaces({ kinds, most }: Places): Places {
    const taken = [...running.values()].filter(({ kind }) => !kinds || kinds.includes(kind)).length
    return { kinds, most: most - taken }
  }

  function startTask(ctx: App, task: TaskRow) {
    const abort = new AbortController()
    const done = runTask(ctx, task, abort.signal).finally(() => {
      // Another attempt of the same task may have been started here meanwhile.
      if (running.get(task.id)?.abort === abort) running.delete(task.id)
      wake()
    })
    running.set(task.id, { kind: task.kind, abort, done })
  }

  async function runTask(ctx: App, task: TaskRow, signal: AbortSignal) {
    try {
      await handlers?.[task.kind].run(task, signal)
    } catch (error) {
      ctx.log.error({ err: error, task: task.id, kind: task.kind }, `a task failed: ${messageOf(error)}`)
    }
    if (!stopped) await settleLeftover(ctx, task)
  }

  /** The handler settles in its closing transaction; this is for one that could not. */
  async function settleLeftover(ctx: App, task: TaskRow) {
    try {
      await ctx.store.tx((tx) => settleTask({ ...ctx, tx, db: tx.db }, task))
    } catch (error) {
      // A store that cannot be written (a full disk): its lease runs out, and then the task is taken up again.
      ctx.log.error({ err: error, task: task.id }, `a task could not be settled: ${messageOf(error)}`)
    }
  }

  async function keepLeases() {
    const ctx = app()
    const cancelled = await beatTasks(ctx, [...running.keys()], leaseMs)
    for (const id of cancelled) running.get(id)?.abort.abort("cancelled")
    const lost = await recoverTasks(ctx, { all: false })
    await announceLost(ctx, lost)
    if (lost.length > 0) wake()
    await sweepTasks(ctx, ctx.now().getTime() - keepFinishedMs)
  }

  async function announceLost(ctx: App, lost: { task: TaskRow; givenUp: boolean }[]) {
    for (const { task, givenUp } of lost) {
      running.get(task.id)?.abort.abort("lease lost")
      await handlers?.[task.kind].lost(task, givenUp)
    }
    if (lost.length > 0) ctx.log.warn({ tasks: lost.length }, "tasks of a lost attempt were taken over")
  }

  return {
    wake,
    abort: (taskId, reason) => running.get(taskId)?.abort.abort(reason),
    async start(given) {
      handlers = given
      const ctx = app()
      await announceLost(ctx, await recoverTasks(ctx, { all: true }))
      await spreadOverdue(ctx)
      beat = setInterval(() => {
        beating = keepLeases().catch((error) => app().log.error({ err: error }, "leases could not be extended"))
      }, beatMs)
      wake()
    },
    async stop(graceMs) {
      stopped = true
      clearTimeout(timer)
      clearInterval(beat)
      await Promise.all([ticking, beating])
      for (const { abort } of running.values()) abort.abort("the daemon stops")
      const all = Promise.allSettled([...running.values()].map((task) => task.done))
      await waitAtMost(all, graceMs)
    },
    running: () => running.size,
  }
}
