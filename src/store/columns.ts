import { blob, index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core"

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
/** AES-256-GCM text bound to its row; see `kit/crypto.ts`. */
export const sealed = (name: string) => text(name)
export const bytes = (name: string) => blob(name, { mode: "buffer" })
