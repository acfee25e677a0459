import { Column, getTableColumns } from "drizzle-orm"
import type { SQLiteTable } from "drizzle-orm/sqlite-core"
import type { Db } from "./store.ts"

type Tables = Record<string, SQLiteTable>
type RowOf<T extends Tables> = { [Name in keyof T]: T[Name]["$inferSelect"] }
type Values = Record<string, string | number>
type Selected = { prepare: () => { values: (values: Values) => Promise<unknown[][]> } }

/**
 * A select of whole tables for a hot path, built once for each database handle: building it costs ten times as much as
 * running it. `build` gets the tables as the fields to select, and leaves the varying parts to `sql.placeholder`. The
 * rows are made here, because the query builder takes longer for that than the database for finding them (measured: 4 us
 * against 1.5 for a connection with its integration).
 */
export function prepareRows<T extends Tables>(
  tables: T,
  build: (db: Db, fields: T) => Selected,
): (db: Db, values: Values) => Promise<RowOf<T>[]> {
  const known = new WeakMap<Db, ReturnType<Selected["prepare"]>>()
  const makeRow = rowMaker(tables)
  return async (db, values) => {
    let prepared = known.get(db)
    if (!prepared) {
      prepared = build(db, tables).prepare()
      known.set(db, prepared)
    }
    return (await prepared.values(values)).map(makeRow)
  }
}

/** Turns the values of one row, table after table and column after column, into objects. */
function rowMaker<T extends Tables>(tables: T): (values: unknown[]) => RowOf<T> {
  const parts = Object.entries(tables).map(([name, table]) => ({ name, columns: columnsOf(table) }))
  return (values) => {
    const row: Record<string, Record<string, unknown>> = {}
    let at = 0
    for (const { name, columns } of parts) {
      const made: Record<string, unknown> = {}
      for (const { key, decoder } of columns) {
        const value = values[at++]
        made[key] = value === null || decoder === undefined ? value : decoder.mapFromDriverValue(value)
      }
      row[name] = made
    }
    return row as RowOf<T>
  }
}

/** A column without a decoder of its own is taken as it is stored. */
const columnsOf = (table: SQLiteTable) =>
  Object.entries(getTableColumns(table)).map(([key, column]) => ({
    key,
    decoder: column.mapFromDriverValue === Column.prototype.mapFromDriverValue ? undefined : column,
  }))
