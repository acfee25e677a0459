import type { App } from "../app/context.ts"
import { AppError } from "../kit/errors.ts"

/** An action that waits for its turn longer than this fails: its caller sits at an open request. */
export const longestWaitMs = 30_000

type Lane = { running: number; waiting: (() => void)[] }

const lanes = new WeakMap<App["store"], Map<number, Lane>>()

/**
 * Takes one of an environment's places for actions (`SLUICE_ACTION_CONCURRENCY`), waiting for one if need be, first come,
 * first served. Answers how to give it back. Throws `action_script_failure` when none became free in time.
 */
export async function takePlace(
  app: Pick<App, "store" | "config">,
  environmentId: number,
  waitMs = longestWaitMs,
): Promise<() => void> {
  const lane = laneOf(app.store, environmentId)
  if (lane.running < app.config.actionConcurrency) lane.running++
  else await waitForPlace(lane, waitMs)
  return () => {
    const next = lane.waiting.shift()
    // The place goes from hand to hand, so that nobody can take it in between.
    if (next) next()
    else lane.running--
  }
}

function waitForPlace(lane: Lane, waitMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const taken = () => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(() => {
      lane.waiting.splice(lane.waiting.indexOf(taken), 1)
      const message = `The action could not start within ${waitMs / 1000} seconds: too many actions of this environment are running.`
      reject(new AppError("action_script_failure", 500, message, { payload: {} }))
    }, waitMs)
    lane.waiting.push(taken)
  })
}

function laneOf(store: App["store"], environmentId: number): Lane {
  const ofStore = lanes.get(store) ?? new Map<number, Lane>()
  lanes.set(store, ofStore)
  const lane = ofStore.get(environmentId) ?? { running: 0, waiting: [] }
  ofStore.set(environmentId, lane)
  return lane
}
