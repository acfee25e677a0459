import { z } from "zod"
import { keyEndpoint } from "../http/endpoint.ts"
import { levels, logFaults, toMessage, toOperation } from "./model.ts"
import { listMessages, listOperations } from "./search.ts"
import { tailLogs } from "./tail.ts"

const limit = z.coerce.number().int().min(1).max(1000)
const Level = z.enum(levels)
const Time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))
const Which = z.strictObject({
  type: z.string().max(50).optional(),
  integration: z.string().max(255).optional(),
  connection: z.string().max(255).optional(),
  function: z.string().max(255).optional(),
  level: Level.optional(),
  search: z.string().min(1).max(500).optional(),
})
const Operations = Which.extend({
  state: z.string().max(50).optional(),
  from: Time.optional(),
  to: Time.optional(),
  limit: limit.default(50),
  after: z.string().max(50).optional(),
})
const Messages = z.strictObject({
  level: Level.optional(),
  search: z.string().min(1).max(500).optional(),
  limit: limit.default(200),
  after: z.coerce.number().int().min(0).optional(),
})
const TailHeaders = z.object({ "last-event-id": z.coerce.number().int().min(0).optional() })

export const logRoutes = [
  keyEndpoint({
    method: "GET",
    path: "/sluice/logs",
    summary: "Operations, newest first",
    scope: "logs:read",
    query: Operations,
    handle: async (ctx, { query }) => {
      const { rows, next } = await listOperations(ctx, { ...query, environmentId: ctx.environment.id })
      return { data: rows.map(toOperation), next }
    },
  }),
  keyEndpoint({
    method: "GET",
    path: "/sluice/logs/tail",
    summary: "What is logged from now on, as server-sent events",
    scope: "logs:read",
    query: Which,
    headers: TailHeaders,
    handle: (ctx, { query, headers }) => tailLogs(ctx, { ...query, after: headers["last-event-id"] }),
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
      if (!found) throw logFaults.unknown_operation()
      return { data: { ...toOperation(found.operation), messages: found.messages.map(toMessage) } }
    },
  }),
]
