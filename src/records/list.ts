import type { Store } from "../store/store.ts"
import { type CollectionKey, collectionSql } from "./collection.ts"
import { decodeCursor, encodeCursor } from "./cursor.ts"
import { type FindUnseen, type RecordFilter, recordFaults, type RecordRow } from "./model.ts"
import { findChangeBefore, listIds, readPage } from "./page.ts"
import type { UnseenRecords } from "./window-step.ts"
import { recordColumns, recordText } from "./wire.ts"

export type ListRecords = CollectionKey & {
  /** Only what changed after this place. */
  cursor?: string
  limit: number
  /** A union; absent or empty means all. */
  filter?: RecordFilter[]
  /** Inclusive, in microseconds since the epoch. */
  modifiedAfterUs?: number
  ids?: string[]
}

/**
 * The body of `GET /records` as JSON text: `{"records":[…],"next_cursor":…}`, in the order of change. Payloads are not
 * parsed. A collection that does not exist reads as empty. Throws `invalid_cursor`.
 */
export async function listRecords(store: Store, input: ListRecords): Promise<string> {
  const { rows, nextCursor } = await readRows(store, input)
  return `{"records":[${rows.map(recordText).join(",")}],"next_cursor":${JSON.stringify(nextCursor)}}`
}

/** A page for a function: one record per line of `lines` (metadata and deleted ones included). Throws `invalid_cursor`. */
export async function readRecordPage(
  store: Store,
  input: CollectionKey & { cursor?: string; limit?: number },
): Promise<{ lines: string; nextCursor: string | null }> {
  const { rows, nextCursor } = await readRows(store, { limit: 100, ...input })
  return { lines: rows.map(recordText).join("\n"), nextCursor }
}

/** Records by external id as JSON texts, one per line, in no order; deleted ones are included, unknown ids are absent. */
export async function readRecords(store: Store, input: CollectionKey & { ids: string[] }): Promise<string> {
  const collectionId = await findCollectionId(store, input)
  if (collectionId === undefined) return ""
  const ids = [...new Set(input.ids.map((id) => id.replaceAll("\0", "")))]
  const lines: string[] = []
  for (let from = 0; from < ids.length; from += 100) {
    const list = listIds(ids.slice(from, from + 100))
    const rows = await store.select<RecordRow>(
      `SELECT ${recordColumns} FROM records WHERE collection_id = ? AND external_id IN (${list.sql})`,
      [collectionId, ...list.params],
    )
    lines.push(...rows.map(recordText))
  }
  return lines.join("\n")
}

type UnseenInput = CollectionKey & { scope?: string; generation?: number }

/**
 * External ids that `records.markUnseen` would delete now, oldest change first. `scope` names an open window
 * (`unknown_delete_window` when there is none), `generation` a run.
 */
export async function listUnseen(store: Store, input: UnseenInput & { limit: number }): Promise<string[]> {
  return (await findUnseen(store, input)).ids
}

/** How many records `records.markUnseen` would delete now. Throws `unknown_delete_window`. */
export async function countUnseen(store: Store, input: UnseenInput): Promise<number> {
  return (await findUnseen(store, { ...input, limit: 0 })).count
}

/** Live records of each of the full models of a connection; 0 where there are none. */
export async function countRecords(
  store: Store,
  connectionId: number,
  models: string[],
): Promise<Record<string, number>> {
  const rows = await store.select<{ model: string; live_count: number }>(
    "SELECT model, live_count FROM collections WHERE connection_id = ?",
    [connectionId],
  )
  const counts = new Map(rows.map((row) => [row.model, row.live_count]))
  return Object.fromEntries(models.map((model) => [model, counts.get(model) ?? 0]))
}

export async function liveCount(store: Store, key: CollectionKey): Promise<number> {
  return (await countRecords(store, key.connectionId, [key.model]))[key.model] ?? 0
}

/** The full models of a connection that have a collection. */
export async function listModels(store: Store, connectionId: number): Promise<string[]> {
  const rows = await store.select<{ model: string }>(
    "SELECT model FROM collections WHERE connection_id = ? ORDER BY model",
    [connectionId],
  )
  return rows.map((row) => row.model)
}

/** The number of the last change of a collection, null when it is empty: what the merging strategy captures. */
export async function findLastChange(store: Store, key: CollectionKey): Promise<number | null> {
  const collectionId = await findCollectionId(store, key)
  if (collectionId === undefined) return null
  const [row] = await store.select<{ change: number | null }>(
    "SELECT max(change) AS change FROM records WHERE collection_id = ?",
    [collectionId],
  )
  return row?.change ?? null
}

async function findUnseen(store: Store, input: FindUnseen): Promise<UnseenRecords> {
  const answer = (await store.step({
    name: "records.findUnseen",
    input,
  })) as UnseenRecords
  if (!answer.found) throw recordFaults.unknown_delete_window()
  return answer
}

async function findCollectionId(store: Store, key: CollectionKey): Promise<number | undefined> {
  const [row] = await store.select<{ id: number }>(collectionSql, [key.connectionId, key.model])
  return row?.id
}

async function readRows(store: Store, input: ListRecords): Promise<{ rows: RecordRow[]; nextCursor: string | null }> {
  const place = input.cursor === undefined ? 0 : decodeCursor(input.cursor)
  if (place === undefined) throw recordFaults.invalid_cursor()
  const collectionId = await findCollectionId(store, input)
  if (collectionId === undefined) return { rows: [], nextCursor: null }
  const { limit, modifiedAfterUs, filter } = input
  const before = modifiedAfterUs === undefined ? 0 : await findChangeBefore(store, collectionId, modifiedAfterUs)
  const ids = input.ids?.map((id) => id.replaceAll("\0", ""))
  const query = {
    collectionId,
    after: Math.max(place, before),
    count: limit + 1,
    modifiedAfterUs,
    filter,
    ids,
  }
  const rows = await readPage(store, query)
  const last = rows[limit - 1]
  if (rows.length <= limit || !last) return { rows, nextCursor: null }
  return { rows: rows.slice(0, limit), nextCursor: encodeCursor(last.change) }
}
