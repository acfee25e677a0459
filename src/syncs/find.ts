import { and, eq, isNull } from "drizzle-orm"
import type { EnvironmentCtx } from "../app/context.ts"
import { findConnection } from "../connections/connections.ts"
import { type ConnectionRow, connections } from "../connections/model.ts"
import { findIntegration } from "../integrations/integrations.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { syncFaults, type SyncName, type SyncRow, syncs } from "./model.ts"

export type Target = { sync: SyncRow; connection: ConnectionRow }

/** Resolves the integration and, if one is named, the connection that a command is about. */
export async function resolveTarget(
  ctx: EnvironmentCtx,
  input: { providerConfigKey: string; connectionId?: string },
): Promise<{ integration: IntegrationRow; connection?: ConnectionRow }> {
  const integration = await findIntegration(ctx, input.providerConfigKey)
  if (!integration)
    throw syncFaults.unknown_provider_config({ payload: { providerConfigKey: input.providerConfigKey } })
  if (input.connectionId === undefined) return { integration }
  const found = await findConnection(ctx, {
    connectionId: input.connectionId,
    providerConfigKey: input.providerConfigKey,
  })
  if (!found)
    throw syncFaults.unknown_connection({
      payload: { connectionId: input.connectionId, providerConfigKey: input.providerConfigKey },
    })
  return { integration, connection: found.connection }
}

/** The live syncs of an integration, of one connection if one is given, oldest connection first. */
export async function listSyncs(
  ctx: EnvironmentCtx,
  filter: { integrationId: number; connectionId?: number },
): Promise<Target[]> {
  return ctx.db
    .select({ sync: syncs, connection: connections })
    .from(syncs)
    .innerJoin(connections, eq(connections.id, syncs.connection_id))
    .where(
      and(
        eq(syncs.integration_id, filter.integrationId),
        filter.connectionId === undefined ? undefined : eq(syncs.connection_id, filter.connectionId),
        isNull(syncs.deleted_at),
        isNull(connections.deleted_at),
      ),
    )
    .orderBy(connections.id, syncs.name, syncs.variant)
}

/**
 * The syncs that a command names; an empty list means all. Throws `no_syncs_found` when a name matches nothing, before
 * anything is done to the others.
 */
export function chooseSyncs(all: Target[], names: SyncName[], connectionGiven: boolean): Target[] {
  if (names.length === 0) {
    if (all.length === 0 && !connectionGiven) throw syncFaults.no_syncs_found()
    return all
  }
  return names.flatMap((name) => {
    const matches = all.filter(({ sync }) => sync.name === name.name && sync.variant === name.variant)
    if (matches.length === 0)
      throw syncFaults.no_syncs_found({ message: `There is no sync "${name.name}" (variant ${name.variant}).` })
    return matches
  })
}

export async function findSync(
  ctx: EnvironmentCtx,
  input: { connectionId: number; name: string; variant: string },
): Promise<SyncRow | undefined> {
  const [row] = await ctx.db
    .select()
    .from(syncs)
    .where(
      and(
        eq(syncs.connection_id, input.connectionId),
        eq(syncs.name, input.name),
        eq(syncs.variant, input.variant),
        isNull(syncs.deleted_at),
      ),
    )
  return row
}

export async function findSyncById(ctx: EnvironmentCtx, id: string): Promise<SyncRow | undefined> {
  const [row] = await ctx.db
    .select()
    .from(syncs)
    .where(and(eq(syncs.id, id), isNull(syncs.deleted_at)))
  return row
}
