import { z } from "zod"
import type { Ctx } from "../app/context.ts"
import { findConnection, type FoundConnection } from "../connections/connections.ts"
import type { ConnectionHeaders } from "../connections/model.ts"
import { defineFaults } from "../kit/errors.ts"
import { ModelName, oneOrMany, ScriptName } from "../kit/shapes.ts"
import type { CollectionKey } from "./collection.ts"
import { decodeCursor } from "./cursor.ts"
import { listRecords } from "./list.ts"

const faults = defineFaults({
  unknown_connection: [400, "Provided ConnectionId and ProviderConfigKey does not match a valid connection"],
})

const yearMs = 365 * 86_400_000
/** A time of the last twelve months, as microseconds since the epoch. */
const Since = z.iso.datetime().transform((text, ctx) => {
  const ms = Date.parse(text)
  if (ms >= Date.now() - yearMs) return toMicros(text)
  ctx.addIssue({ code: "custom", message: "must be within the last 12 months" })
  return z.NEVER
})
const filters = ["added", "updated", "deleted"] as const
/** A comma list of `added`, `updated`, `deleted`. */
const Filter = z.string().transform((text, ctx) => {
  const words = text
    .split(",")
    .map((word) => filters.find((filter) => word === filter || word === filter.toUpperCase()))
  if (words.every((word) => word !== undefined)) return words
  ctx.addIssue({ code: "custom", message: "Invalid filter: use added, updated, deleted" })
  return z.NEVER
})

export const Cursor = z
  .string()
  .min(1)
  .max(1000)
  .refine((cursor) => decodeCursor(cursor) !== undefined, "Invalid cursor")

export const ListQuery = z.strictObject({
  model: ModelName,
  variant: ScriptName.optional(),
  modified_after: Since.optional(),
  delta: Since.optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(100),
  filter: Filter.optional(),
  cursor: Cursor.optional(),
  ids: oneOrMany(z.string().min(1).max(256)).pipe(z.array(z.string()).max(100)).optional(),
})

/** Clients of 2024 send every parameter, empty ones too. */
const orEmpty = <S extends z.ZodType>(shape: S) => z.union([z.literal("").transform(() => undefined), shape]).optional()
const OldSince = z.iso.datetime({ offset: true }).transform(toMicros)

export const OldListQuery = z.strictObject({
  model: ModelName,
  variant: orEmpty(ScriptName),
  order: orEmpty(z.enum(["asc", "desc"])).transform((order) => order ?? "desc"),
  sort_by: orEmpty(z.enum(["id", "created_at", "updated_at"])).transform((column) => column ?? "id"),
  delta: orEmpty(OldSince),
  offset: orEmpty(z.coerce.number().int().min(0).max(1e12)).transform((offset) => offset ?? 0),
  limit: orEmpty(z.coerce.number().int().min(1).max(10_000)).transform((limit) => limit ?? 100),
  filter: orEmpty(Filter),
  include_nango_metadata: z.string().optional(),
})

/** The collection that the headers of a request and its model name. Throws `unknown_connection`. */
export async function collectionOf(
  ctx: Ctx,
  headers: z.output<typeof ConnectionHeaders>,
  query: { model: string; variant?: string },
): Promise<CollectionKey> {
  const { connection } = await connectionOf(ctx, headers)
  return { connectionId: connection.id, model: fullModelOf(query.model, query.variant) }
}

export const fullModelOf = (model: string, variant: string | undefined): string =>
  variant === undefined || variant === "base" ? model : `${model}::${variant}`

/** The connection that the headers of a request name. Throws `unknown_connection`. */
export async function connectionOf(ctx: Ctx, headers: z.output<typeof ConnectionHeaders>): Promise<FoundConnection> {
  const found = await findConnection(ctx, {
    connectionId: headers["connection-id"],
    providerConfigKey: headers["provider-config-key"],
  })
  if (!found) throw faults.unknown_connection()
  return found
}

/** A page of records as JSON text. Throws `unknown_connection`. */
export async function answerRecords(
  ctx: Ctx,
  headers: z.output<typeof ConnectionHeaders>,
  query: z.output<typeof ListQuery>,
): Promise<string> {
  const { cursor, limit, filter, ids } = query
  const modifiedAfterUs = query.delta ?? query.modified_after
  const collection = await collectionOf(ctx, headers, query)
  return listRecords(ctx.store, { ...collection, cursor, limit, filter, ids, modifiedAfterUs })
}

/** Microseconds since the epoch; a date of JavaScript would cut the last three digits. */
function toMicros(text: string): number {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? ""
  return Math.floor(Date.parse(text) / 1000) * 1_000_000 + Number(fraction.slice(0, 6).padEnd(6, "0"))
}
