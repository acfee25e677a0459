import { defineFaults } from "../kit/errors.ts"
import { StoreError } from "../store/sqlite.ts"
import type { Checkpoint } from "../syncs/model.ts"
import type { HostRun } from "./host-run.ts"

const faults = defineFaults({
  invalid_checkpoint: [400, "The checkpoint is not a flat object of texts, numbers and booleans."],
  checkpoint_conflict: [409, "Error saving checkpoint: it was changed by another run."],
})

const mostFields = 16
const longestKey = 255

type Read = { version: number; value: string | null }

export async function getCheckpoint(run: HostRun): Promise<Checkpoint | null> {
  const { version, value } = (await step(run, "checkpoint.read")) as Read
  const checkpoint = value === null ? null : (JSON.parse(value) as Checkpoint)
  run.checkpoint.version = version
  if (run.checkpoint.from === undefined) run.checkpoint.from = checkpoint
  return checkpoint
}

/** Replaces the checkpoint. Refused when another run changed it since this one last read or wrote it. */
export async function saveCheckpoint(run: HostRun, checkpoint: Record<string, unknown>): Promise<void> {
  const value = checkFlat(checkpoint, run.ctx.config.checkpointTextLimit)
  const { version } = (await step(run, "checkpoint.save", JSON.stringify(value))) as { version: number }
  run.checkpoint.version = version
  run.checkpoint.to = value
}

export async function clearCheckpoint(run: HostRun): Promise<void> {
  const { version } = (await step(run, "checkpoint.clear")) as { version: number }
  run.checkpoint.version = version
  run.checkpoint.to = null
}

async function step(run: HostRun, name: string, body?: string): Promise<unknown> {
  if (run.scope.length > longestKey)
    throw invalid(`its key "${run.scope.slice(0, 50)}…" is longer than ${longestKey} characters`)
  const input = {
    fence: run.fence,
    connectionId: run.found.connection.id,
    key: run.scope,
    version: run.checkpoint.version,
    now: run.ctx.now().getTime(),
  }
  try {
    return await run.ctx.store.step({ name, input, body })
  } catch (error) {
    if (error instanceof StoreError && error.code === "checkpoint_conflict")
      throw faults.checkpoint_conflict({ cause: error })
    throw error
  }
}

export function checkFlat(checkpoint: Record<string, unknown>, textLimit: number): Checkpoint {
  const fields = Object.entries(checkpoint).filter(([, value]) => value !== undefined)
  if (fields.length > mostFields) throw invalid(`it has ${fields.length} fields, ${mostFields} are allowed`)
  for (const [key, value] of fields) {
    if (key.length > longestKey) throw invalid(`the key "${key.slice(0, 50)}…" is longer than ${longestKey} characters`)
    const problem = problemOf(value, textLimit)
    if (problem) throw invalid(`the field "${key}" ${problem}`)
  }
  return Object.fromEntries(fields) as Checkpoint
}

function problemOf(value: unknown, textLimit: number): string | undefined {
  if (typeof value === "boolean") return undefined
  if (typeof value === "number") return Number.isFinite(value) ? undefined : "is not a finite number"
  if (typeof value !== "string") return "is not a text, a number or a boolean"
  return value.length > textLimit ? `is longer than ${textLimit} characters` : undefined
}

const invalid = (problem: string) => faults.invalid_checkpoint({ message: `Error saving checkpoint: ${problem}.` })
