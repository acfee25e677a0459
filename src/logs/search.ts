import type { App } from "../app/context.ts"
import type { SqlValue } from "../store/store.ts"
import type { MessageRow, OperationRow } from "./model.ts"

export type OperationFilter = {
  environmentId: number
  type?: string
  state?: string
  integration?: string
  connection?: string
  function?: string
  limit: number
  /** The id of the last operation of the page before. */
  after?: string
}

/** Operations, newest first. */
export async function listOperations(ctx: App, filter: OperationFilter): Promise<OperationRow[]> {
  await ctx.logs.flush()
  const where = ["environment_id = ?"]
  const params: SqlValue[] = [filter.environmentId]
  for (const name of ["type", "state", "integration", "connection", "function"] as const) {
    const value = filter[name]
    if (value === undefined) continue
    where.push(`"${name}" = ?`)
    params.push(value)
  }
  if (filter.after !== undefined) {
    where.push("(created_at, id) < (SELECT created_at, id FROM operations WHERE id = ?)")
    params.push(filter.after)
  }
  params.push(filter.limit)
  return ctx.store.selectLogs<OperationRow>(
    `SELECT * FROM operations WHERE ${where.join(" AND ")} ORDER BY created_at DESC, id DESC LIMIT ?`,
    params,
  )
}

/** The messages of one operation of this environment, oldest first, after message id `after`. */
export async function listMessages(
  ctx: App,
  input: { environmentId: number; operationId: string; limit: number; after?: number },
): Promise<{ operation: OperationRow; messages: MessageRow[] } | undefined> {
  await ctx.logs.flush()
  const [operation] = await ctx.store.selectLogs<OperationRow>(
    "SELECT * FROM operations WHERE id = ? AND environment_id = ?",
    [input.operationId, input.environmentId],
  )
  if (!operation) return undefined
  const messages = await ctx.store.selectLogs<MessageRow>(
    "SELECT * FROM messages WHERE operation_id = ? AND id > ? ORDER BY id LIMIT ?",
    [input.operationId, input.after ?? 0, input.limit],
  )
  return { operation, messages }
}
