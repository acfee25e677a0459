import { and, eq, isNotNull, isNull } from "drizzle-orm"
import type { EnvironmentCtx } from "../app/context.ts"
import type { FailingSync } from "../app/moments.ts"
import { syncs } from "./model.ts"

/** The live syncs of the environment, or of one connection, whose last run failed. */
export async function failingSyncs(ctx: EnvironmentCtx, connectionId?: number): Promise<FailingSync[]> {
  const rows = await ctx.db
    .select({ connectionId: syncs.connection_id, operationId: syncs.failed_operation })
    .from(syncs)
    .where(
      and(
        eq(syncs.environment_id, ctx.environment.id),
        connectionId === undefined ? undefined : eq(syncs.connection_id, connectionId),
        isNotNull(syncs.failed_operation),
        isNull(syncs.deleted_at),
      ),
    )
    .orderBy(syncs.connection_id, syncs.name, syncs.variant)
  return rows.map((row) => ({ connectionId: row.connectionId, operationId: row.operationId ?? "" }))
}
