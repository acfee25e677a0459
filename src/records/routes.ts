import { z } from "zod"
import { ConnectionHeaders } from "../connections/model.ts"
import { keyEndpoint, replyText } from "../http/endpoint.ts"
import { ModelName, ScriptName } from "../kit/shapes.ts"
import { decodeCursor } from "./cursor.ts"
import { answerChanges, streamChanges } from "./feed.ts"
import { listOldRecords } from "./old-list.ts"
import { answerRecords, collectionOf, Cursor, ListQuery, OldListQuery } from "./query.ts"

const Prune = z.strictObject({
  model: ModelName,
  variant: ScriptName.optional(),
  until_cursor: Cursor,
  limit: z.number().int().min(1).max(10_000).default(1000),
})

const Changes = z
  .strictObject({
    model: ModelName.optional(),
    variant: ScriptName.optional(),
    after: z.string().min(1).max(32_768).optional(),
    wait: z.coerce.number().min(0).max(60).default(0),
    limit: z.coerce.number().int().min(1).max(10_000).default(100),
  })
  .refine(({ model, variant }) => model !== undefined || variant === undefined, {
    message: "A variant needs a model",
    path: ["variant"],
  })
const ChangeHeaders = ConnectionHeaders.extend({
  accept: z.string().optional(),
  "last-event-id": z.string().optional(),
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
    method: "GET",
    path: "/sluice/records/changes",
    summary: "Changes of one model or of all, with waiting for what is to come, or as server-sent events",
    scope: "records:read",
    headers: ChangeHeaders,
    query: Changes,
    handle: async (ctx, { headers, query, request }) => {
      const isStream = headers.accept?.includes("text/event-stream") === true
      if (isStream) return streamChanges(ctx, headers, { ...query, after: headers["last-event-id"] || query.after })
      const { wait: waitSeconds, ...rest } = query
      return replyText(await answerChanges(ctx, headers, { ...rest, waitSeconds, signal: request.signal }))
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
