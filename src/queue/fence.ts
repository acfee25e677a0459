import type { Check } from "../store/input.ts"
import type { StepDb } from "../store/store.ts"
import { StepError } from "../store/writer.ts"

/**
 * Who writes on behalf of a run: the task and the attempt that claimed it. A write is refused once another attempt has
 * taken the task over (or it was cancelled), so a process that lost its lease cannot change anything any more.
 */
export type Fence = { taskId: string; attempt: number }

export const fence: Check = {
  expects: "a task and its attempt",
  holds: (value) => {
    const { taskId, attempt } = (value ?? {}) as Partial<Fence>
    return typeof taskId === "string" && Number.isSafeInteger(attempt)
  },
}

/**
 * Refuses the step (`lease_lost`) unless the fence still holds. A step that commits is progress, so it also clears the
 * count of attempts that were lost in a row.
 */
export function holdFence(db: StepDb, fence: Fence | undefined): void {
  if (!fence) return
  const held = db.run(
    "UPDATE tasks SET losses = 0 WHERE id = ? AND attempt = ? AND state = 'started' AND cancel_reason IS NULL",
    fence.taskId,
    fence.attempt,
  )
  if (held === 0) throw new StepError("lease_lost", "This run no longer holds its task.")
}
