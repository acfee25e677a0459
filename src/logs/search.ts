import type { App } from "../app/context.ts"
import type { SqlValue } from "../store/store.ts"
import { entriesPerMs, type LogLevel, levels, logFaults, type MessageRow, type OperationRow } from "./model.ts"
import { searchExpression } from "./words.ts"

export type OperationFilter = {
  environmentId: number
  type?: string
  state?: string
  /** This level or a graver one. */
  level?: LogLevel
  integration?: string
  connection?: string
  function?: string
  /** When the operation began, in milliseconds since the epoch: from (inclusive) and to (exclusive). */
  from?: number
  to?: number
  /** Words that stand in the operation or in one of its messages. */
  search?: string
  limit: number
  /** `next` of the page before. */
  after?: string
}

export type OperationPage = { rows: OperationRow[]; next: string | null }

/** Operations, newest first; those of a search in the order of the newest entry that was found. Throws `invalid_cursor`. */
export async function listOperations(ctx: App, filter: OperationFilter): Promise<OperationPage> {
  await ctx.logs.flush()
  if (filter.search !== undefined) return searchOperations(ctx, filter, filter.search)
  const where = conditionsOf(filter)
  if (filter.after !== undefined) {
    where.sql.push("(created_at, id) < (SELECT created_at, id FROM operations WHERE id = ?)")
    where.params.push(filter.after)
  }
  const rows = await ctx.store.selectLogs<OperationRow>(
    `SELECT * FROM operations WHERE ${where.sql.join(" AND ")} ORDER BY created_at DESC, id DESC LIMIT ?`,
    [...where.params, filter.limit],
  )
  return { rows, next: rows.length === filter.limit ? (rows.at(-1)?.id ?? null) : null }
}

/** Found entries that are looked at in one go, and in one request: it bounds how long a page may take. */
const sliceEntries = 2_000
const mostEntries = 20_000
const place = /^entry-(\d{1,16})$/

async function searchOperations(ctx: App, filter: OperationFilter, search: string): Promise<OperationPage> {
  const expression = searchExpression(filter.environmentId, search)
  if (expression === undefined) return { rows: [], next: null }
  const start = filter.after === undefined ? undefined : place.exec(filter.after)?.[1]
  if (filter.after !== undefined && start === undefined) throw logFaults.invalid_cursor()
  let before = start === undefined ? Number.MAX_SAFE_INTEGER : Number(start)
  const rows: OperationRow[] = []
  const seen = new Set<string>()
  for (let looked = 0; looked < mostEntries; looked += sliceEntries) {
    const slice = await ctx.store.selectLogs<{ id: number; operation_id: string }>(
      `SELECT e.id, e.operation_id FROM entry_words w CROSS JOIN entries e ON e.id = w.rowid
       WHERE w.entry_words MATCH ? AND w.rowid < ? ORDER BY w.rowid DESC LIMIT ?`,
      [expression, before, sliceEntries],
    )
    const passing = await passingOf(ctx, filter, new Set(slice.map((entry) => entry.operation_id)))
    for (const { id, operation_id } of slice) {
      before = id
      const row = passing.get(operation_id)
      if (!row || seen.has(operation_id)) continue
      seen.add(operation_id)
      // A page before this one has shown it already.
      if (start !== undefined && (await isFoundAfter(ctx, expression, row.id, Number(start)))) continue
      rows.push(row)
      if (rows.length === filter.limit) return { rows, next: `entry-${before}` }
    }
    if (slice.length < sliceEntries) return { rows, next: null }
    await Bun.sleep(0)
  }
  return { rows, next: `entry-${before}` }
}

/** Those of the operations that the rest of the filter lets pass. */
async function passingOf(ctx: App, filter: OperationFilter, ids: Set<string>): Promise<Map<string, OperationRow>> {
  const where = conditionsOf(filter)
  const rows = await ctx.store.selectLogs<OperationRow>(
    `SELECT * FROM operations WHERE id IN (SELECT value FROM json_each(?)) AND ${where.sql.join(" AND ")}`,
    [JSON.stringify([...ids]), ...where.params],
  )
  return new Map(rows.map((row) => [row.id, row]))
}

async function isFoundAfter(ctx: App, expression: string, operationId: string, entryId: number): Promise<boolean> {
  const newer = await ctx.store.selectLogs(
    `SELECT 1 FROM entries e CROSS JOIN entry_words w ON w.rowid = e.id
     WHERE e.operation_id = ? AND e.id >= ? AND w.entry_words MATCH ? LIMIT 1`,
    [operationId, entryId, expression],
  )
  return newer.length > 0
}

/** The conditions on an operation's own columns. */
export function conditionsOf(filter: Omit<OperationFilter, "limit">): { sql: string[]; params: SqlValue[] } {
  const sql = ["environment_id = ?"]
  const params: SqlValue[] = [filter.environmentId]
  for (const name of ["type", "state", "integration", "connection", "function"] as const) {
    const value = filter[name]
    if (value === undefined) continue
    sql.push(`"${name}" = ?`)
    params.push(value)
  }
  if (filter.level !== undefined) {
    sql.push(`level IN (${graver(filter.level)})`)
  }
  if (filter.from !== undefined) {
    sql.push("created_at >= ?")
    params.push(filter.from)
  }
  if (filter.to !== undefined) {
    sql.push("created_at < ?")
    params.push(filter.to)
  }
  return { sql, params }
}

/** A level and those above it, as a list of SQL texts. */
export const graver = (level: LogLevel): string =>
  levels
    .slice(levels.indexOf(level))
    .map((name) => `'${name}'`)
    .join(", ")

/** The first entry of a time, or the last before it. */
export const entryAt = (ms: number): number => ms * entriesPerMs

/** The messages of one operation of this environment, oldest first, after message id `after`. */
export async function listMessages(
  ctx: App,
  input: {
    environmentId: number
    operationId: string
    limit: number
    after?: number
    level?: LogLevel
    search?: string
  },
): Promise<{ operation: OperationRow; messages: MessageRow[] } | undefined> {
  await ctx.logs.flush()
  const [operation] = await ctx.store.selectLogs<OperationRow>(
    "SELECT * FROM operations WHERE id = ? AND environment_id = ?",
    [input.operationId, input.environmentId],
  )
  if (!operation) return undefined
  const expression = input.search === undefined ? undefined : searchExpression(input.environmentId, input.search)
  if (input.search !== undefined && expression === undefined) return { operation, messages: [] }
  const level = input.level === undefined ? "" : ` AND level IN (${graver(input.level)})`
  const found = expression === undefined ? "" : ` AND id IN (${foundMessages})`
  const messages = await ctx.store.selectLogs<MessageRow>(
    `SELECT * FROM messages WHERE operation_id = ? AND id > ?${level}${found} ORDER BY id LIMIT ?`,
    [
      input.operationId,
      input.after ?? 0,
      ...(expression === undefined ? [] : [input.operationId, expression]),
      input.limit,
    ],
  )
  return { operation, messages }
}

const foundMessages = `SELECT e.message_id FROM entries e CROSS JOIN entry_words w ON w.rowid = e.id
  WHERE e.operation_id = ? AND e.kind = 'message' AND w.entry_words MATCH ?`
