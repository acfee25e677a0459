import type { StepDb, Steps } from "../store/store.ts"
import { writeEntries } from "./write.ts"

/** Operations that one batch of a sweep removes at most, and messages likewise. */
const operationsBatch = 20
const messagesBatch = 1_000

/**
 * Removes ended operations that began before `before` (milliseconds), the oldest first, with all that belongs to them, in
 * bounded batches. An id begins with its time, so the primary key finds them.
 */
function sweep(db: StepDb, before: number): { deleted: number } {
  const old = db.all<{ id: string }>(
    "SELECT id FROM operations WHERE id < ? AND state <> 'running' ORDER BY id LIMIT ?",
    String(before),
    operationsBatch,
  )
  let deleted = 0
  for (const { id } of old) {
    const entries = db.all<{ id: number; message_id: number | null }>(
      "SELECT id, message_id FROM entries WHERE operation_id = ? LIMIT ?",
      id,
      messagesBatch - deleted,
    )
    for (const entry of entries) {
      db.run("DELETE FROM entry_words WHERE rowid = ?", entry.id)
      if (entry.message_id !== null) db.run("DELETE FROM messages WHERE id = ?", entry.message_id)
      db.run("DELETE FROM entries WHERE id = ?", entry.id)
    }
    deleted += entries.length
    if (deleted >= messagesBatch) return { deleted }
    // Written before entries were.
    deleted += db.run(
      "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE operation_id = ? LIMIT ?)",
      id,
      messagesBatch - deleted,
    )
    if (deleted >= messagesBatch) return { deleted }
    deleted += db.run("DELETE FROM operations WHERE id = ?", id)
  }
  return { deleted }
}

/** Bytes that the log database holds; pages that a sweep has emptied do not count. */
function usedBytes(db: StepDb): number {
  const pragma = (name: string) => Number(Object.values(db.get(`PRAGMA ${name}`) ?? {})[0] ?? 0)
  return (pragma("page_count") - pragma("freelist_count")) * pragma("page_size")
}

export const logSteps: Steps = {
  "logs.write": { database: "logs", run: (db, _input, body) => writeEntries(db, body) },
  "logs.sweep": { database: "logs", run: (db, input) => sweep(db, (input as { before: number }).before) },
  "logs.size": { database: "logs", run: usedBytes },
  "logs.abandon": {
    database: "logs",
    // Operations of a daemon that died can no longer end by themselves.
    run: (db, input) =>
      db.run(
        "UPDATE operations SET state = 'failed', level = 'error', error = ?, ended_at = ? WHERE state = 'running'",
        JSON.stringify({ type: "script_interrupted", message: "The daemon stopped while this was running." }),
        (input as { at: number }).at,
      ),
  },
}
