import type { StepDb } from "../store/store.ts"
import type { LogEntry } from "./log.ts"
import { entriesPerMs } from "./model.ts"

/** What of a message's detail can be searched for. */
const searchedDetail = 4_000

type Batch = { db: StepDb; lastId: number; environments: Map<string, number | undefined> }

/** Writes a batch of entries (JSON text) with the words that they can be found by. */
export function writeEntries(db: StepDb, body: string | undefined): void {
  const last = db.get<{ id: number | null }>("SELECT max(id) AS id FROM entries")?.id ?? 0
  const batch: Batch = { db, lastId: last, environments: new Map() }
  for (const entry of JSON.parse(body ?? "[]") as LogEntry[]) writeEntry(batch, entry)
}

function writeEntry(batch: Batch, entry: LogEntry): void {
  const { db } = batch
  if (entry.entry === "operation") return beginOperation(batch, entry)
  if (entry.entry === "end") {
    const error = text(entry.error)
    db.run(
      "UPDATE operations SET state = ?, level = ?, error = ?, ended_at = ? WHERE id = ?",
      entry.state,
      entry.level,
      error,
      entry.endedAt,
      entry.id,
    )
    return note(batch, { operationId: entry.id, kind: "end", at: entry.endedAt, words: error ?? "" })
  }
  const detail = text(entry.detail)
  db.run(
    "INSERT INTO messages (operation_id, type, level, source, message, detail, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
    entry.operationId,
    entry.type,
    entry.level,
    entry.source,
    entry.message,
    detail,
    entry.createdAt,
  )
  const messageId = db.get<{ id: number }>("SELECT last_insert_rowid() AS id")?.id
  const words = `${entry.message} ${detail?.slice(0, searchedDetail) ?? ""}`
  note(batch, { operationId: entry.operationId, kind: "message", at: entry.createdAt, words, messageId })
}

function beginOperation(batch: Batch, entry: LogEntry & { entry: "operation" }): void {
  const { id, environmentId, type, action, state, level, message, integration, provider, connection, runId, meta } =
    entry
  batch.db.run(
    `INSERT INTO operations (id, environment_id, type, action, state, level, message, integration, provider, connection, function, run_id, meta, created_at, started_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    environmentId,
    type,
    action,
    state,
    level,
    message,
    integration ?? null,
    provider ?? null,
    connection ?? null,
    entry.function ?? null,
    runId ?? null,
    text(meta),
    entry.createdAt,
    entry.createdAt,
  )
  batch.environments.set(id, environmentId)
  const words = [id, type, action, message, integration, provider, connection, entry.function].filter(Boolean).join(" ")
  note(batch, { operationId: id, kind: "begin", at: entry.createdAt, words: `${words} ${text(meta) ?? ""}` })
}

type Noted = { operationId: string; kind: "begin" | "message" | "end"; at: number; words: string; messageId?: number }

function note(batch: Batch, { operationId, kind, at, words, messageId }: Noted): void {
  const { db } = batch
  const environmentId = environmentOf(batch, operationId)
  // The operation may have been swept while it still went on.
  if (environmentId === undefined) return
  batch.lastId = Math.max(batch.lastId + 1, at * entriesPerMs)
  db.run(
    "INSERT INTO entries (id, operation_id, kind, message_id) VALUES (?, ?, ?, ?)",
    batch.lastId,
    operationId,
    kind,
    messageId ?? null,
  )
  db.run(
    "INSERT INTO entry_words (rowid, environment, words) VALUES (?, ?, ?)",
    batch.lastId,
    `e${environmentId}`,
    words,
  )
}

function environmentOf({ db, environments }: Batch, operationId: string): number | undefined {
  if (!environments.has(operationId)) {
    const row = db.get<{ id: number }>("SELECT environment_id AS id FROM operations WHERE id = ?", operationId)
    environments.set(operationId, row?.id)
  }
  return environments.get(operationId)
}

const text = (value: unknown): string | null => (value === undefined || value === null ? null : JSON.stringify(value))
