import type { StepDb, Steps } from "../store/store.ts"
import type { LogEntry } from "./log.ts"

const text = (value: unknown): string | null => (value === undefined || value === null ? null : JSON.stringify(value))

function writeEntry(db: StepDb, entry: LogEntry): void {
  if (entry.entry === "message") {
    db.run(
      "INSERT INTO messages (operation_id, type, level, source, message, detail, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      entry.operationId,
      entry.type,
      entry.level,
      entry.source,
      entry.message,
      text(entry.detail),
      entry.createdAt,
    )
    return
  }
  if (entry.entry === "end") {
    db.run(
      "UPDATE operations SET state = ?, level = ?, error = ?, ended_at = ? WHERE id = ?",
      entry.state,
      entry.level,
      text(entry.error),
      entry.endedAt,
      entry.id,
    )
    return
  }
  db.run(
    `INSERT INTO operations (id, environment_id, type, action, state, level, message, integration, provider, connection, function, run_id, meta, created_at, started_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    entry.id,
    entry.environmentId,
    entry.type,
    entry.action,
    entry.state,
    entry.level,
    entry.message,
    entry.integration ?? null,
    entry.provider ?? null,
    entry.connection ?? null,
    entry.function ?? null,
    entry.runId ?? null,
    text(entry.meta),
    entry.createdAt,
    entry.createdAt,
  )
}

/**
 * Ended operations older than `before` (milliseconds) and their messages, in bounded batches. An id begins with its time,
 * so the primary key finds them.
 */
function sweep(db: StepDb, before: number): { deleted: number } {
  const deleted = db.run(
    `DELETE FROM messages WHERE id IN (SELECT m.id FROM operations o JOIN messages m ON m.operation_id = o.id
       WHERE o.id < ? AND o.state <> 'running' LIMIT 2000)`,
    String(before),
  )
  if (deleted > 0) return { deleted }
  return {
    deleted: db.run(
      "DELETE FROM operations WHERE id IN (SELECT id FROM operations WHERE id < ? AND state <> 'running' LIMIT 500)",
      String(before),
    ),
  }
}

export const logSteps: Steps = {
  "logs.write": {
    database: "logs",
    run(db, _input, body) {
      for (const entry of JSON.parse(body ?? "[]") as LogEntry[]) writeEntry(db, entry)
    },
  },
  "logs.sweep": { database: "logs", run: (db, input) => sweep(db, (input as { before: number }).before) },
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
