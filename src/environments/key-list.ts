import { and, asc, count, eq } from "drizzle-orm"
import { type App, inTransaction } from "../app/context.ts"
import { isoTime } from "../kit/times.ts"
import { createKey } from "./keys.ts"
import { type ApiKeyRow, apiKeys, type Environment, environmentFaults } from "./model.ts"

const mostKeys = 50

/** Makes a key that may do everything in its environment. The answer is the only place where it stands in clear. */
export async function addKey(
  ctx: App,
  input: { environment: Environment; displayName: string },
): Promise<{ row: ApiKeyRow; secretKey: string }> {
  const { environment, displayName } = input
  return inTransaction(ctx, async (ctx) => {
    const of = eq(apiKeys.environment_id, environment.id)
    const [there] = await ctx.db.select({ keys: count() }).from(apiKeys).where(of)
    if ((there?.keys ?? 0) >= mostKeys) throw environmentFaults.resource_capped()
    if ((await listKeys(ctx, { environment, displayName })).length > 0)
      throw environmentFaults.conflict({ message: `The environment has a key "${displayName}" already.` })
    return createKey(ctx, { environment, displayName })
  })
}

/** The keys of an environment, oldest first. */
export function listKeys(ctx: App, filter: { environment: Environment; displayName?: string }): Promise<ApiKeyRow[]> {
  const { environment, displayName } = filter
  return ctx.db
    .select()
    .from(apiKeys)
    .where(
      and(
        eq(apiKeys.environment_id, environment.id),
        displayName === undefined ? undefined : eq(apiKeys.display_name, displayName),
      ),
    )
    .orderBy(asc(apiKeys.id))
}

/** One key by its number or UUID. Throws `not_found`. */
export async function getKey(ctx: App, environment: Environment, id: number | string): Promise<ApiKeyRow> {
  const [row] = await ctx.db
    .select()
    .from(apiKeys)
    .where(
      and(
        eq(apiKeys.environment_id, environment.id),
        typeof id === "number" ? eq(apiKeys.id, id) : eq(apiKeys.uuid, id),
      ),
    )
  if (!row) throw environmentFaults.not_found({ message: "There is no such key." })
  return row
}

/** Deletes a key; requests with it are refused from now on. */
export async function removeKey(ctx: App, environment: Environment, id: number | string): Promise<void> {
  await inTransaction(ctx, async (ctx) => {
    const { id: key } = await getKey(ctx, environment, id)
    await ctx.db.delete(apiKeys).where(eq(apiKeys.id, key))
  })
}

export const showKey = (row: ApiKeyRow) => ({
  id: row.id,
  uuid: row.uuid,
  display_name: row.display_name,
  scopes: row.scopes,
  created_at: isoTime(row.created_at),
  last_used_at: row.last_used_at === null ? null : isoTime(row.last_used_at),
})
