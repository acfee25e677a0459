import type { App } from "../app/context.ts"
import { sha256Hex } from "../kit/crypto.ts"
import { priorities } from "../queue/model.ts"
import { addTask } from "../queue/queue.ts"

/** The part of a lane that stands for its URL. */
export const urlPart = (url: string): string => sha256Hex(url).slice(0, 16)

/**
 * The lane of a delivery: what is about one connection reaches one URL in the order in which it happened; what is about
 * none has a lane of its own.
 */
export const laneOf = (environmentId: number, connectionId: number | undefined, url: string): string =>
  `${environmentId}:${connectionId ?? "all"}:${urlPart(url)}`

export const laneKey = (lane: string): string => `delivery:${lane}`

/** Makes sure that the lane has a task. One that waits for a retry keeps its time: order matters more than haste. */
export async function wakeLane(ctx: App, lane: string, at?: Date): Promise<void> {
  const [environment, , url] = lane.split(":")
  await addTask(ctx, {
    kind: "delivery",
    key: laneKey(lane),
    group: `delivery:${environment}:${url}`,
    priority: priorities.webhook,
    payload: { lane },
    runAt: at,
  })
  ctx.tx?.after(ctx.queue.wake)
}
