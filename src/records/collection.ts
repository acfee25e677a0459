import type { StepDb } from "../store/store.ts"

export type CollectionKey = { connectionId: number; model: string }

export const collectionSql = "SELECT id FROM collections WHERE connection_id = ? AND model = ?"

export const findCollection = (db: StepDb, key: CollectionKey): number | undefined =>
  db.get<{ id: number }>(collectionSql, key.connectionId, key.model)?.id

export function ensureCollection(db: StepDb, key: CollectionKey): number {
  const known = findCollection(db, key)
  if (known !== undefined) return known
  db.run("INSERT INTO collections (connection_id, model) VALUES (?, ?)", key.connectionId, key.model)
  return findCollection(db, key) as number
}

/** Moves the totals of a collection: live records, and bytes of all stored payloads (UTF-8). */
export function addTotals(db: StepDb, collectionId: number, by: { live: number; bytes: number }): void {
  if (by.live === 0 && by.bytes === 0) return
  db.run(
    "UPDATE collections SET live_count = live_count + ?, size_bytes = size_bytes + ? WHERE id = ?",
    by.live,
    by.bytes,
    collectionId,
  )
}

export type RunCounts = {
  added: number
  updated: number
  deleted: number
  unchanged: number
}

export function addRunCounts(db: StepDb, run: { runId: number; countModel: string }, counts: RunCounts): void {
  db.run(
    `INSERT INTO run_counts (run_id, model, added, updated, deleted, unchanged) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (run_id, model) DO UPDATE SET added = added + excluded.added, updated = updated + excluded.updated,
       deleted = deleted + excluded.deleted, unchanged = unchanged + excluded.unchanged`,
    run.runId,
    run.countModel,
    counts.added,
    counts.updated,
    counts.deleted,
    counts.unchanged,
  )
}
