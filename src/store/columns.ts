import { getTableColumns, getTableName } from "drizzle-orm"
import {
  blob,
  customType,
  index,
  integer,
  primaryKey,
  real,
  type SQLiteTable,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core"

/**
 * Columns as the rooms describe them, once for every engine. Times are integers: milliseconds since the epoch (`time`)
 * or microseconds (`timeUs`).
 */
export const table = sqliteTable
export { index, primaryKey, real, text, uniqueIndex }
export const int = (name: string) => integer(name, { mode: "number" })
export const bool = (name: string) => integer(name, { mode: "boolean" })
export const time = (name: string) => integer(name, { mode: "number" })
export const timeUs = (name: string) => integer(name, { mode: "number" })
export const json = <T>(name: string) => text(name, { mode: "json" }).$type<T>()
/** A name of ours for the type, so that these columns can be told from others; in the database they are text. */
const sealedType = "sealed"
const sealedText = customType<{ data: string }>({ dataType: () => sealedType })
/** AES-256-GCM text bound to its table, column and the primary key of its row; see `kit/crypto.ts`. */
export const sealed = (name: string) => sealedText(name)

export type SealedColumn = { table: string; column: string; primaryKey: string; numbered: boolean }
/** The sealed columns of a table. */
export function sealedColumnsOf(of: SQLiteTable): SealedColumn[] {
  const columns = Object.values(getTableColumns(of))
  const key = columns.find((column) => column.primary)
  return columns
    .filter((column) => column.getSQLType() === sealedType)
    .map((column) => {
      if (!key) throw new Error(`The table ${getTableName(of)} has a sealed column and no primary key.`)
      const numbered = key.dataType === "number"
      return { table: getTableName(of), column: column.name, primaryKey: key.name, numbered }
    })
}
export const bytes = (name: string) => blob(name, { mode: "buffer" })
