import { type Column, type SQL, sql } from "drizzle-orm"

/** Rows whose column holds this text somewhere; `%` and `_` in it are characters like any other. */
export const contains = (column: Column, text: string): SQL =>
  sql`${column} LIKE ${`%${text.replace(/[\\%_]/g, "\\$&")}%`} ESCAPE '\\'`

/** Rows whose column begins with exactly this text. */
export const startsWith = (column: Column, text: string): SQL => sql`substr(${column}, 1, length(${text})) = ${text}`
