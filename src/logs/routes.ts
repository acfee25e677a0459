import { z } from "zod"
import { keyEndpoint } from "../http/endpoint.ts"
import { defineFaults } from "../kit/errors.ts"
import { isoTime } from "../kit/shapes.ts"
import type { MessageRow, OperationRow } from "./model.ts"
import { listMessages, listOperations } from "./search.ts"

const faults = defineFaults({ unknown_operation: [404, "There is no operation with this id."] })

const limit = z.coerce.number().int().min(1).max(1000)
const Operations = z.strictObject({
  type: z.string().max(50).optional(),
  state: z.string().max(50).optional(),
  integration: z.string().max(255).optional(),
  connection: z.string().max(255).optional(),
  function: z.string().max(255).optional(),
  limit: limit.default(50),
  after: z.string().max(50).optional(),
})
const Messages = z.strictObject({ limit: limit.default(200), after: z.coerce.number().int().min(0).optional() })

const parse = (text: string | null): unknown => (text === null ? null : JSON.parse(text))
const time = (ms: number | null): string | null => (ms === null ? null : isoTime(ms))

function showOperation(row: OperationRow) {
  const { meta, error, created_at, started_at, ended_at, environment_id: _, ...rest } = row
  return {
    ...rest,
    meta: parse(meta),
    error: parse(error),
    created_at: time(created_at),
    started_at: time(started_at),
    ended_at: time(ended_at),
  }
}

function showMessage(row: MessageRow) {
  const { detail, created_at, operation_id: _, ...rest } = row
  return { ...rest, detail: parse(detail), created_at: time(created_at) }
}

export const logRoutes = [
  keyEndpoint({
    method: "GET",
    path: "/sluice/logs",
    summary: "Operations, newest first",
    scope: "logs:read",
    query: Operations,
    handle: async (ctx, { query }) => {
      const rows = await listOperations(ctx, { ...query, environmentId: ctx.environment.id })
      return { data: rows.map(showOperation), next: rows.length === query.limit ? rows.at(-1)?.id : null }
    },
  }),
  keyEndpoint({
    method: "GET",
    path: "/sluice/logs/:id",
    summary: "One operation with its messages, oldest first",
    scope: "logs:read",
    params: z.object({ id: z.string().max(50) }),
    query: Messages,
    handle: async (ctx, { params, query }) => {
      const found = await listMessages(ctx, { ...query, operationId: params.id, environmentId: ctx.environment.id })
      if (!found) throw faults.unknown_operation()
      return { data: { ...showOperation(found.operation), messages: found.messages.map(showMessage) } }
    },
  }),
]
