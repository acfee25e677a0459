import { readInput } from "../store/input.ts"
import type { Step } from "../store/store.ts"
import { startClock } from "./change-clock.ts"
import { addTotals, findCollection } from "./collection.ts"
import { pruneRecordsShape } from "./model.ts"
import { bareText, type JsonObject } from "./payload.ts"
import { prunedHash } from "./stored-payload.ts"

type Prunable = {
  id: number
  external_id: string
  change: number
  payload: string
}

/**
 * `records.prune`: empties the payloads of records up to and including the change `untilChange`, oldest first. Their
 * place in the order of changes and their times stay. Answers `{ count, hasMore }`.
 */
export const pruneStep: Step = {
  database: "main",
  run(db, input) {
    const { connectionId, model, untilChange, limit } = readInput(pruneRecordsShape, input)
    const collectionId = findCollection(db, { connectionId, model })
    if (collectionId === undefined) return { count: 0, hasMore: false }
    const rows = db.all<Prunable>(
      `SELECT id, external_id, change, payload FROM records
       WHERE collection_id = ? AND change <= ? AND pruned_us IS NULL ORDER BY change LIMIT ?`,
      collectionId,
      untilChange,
      limit,
    )
    const last = rows.at(-1)
    if (!last) return { count: 0, hasMore: false }
    const clock = startClock(db)
    let bytes = 0
    for (const row of rows) {
      const bare = bareText(row.external_id)
      bytes += Buffer.byteLength(bare) - Buffer.byteLength(row.payload)
      const hash = prunedHash(JSON.parse(row.payload) as JsonObject)
      db.run("UPDATE records SET payload = ?, hash = ?, pruned_us = ? WHERE id = ?", bare, hash, clock.nowUs, row.id)
    }
    clock.stop()
    addTotals(db, collectionId, { live: 0, bytes })
    const next = db.get(
      "SELECT 1 FROM records WHERE collection_id = ? AND change > ? AND change <= ? AND pruned_us IS NULL LIMIT 1",
      collectionId,
      last.change,
      untilChange,
    )
    return { count: rows.length, hasMore: next !== undefined }
  },
}
