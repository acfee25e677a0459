import { and, count, eq, isNull } from "drizzle-orm"
import { type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { findConnection } from "../connections/connections.ts"
import { findFunction } from "../functions/functions.ts"
import { findSync } from "./find.ts"
import { ensureSync, removeSync } from "./instances.ts"
import { base, syncs, variantFaults } from "./model.ts"

export type VariantName = { providerConfigKey: string; connectionId: string; name: string; variant: string }

const mostVariants = 100

/** Makes a second instance of a sync on a connection, with its own schedule, checkpoint and records. */
export async function createVariant(ctx: EnvironmentCtx, input: VariantName) {
  const { name, variant } = input
  if (variant.toLowerCase() === base) throw variantFaults.invalid_variant()
  const found = await findConnection(ctx, input)
  if (!found) throw variantFaults.unknown_connection()
  const { connection, integration } = found
  const fn = await findFunction(ctx, { integrationId: integration.id, type: "sync", name })
  if (!fn) throw variantFaults.unknown_sync()
  return inTransaction(ctx, async (ctx) => {
    if (await findSync(ctx, { connectionId: connection.id, name, variant }))
      throw variantFaults.sync_variant_already_exists()
    const [used] = await ctx.db
      .select({ n: count() })
      .from(syncs)
      .where(and(eq(syncs.connection_id, connection.id), eq(syncs.name, name), isNull(syncs.deleted_at)))
    if ((used?.n ?? 0) > mostVariants) throw variantFaults.resource_capped()
    const row = await ensureSync(ctx, { connection, fn, variant })
    return { id: row.id, name, variant }
  })
}

/** Ends a variant: its schedule stops at once, a run of it is cancelled. */
export async function deleteVariant(ctx: EnvironmentCtx, input: VariantName): Promise<void> {
  const { name, variant } = input
  if (variant.toLowerCase() === base) throw variantFaults.invalid_variant()
  const found = await findConnection(ctx, input)
  if (!found) throw variantFaults.unknown_connection()
  const sync = await findSync(ctx, { connectionId: found.connection.id, name, variant })
  if (!sync) throw variantFaults.not_found()
  await inTransaction(ctx, (ctx) => removeSync(ctx, sync))
}
