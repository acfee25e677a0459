import type { Db } from "./store.ts"

/**
 * A query of a hot path, built once for each database handle: building it costs ten times as much as running it. Leave
 * the varying parts to `sql.placeholder`.
 */
export function prepareOnce<T extends object>(build: (db: Db) => T): (db: Db) => T {
  const known = new WeakMap<Db, T>()
  return (db) => {
    const found = known.get(db)
    if (found) return found
    const made = build(db)
    known.set(db, made)
    return made
  }
}
