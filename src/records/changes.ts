import type { SqlValue, Store } from "../store/store.ts"
import { encodeCursor } from "./cursor.ts"
import type { RecordRow } from "./model.ts"
import { encodePlaces, type Places } from "./places.ts"
import { recordColumns, recordText } from "./wire.ts"

/** Which changes of a connection a reader wants: of one full model, or of all. */
export type Feed = { connectionId: number; model?: string }

/** One change. `after` is the cursor of a reader that has seen it and all before it. `text` is `{"model","variant","record"}`. */
export type Change = { after: string; text: string }
export type ChangePage = { changes: Change[]; places: Places; hasMore: boolean }

type Collection = { id: number; model: string }
type Head = { collection_id: number; change: number }

/**
 * The next changes after `places`, at most `limit`: for each model in the order of commit, none left out. A record that
 * changed again since is where its last change is.
 */
export async function readChanges(
  store: Store,
  feed: Feed,
  options: { places: Places; limit: number },
): Promise<ChangePage> {
  const collections = await listCollections(store, feed)
  const heads = await readHeads(store, collections, { ...options, limit: options.limit + 1 })
  const chosen = heads.slice(0, options.limit)
  const rows = await readRows(store, collections, chosen, options.places)
  const places: Places = new Map(options.places)
  const changes = rows.map(({ collection, row }) => {
    places.set(collection.id, row.change)
    return { after: cursorOf(feed, places), text: changeText(collection.model, row) }
  })
  // A chosen change that is gone meanwhile has a later one, which is still to come.
  for (const { collection_id, change } of chosen) places.set(collection_id, change)
  return { changes, places, hasMore: heads.length > chosen.length }
}

/** The places of a reader that wants only what happens from now on. */
export async function placesNow(store: Store, feed: Feed): Promise<Places> {
  const collections = await listCollections(store, feed)
  const rows = await store.select<Head>(
    `SELECT c.value AS collection_id, (SELECT max(change) FROM records WHERE collection_id = c.value) AS change FROM json_each(?) c`,
    [JSON.stringify(collections.map(({ id }) => id))],
  )
  return new Map(rows.map(({ collection_id, change }) => [collection_id, change ?? 0]))
}

/** The place in one model is the cursor of `GET /records`; with a place in all models goes one of their own. */
export const cursorOf = (feed: Feed, places: Places): string =>
  feed.model === undefined ? encodePlaces(places) : encodeCursor([...places.values()][0] ?? 0)

export function listCollections(store: Store, { connectionId, model }: Feed): Promise<Collection[]> {
  const only = model === undefined ? "" : " AND model = ?"
  return store.select<Collection>(`SELECT id, model FROM collections WHERE connection_id = ?${only} ORDER BY id`, [
    connectionId,
    ...(model === undefined ? [] : [model]),
  ])
}

/** SQLite takes at most 500 terms in one compound statement. */
const mostTerms = 400

/** The numbers of the next changes over all collections, lowest first. One statement sees one state of the database. */
async function readHeads(
  store: Store,
  collections: Collection[],
  { places, limit }: { places: Places; limit: number },
): Promise<Head[]> {
  const heads: Head[] = []
  for (let from = 0; from < collections.length; from += mostTerms) {
    const part = collections.slice(from, from + mostTerms)
    const term =
      "SELECT * FROM (SELECT collection_id, change FROM records WHERE collection_id = ? AND change > ? ORDER BY change LIMIT ?)"
    const params: SqlValue[] = part.flatMap(({ id }) => [id, places.get(id) ?? 0, limit])
    const sql = `${part.map(() => term).join(" UNION ALL ")} ORDER BY change LIMIT ?`
    heads.push(...(await store.select<Head>(sql, [...params, limit])))
  }
  return heads.toSorted((a, b) => a.change - b.change).slice(0, limit)
}

async function readRows(store: Store, collections: Collection[], chosen: Head[], places: Places) {
  const last = new Map(chosen.map(({ collection_id, change }) => [collection_id, change]))
  const found: { collection: Collection; row: RecordRow }[] = []
  for (const collection of collections) {
    const until = last.get(collection.id)
    if (until === undefined) continue
    const rows = await store.select<RecordRow>(
      `SELECT ${recordColumns} FROM records WHERE collection_id = ? AND change > ? AND change <= ? ORDER BY change`,
      [collection.id, places.get(collection.id) ?? 0, until],
    )
    found.push(...rows.map((row) => ({ collection, row })))
  }
  return found.toSorted((a, b) => a.row.change - b.row.change)
}

function changeText(fullModel: string, row: RecordRow): string {
  const [model = "", variant = "base"] = fullModel.split("::")
  return `{"model":${JSON.stringify(model)},"variant":${JSON.stringify(variant)},"record":${recordText(row)}}`
}
