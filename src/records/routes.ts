import { z } from "zod"
import { ConnectionHeaders } from "../connections/model.ts"
import { keyEndpoint, replyText } from "../http/endpoint.ts"
import { ModelName, ScriptName } from "../kit/shapes.ts"
import { decodeCursor } from "./cursor.ts"
import { listOldRecords } from "./old-list.ts"
import { answerRecords, collectionOf, Cursor, ListQuery, OldListQuery } from "./query.ts"

const Prune = z.strictObject({
  model: ModelName,
  variant: ScriptName.optional(),
  until_cursor: Cursor,
  limit: z.number().int().min(1).max(10_000).default(1000),
})

export const recordRoutes = [
  keyEndpoint({
    method: "GET",
    path: "/records",
    summary: "Records of a model in the order of their changes",
    scope: "records:read",
    headers: ConnectionHeaders,
    query: ListQuery,
    handle: async (ctx, { headers, query }) => replyText(await answerRecords(ctx, headers, query)),
  }),
  keyEndpoint({
    method: "GET",
    path: "/sync/records",
    summary: "Records paged by offset, for clients of 2024",
    scope: "records:read",
    headers: ConnectionHeaders,
    query: OldListQuery,
    handle: async (ctx, { headers, query }) => {
      const { order, offset, limit, filter, sort_by: sortBy, delta: modifiedAfterUs } = query
      const collection = await collectionOf(ctx, headers, query)
      return replyText(
        await listOldRecords(ctx.store, { ...collection, order, offset, limit, filter, sortBy, modifiedAfterUs }),
      )
    },
  }),
  keyEndpoint({
    method: "PATCH",
    path: "/records/prune",
    summary: "Empties the payloads of records up to a cursor",
    scope: "records:write",
    headers: ConnectionHeaders,
    body: Prune,
    handle: async (ctx, { headers, body }) => {
      const collection = await collectionOf(ctx, headers, body)
      const input = { ...collection, untilChange: decodeCursor(body.until_cursor), limit: body.limit }
      const { count, hasMore } = (await ctx.store.step({ name: "records.prune", input })) as {
        count: number
        hasMore: boolean
      }
      return { count, has_more: hasMore }
    },
  }),
]
