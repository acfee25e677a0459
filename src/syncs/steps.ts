import { type Fence, fence, holdFence } from "../queue/fence.ts"
import { type InputShape, optional, readInput, text, whole } from "../store/input.ts"
import type { StepDb, Steps } from "../store/store.ts"
import { StepError } from "../store/writer.ts"

type Input = {
  fence?: Fence
  connectionId: number
  key: string
  /** Version of the run's last read or write; null takes whatever is there. */
  version: number | null
  now: number
}
const shape: InputShape<Input> = {
  fence: optional(fence),
  connectionId: whole(1),
  key: text(1024),
  version: optional(whole(0)),
  now: whole(0),
}
type Row = { id: number; version: number; value: string; deleted_at: number | null }

const find = (db: StepDb, connectionId: number, key: string) =>
  db.get<Row>(
    "SELECT id, version, value, deleted_at FROM checkpoints WHERE connection_id = ? AND key = ?",
    connectionId,
    key,
  )

function expect(row: Row | undefined, version: number | null): void {
  if (version === null || row?.version === version || (row === undefined && version === 0)) return
  throw new StepError("checkpoint_conflict", "The checkpoint was changed by another run.")
}

/** Replaces the checkpoint. Answers its new version. */
function save(db: StepDb, raw: unknown, body: string | undefined): { version: number } {
  const input = readInput(shape, raw)
  holdFence(db, input.fence)
  const row = find(db, input.connectionId, input.key)
  expect(row, input.version)
  if (!row) {
    db.run(
      "INSERT INTO checkpoints (connection_id, key, value, version, created_at, updated_at) VALUES (?, ?, ?, 1, ?, ?)",
      input.connectionId,
      input.key,
      body ?? "{}",
      input.now,
      input.now,
    )
    return { version: 1 }
  }
  db.run(
    "UPDATE checkpoints SET value = ?, version = version + 1, updated_at = ?, deleted_at = NULL WHERE id = ?",
    body ?? "{}",
    input.now,
    row.id,
  )
  return { version: row.version + 1 }
}

/** Marks the checkpoint as cleared; one that is not there, or cleared already, is left alone. */
function clear(db: StepDb, raw: unknown): { version: number } {
  const input = readInput(shape, raw)
  holdFence(db, input.fence)
  const row = find(db, input.connectionId, input.key)
  if (!row || row.deleted_at !== null) return { version: row?.version ?? 0 }
  expect(row, input.version)
  db.run(
    "UPDATE checkpoints SET version = version + 1, updated_at = ?, deleted_at = ? WHERE id = ?",
    input.now,
    input.now,
    row.id,
  )
  return { version: row.version + 1 }
}

/** Reads in the order of the run's own writes. */
function read(db: StepDb, raw: unknown): { version: number; value: string | null } {
  const input = readInput(shape, raw)
  const row = find(db, input.connectionId, input.key)
  return { version: row?.version ?? 0, value: row && row.deleted_at === null ? row.value : null }
}

export const checkpointSteps: Steps = {
  "checkpoint.save": { database: "main", run: save },
  "checkpoint.clear": { database: "main", run: clear },
  "checkpoint.read": { database: "main", run: read },
}
