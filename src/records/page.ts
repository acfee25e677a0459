import type { SqlValue, Store } from "../store/store.ts"
import type { RecordFilter, RecordRow } from "./model.ts"
import { recordColumns } from "./wire.ts"

/** Rows of a collection in the order of change, from just after `after`. `count` is the most to give. */
export type PageQuery = {
  collectionId: number
  after: number
  count: number
  modifiedAfterUs?: number
  filter?: RecordFilter[]
  ids?: string[]
}

/** Rows that a filter may look at in one go: it bounds how long one read holds the thread (5,000 take about 5 ms). */
const sliceRows = 5000

export const filterSql: Record<RecordFilter, string> = {
  added: "(deleted_us IS NULL AND created_us = updated_us)",
  updated: "(deleted_us IS NULL AND created_us <> updated_us)",
  deleted: "deleted_us IS NOT NULL",
}

export async function readPage(store: Store, query: PageQuery): Promise<RecordRow[]> {
  const wanted = [...new Set(query.filter)].toSorted().map((name) => filterSql[name])
  const condition = wanted.length === 0 || wanted.length === 3 ? "" : ` AND (${wanted.join(" OR ")})`
  if (query.ids) return readIds(store, query, query.ids, condition)
  if (condition === "") return readRange(store, query, condition, undefined)
  const rows: RecordRow[] = []
  let { after } = query
  while (true) {
    const edge = await findEdge(store, query.collectionId, after)
    rows.push(...(await readRange(store, { ...query, after, count: query.count - rows.length }, condition, edge)))
    if (edge === undefined || rows.length >= query.count) return rows
    after = edge
    await Bun.sleep(0)
  }
}

/**
 * The last change whose record was modified before the given time; 0 when there is none. Modification times never
 * fall as change numbers grow, so it can be found by halving, without an index on the time.
 */
export async function findChangeBefore(store: Store, collectionId: number, modifiedAfterUs: number): Promise<number> {
  const [last] = await store.select<{ change: number }>(
    "SELECT change FROM records WHERE collection_id = ? ORDER BY change DESC LIMIT 1",
    [collectionId],
  )
  let low = 0
  let high = last?.change ?? 0
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [probe] = await store.select<{ change: number; updated_us: number }>(
      "SELECT change, updated_us FROM records WHERE collection_id = ? AND change > ? ORDER BY change LIMIT 1",
      [collectionId, middle],
    )
    if (probe && probe.updated_us < modifiedAfterUs) low = probe.change
    else high = middle
  }
  return low
}

/** A list of placeholders for `ids`, and the values: padded, so that few statements serve all lengths. */
export function listIds(ids: string[]): { sql: string; params: string[] } {
  const length = ids.length <= 1 ? 1 : ids.length <= 10 ? 10 : Math.ceil(ids.length / 100) * 100
  const params = Array.from({ length }, (_, index) => ids[Math.min(index, ids.length - 1)] as string)
  return { sql: params.map(() => "?").join(","), params }
}

function readRange(store: Store, query: PageQuery, condition: string, edge: number | undefined): Promise<RecordRow[]> {
  const since = sinceSql(query)
  const until = edge === undefined ? "" : " AND change <= ?"
  return store.select<RecordRow>(
    `SELECT ${recordColumns} FROM records WHERE collection_id = ? AND change > ?${until}${since.sql}${condition}
     ORDER BY change LIMIT ?`,
    [query.collectionId, query.after, ...(edge === undefined ? [] : [edge]), ...since.params, query.count],
  )
}

/** The sum keeps the planner on the index of identities: the ids are few, the changes may be millions. */
async function readIds(store: Store, query: PageQuery, ids: string[], condition: string): Promise<RecordRow[]> {
  if (ids.length === 0) return []
  const since = sinceSql(query)
  const list = listIds(ids)
  return store.select<RecordRow>(
    `SELECT ${recordColumns} FROM records WHERE collection_id = ? AND external_id IN (${list.sql})
     AND change + 0 > ?${since.sql}${condition} ORDER BY change + 0 LIMIT ?`,
    [query.collectionId, ...list.params, query.after, ...since.params, query.count],
  )
}

const sinceSql = ({ modifiedAfterUs }: PageQuery): { sql: string; params: SqlValue[] } =>
  modifiedAfterUs === undefined ? { sql: "", params: [] } : { sql: " AND updated_us >= ?", params: [modifiedAfterUs] }

/** The change of the last row of the next slice; undefined when fewer rows than a slice are left. */
async function findEdge(store: Store, collectionId: number, after: number): Promise<number | undefined> {
  const [edge] = await store.select<{ change: number }>(
    "SELECT change FROM records WHERE collection_id = ? AND change > ? ORDER BY change LIMIT 1 OFFSET ?",
    [collectionId, after, sliceRows - 1],
  )
  return edge?.change
}
