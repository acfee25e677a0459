import { readInput } from "../store/input.ts"
import type { Step, StepDb } from "../store/store.ts"
import { addTotals, findCollection } from "./collection.ts"
import { clearRecordsShape } from "./model.ts"

type Doomed = { rows: number; live: number; bytes: number; last: number }

/**
 * `records.clear`: removes up to `limit` records for good, oldest change first, as if they had never been seen.
 * Answers `{ deleted, more }`.
 */
export const clearStep: Step = {
  database: "main",
  run(db, input) {
    const call = readInput(clearRecordsShape, input)
    const collectionId = findCollection(db, call)
    if (collectionId === undefined) return { deleted: 0, more: false }
    const doomed = db.get<Doomed>(
      `SELECT count(*) AS rows, total(deleted_us IS NULL) AS live, total(octet_length(payload)) AS bytes, max(change) AS last
       FROM (SELECT deleted_us, payload, change FROM records WHERE collection_id = ? ORDER BY change LIMIT ?)`,
      collectionId,
      call.limit,
    )
    if (doomed && doomed.rows > 0) {
      db.run("DELETE FROM records WHERE collection_id = ? AND change <= ?", collectionId, doomed.last)
      addTotals(db, collectionId, { live: -doomed.live, bytes: -doomed.bytes })
    }
    const more = db.get("SELECT 1 FROM records WHERE collection_id = ? LIMIT 1", collectionId) !== undefined
    if (!more) forgetCollection(db, collectionId)
    return { deleted: doomed?.rows ?? 0, more }
  },
}

/** Sightings go because row ids may be given out again; the collection stays while a window points to it. */
function forgetCollection(db: StepDb, collectionId: number): void {
  db.run("DELETE FROM record_sightings WHERE collection_id = ?", collectionId)
  db.run(
    "DELETE FROM collections WHERE id = ? AND NOT EXISTS (SELECT 1 FROM delete_windows WHERE collection_id = collections.id)",
    collectionId,
  )
}
