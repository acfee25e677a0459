import type { StepDb } from "../store/store.ts"

/**
 * The change numbers and the time of one step. All rows of a step share `nowUs` (microseconds), which is later than
 * that of every step before it even when the wall clock goes backwards; so within a collection the modification times
 * never fall as the change numbers grow.
 */
export type ChangeClock = {
  nowUs: number
  next: () => number
  /** Writes both counters back and gives the last change number handed out, null if none. */
  stop: () => number | null
}

export function startClock(db: StepDb): ChangeClock {
  const { change: before, clock } = db.get<{ change: number; clock: number }>(
    `SELECT (SELECT value FROM counters WHERE name = 'change') AS change,
            (SELECT value FROM counters WHERE name = 'clock_us') AS clock`,
  ) as { change: number; clock: number }
  const nowUs = Math.max(Date.now() * 1000, clock + 1)
  let change = before
  return {
    nowUs,
    next: () => ++change,
    stop() {
      db.run("UPDATE counters SET value = ? WHERE name = 'clock_us'", nowUs)
      if (change === before) return null
      db.run("UPDATE counters SET value = ? WHERE name = 'change'", change)
      return change
    },
  }
}
