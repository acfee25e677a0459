import { z } from "zod"
import type { Ctx } from "../app/context.ts"
import { findConnection } from "../connections/connections.ts"
import { ConnectionHeaders } from "../connections/model.ts"
import { keyEndpoint, replyText } from "../http/endpoint.ts"
import { defineFaults } from "../kit/errors.ts"
import { ModelName, oneOrMany, ScriptName } from "../kit/shapes.ts"
import { decodeCursor } from "./cursor.ts"
import { listRecords } from "./list.ts"

const faults = defineFaults({
  unknown_connection: [400, "Provided ConnectionId and ProviderConfigKey does not match a valid connection"],
})

const yearMs = 365 * 86_400_000
const Since = z.iso.datetime().transform((text, ctx) => {
  const ms = Date.parse(text)
  if (ms >= Date.now() - yearMs) return toMicros(text)
  ctx.addIssue({ code: "custom", message: "must be within the last 12 months" })
  return z.NEVER
})
const Cursor = z
  .string()
  .min(1)
  .max(1000)
  .refine((cursor) => decodeCursor(cursor) !== undefined, "Invalid cursor")
const filters = ["added", "updated", "deleted"] as const
const Filter = z.string().transform((text, ctx) => {
  const words = text
    .split(",")
    .map((word) => filters.find((filter) => word === filter || word === filter.toUpperCase()))
  if (words.every((word) => word !== undefined)) return words
  ctx.addIssue({ code: "custom", message: "Invalid filter: use added, updated, deleted" })
  return z.NEVER
})

const ListQuery = z.strictObject({
  model: ModelName,
  variant: ScriptName.optional(),
  modified_after: Since.optional(),
  delta: Since.optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(100),
  filter: Filter.optional(),
  cursor: Cursor.optional(),
  ids: oneOrMany(z.string().min(1).max(256)).pipe(z.array(z.string()).max(100)).optional(),
})

const Prune = z.strictObject({
  model: ModelName,
  variant: ScriptName.optional(),
  until_cursor: Cursor,
  limit: z.number().int().min(1).max(10_000).default(1000),
})

async function collectionOf(
  ctx: Ctx,
  headers: z.output<typeof ConnectionHeaders>,
  query: { model: string; variant?: string },
) {
  const found = await findConnection(ctx, {
    connectionId: headers["connection-id"],
    providerConfigKey: headers["provider-config-key"],
  })
  if (!found) throw faults.unknown_connection()
  const { model, variant } = query
  return {
    connectionId: found.connection.id,
    model: variant === undefined || variant === "base" ? model : `${model}::${variant}`,
  }
}

export const recordRoutes = [
  keyEndpoint({
    method: "GET",
    path: "/records",
    summary: "Records of a model in the order of their changes",
    scope: "records:read",
    headers: ConnectionHeaders,
    query: ListQuery,
    handle: async (ctx, { headers, query }) => {
      const collection = await collectionOf(ctx, headers, query)
      const { cursor, limit, filter, ids } = query
      return replyText(
        await listRecords(ctx.store, {
          ...collection,
          cursor,
          limit,
          filter,
          ids,
          modifiedAfterUs: query.delta ?? query.modified_after,
        }),
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

/** Microseconds since the epoch; a date of JavaScript would cut the last three digits. */
function toMicros(text: string): number {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? ""
  return Math.floor(Date.parse(text) / 1000) * 1_000_000 + Number(fraction.slice(0, 6).padEnd(6, "0"))
}
