import type { SqlValue, Store } from "../store/store.ts"
import { type CollectionKey, collectionSql } from "./collection.ts"
import type { RecordFilter, RecordRow } from "./model.ts"
import { filterSql } from "./page.ts"
import { recordColumns, recordText } from "./wire.ts"

export type OldList = CollectionKey & {
  /** Inclusive, in microseconds since the epoch. */
  modifiedAfterUs?: number
  filter?: RecordFilter[]
  sortBy: "id" | "created_at" | "updated_at"
  order: "asc" | "desc"
  offset: number
  limit: number
}

/** Row ids grow as records are first seen; the number of a change grows with the time of the change. */
const sortColumn = { id: "id", created_at: "created_us", updated_at: "change" }

/**
 * The body of the deprecated `GET /sync/records` as JSON text: a bare array, paged by offset. The page is found among
 * ids alone, so that payloads of skipped records are never read.
 */
export async function listOldRecords(store: Store, input: OldList): Promise<string> {
  const [collection] = await store.select<{ id: number }>(collectionSql, [input.connectionId, input.model])
  if (!collection) return "[]"
  const conditions = ["collection_id = ?"]
  const params: SqlValue[] = [collection.id]
  if (input.modifiedAfterUs !== undefined) {
    conditions.push("updated_us >= ?")
    params.push(input.modifiedAfterUs)
  }
  const wanted = [...new Set(input.filter)]
  if (wanted.length > 0) conditions.push(`(${wanted.map((name) => filterSql[name]).join(" OR ")})`)
  const sort = sortColumn[input.sortBy]
  const order = `ORDER BY ${sort} ${input.order}, id ${input.order}`
  const rows = await store.select<RecordRow>(
    `SELECT ${recordColumns} FROM records WHERE id IN
       (SELECT id FROM records WHERE ${conditions.join(" AND ")} ${order} LIMIT ? OFFSET ?) ${order}`,
    [...params, input.limit, input.offset],
  )
  return `[${rows.map(recordText).join(",")}]`
}
