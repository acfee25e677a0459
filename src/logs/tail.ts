import type { EnvironmentCtx } from "../app/context.ts"
import { eventStream, type StreamEvent } from "../kit/event-stream.ts"
import type { SqlValue } from "../store/store.ts"
import { waitFor } from "../store/wait-for.ts"
import { type LogLevel, type MessageRow, type OperationRow, toMessage, toOperation } from "./model.ts"
import { conditionsOf, graver, type OperationFilter } from "./search.ts"
import { searchExpression } from "./words.ts"

export type Tail = Pick<OperationFilter, "type" | "integration" | "connection" | "function" | "level" | "search"> & {
  /** The entry after which to begin, from `Last-Event-ID`; now when left out. */
  after?: number
}

const most = 200

/**
 * What is logged from now on, as it comes: `operation` when one begins and when it ends, `message` for each of its
 * messages. The id of an event is a place to go on from.
 */
export async function tailLogs(ctx: EnvironmentCtx, tail: Tail): Promise<Response> {
  await ctx.logs.flush()
  let place = tail.after ?? (await lastEntry(ctx))
  const read = async (): Promise<StreamEvent[] | undefined> => {
    const edge = await lastEntry(ctx)
    if (edge <= place) return undefined
    const rows = await readEntries(ctx, tail, { after: place, until: edge })
    place = rows.length < most ? edge : (rows.at(-1)?.entry_id ?? edge)
    return rows.length > 0 ? rows.map(toEvent) : undefined
  }
  return eventStream({
    signal: ctx.stopping,
    read: (signal) => waitFor(ctx.store, { concerns: ({ name }) => name === "logs.write", read, signal }),
  })
}

async function lastEntry(ctx: EnvironmentCtx): Promise<number> {
  const [row] = await ctx.store.selectLogs<{ id: number | null }>("SELECT max(id) AS id FROM entries", [])
  return row?.id ?? 0
}

type Entry = { entry_id: number; kind: "begin" | "message" | "end"; operation: string; message: string | null }

function readEntries(ctx: EnvironmentCtx, tail: Tail, range: { after: number; until: number }): Promise<Entry[]> {
  const { level, search, after: _, ...columns } = tail
  const where = conditionsOf({ ...columns, environmentId: ctx.environment.id })
  const sql = ["e.id > ?", "e.id <= ?", ...where.sql.map((condition) => `o.${condition}`)]
  const params: SqlValue[] = [range.after, range.until, ...where.params]
  if (level !== undefined) sql.push(levelSql(level))
  if (search !== undefined) {
    const expression = searchExpression(ctx.environment.id, search)
    if (expression === undefined) return Promise.resolve([])
    sql.push("e.id IN (SELECT rowid FROM entry_words WHERE entry_words MATCH ? AND rowid > ?)")
    params.push(expression, range.after)
  }
  return ctx.store.selectLogs<Entry>(
    `SELECT e.id AS entry_id, e.kind, ${asJson("o", operationColumns)} AS operation,
       CASE WHEN m.id IS NULL THEN NULL ELSE ${asJson("m", messageColumns)} END AS message
     FROM entries e JOIN operations o ON o.id = e.operation_id LEFT JOIN messages m ON m.id = e.message_id
     WHERE ${sql.join(" AND ")} ORDER BY e.id LIMIT ?`,
    [...params, most],
  )
}

const levelSql = (level: LogLevel): string =>
  `(CASE e.kind WHEN 'message' THEN m.level ELSE o.level END) IN (${graver(level)})`

const operationColumns = [
  ...["id", "environment_id", "type", "action", "state", "level", "message", "integration", "provider"],
  ...["connection", "function", "run_id", "meta", "error", "created_at", "started_at", "ended_at"],
]
const messageColumns = ["id", "operation_id", "type", "level", "source", "message", "detail", "created_at"]
const asJson = (table: string, columns: string[]): string =>
  `json_object(${columns.map((name) => `'${name}', ${table}."${name}"`).join(", ")})`

function toEvent({ entry_id, kind, operation, message }: Entry): StreamEvent {
  const shown = toOperation(JSON.parse(operation) as OperationRow)
  if (kind !== "message" || message === null)
    return { id: String(entry_id), event: "operation", data: JSON.stringify(shown) }
  const { id, type, integration, connection, function: name } = shown
  const about = { id, type, integration, connection, function: name }
  const data = { ...toMessage(JSON.parse(message) as MessageRow), operation: about }
  return { id: String(entry_id), event: "message", data: JSON.stringify(data) }
}
