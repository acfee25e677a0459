import { and, eq, isNull } from "drizzle-orm"
import { type EnvironmentCtx, inTransaction } from "../app/context.ts"
import type { Credentials } from "../auth/credentials.ts"
import { getIntegrationById } from "../integrations/integrations.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { identityColumns, saveTags } from "./connections.ts"
import { saveSecrets } from "./credentials.ts"
import { freshState } from "./refresh-state.ts"
import { connectionFaults, type ConnectionRow, connections, type EndUser } from "./model.ts"
import { deriveTags, explicitTags } from "./tags.ts"

export type SaveConnection = {
  connectionId: string
  credentials: Credentials
  connectionConfig: Record<string, unknown>
  /** Number of the connection that is authorised again: no other of its name is meant, and none is made. */
  replaces?: number
} & Partial<Kept>

/** What is the owner's own: a connection that is made again keeps each of them unless it is given anew. */
type Kept = {
  metadata: Record<string, unknown>
  endUser: EndUser | null
  tags: Record<string, string>
  webhookUrlOverride: string | null
}

/**
 * Makes a connection, or overwrites the one of that name; syncs and their schedules follow in the same transaction. Where
 * the owner has functions that validate connections, they run first: a new connection stays hidden until they agree and
 * is gone when they do not; an old one is kept and marked. Then this throws `connection_validation_failed`. Throws
 * `invalid_connection` when the one that it replaces has gone.
 */
export async function saveConnection(
  ctx: EnvironmentCtx,
  integration: IntegrationRow,
  input: SaveConnection,
): Promise<ConnectionRow> {
  if (!(await ctx.moments.validatesConnections(ctx, integration))) {
    return inTransaction(ctx, async (ctx) => {
      const stored = await storeConnection(ctx, integration, input, { hidden: false })
      await ctx.moments.connectionSaved(ctx, announced(stored))
      return stored.row
    })
  }
  const stored = await inTransaction(ctx, (ctx) => storeConnection(ctx, integration, input, { hidden: true }))
  const refusal = await ctx.moments.connectionValidating(ctx, { connection: stored.row, integration })
  if (refusal) {
    await inTransaction(ctx, (ctx) => refuseConnection(ctx, stored, refusal))
    throw connectionFaults.connection_validation_failed({ message: refusal.message })
  }
  return inTransaction(ctx, async (ctx) => {
    const row = stored.isNew ? await showHidden(ctx, stored.row) : stored.row
    await ctx.moments.connectionSaved(ctx, announced({ ...stored, row }))
    return row
  })
}

type Stored = { row: ConnectionRow; isNew: boolean }

async function storeConnection(
  ctx: EnvironmentCtx,
  integration: IntegrationRow,
  input: SaveConnection,
  options: { hidden: boolean },
): Promise<Stored> {
  // It was found before this transaction began, and may have been deleted since.
  const { deleted_at } = await getIntegrationById(ctx, integration.id)
  if (deleted_at !== null) throw connectionFaults.not_found({ message: "Integration does not exist" })
  const now = ctx.now().getTime()
  const existing = await findNamed(ctx, integration, input.connectionId)
  if (input.replaces !== undefined && existing?.id !== input.replaces) throw connectionFaults.invalid_connection()
  const { metadata, endUser, tags, webhookUrlOverride } = keepOwn(existing, input)
  const columns = {
    metadata,
    tags,
    ...identityColumns(input.connectionId, endUser),
    errors: [],
    webhook_url_override: webhookUrlOverride,
    updated_at: now,
    // Whatever was wrong with the old credentials; a refresh of them that is still going on has lost its lease.
    ...freshState,
    last_refresh_success_at: null,
    credentials_checked_at: now,
  }
  const [row] = existing
    ? await ctx.db.update(connections).set(columns).where(eq(connections.id, existing.id)).returning()
    : await ctx.db
        .insert(connections)
        .values({
          ...columns,
          environment_id: ctx.environment.id,
          integration_id: integration.id,
          connection_id: input.connectionId,
          created_at: now,
          // A hidden row counts as deleted: what a crash leaves of it is nothing.
          deleted_at: options.hidden ? now : null,
        })
        .returning()
  if (!row) throw new Error("The connection was not stored.")
  await saveTags(ctx, row.id, tags)
  return { row: await saveSecrets(ctx, row, input), isNew: existing === undefined }
}

async function findNamed(
  ctx: EnvironmentCtx,
  integration: IntegrationRow,
  connectionId: string,
): Promise<ConnectionRow | undefined> {
  const [row] = await ctx.db
    .select()
    .from(connections)
    .where(
      and(
        eq(connections.integration_id, integration.id),
        eq(connections.connection_id, connectionId),
        isNull(connections.deleted_at),
      ),
    )
  return row
}

function keepOwn(old: ConnectionRow | undefined, given: Partial<Kept>): Kept {
  const endUser = given.endUser === undefined ? (old?.end_user ?? null) : given.endUser
  const isSame = old !== undefined && given.endUser === undefined && given.tags === undefined
  const own = given.tags ?? (old ? explicitTags(old.end_user, old.tags) : {})
  return {
    metadata: given.metadata ?? old?.metadata ?? {},
    endUser,
    tags: isSame ? old.tags : deriveTags(endUser, own),
    webhookUrlOverride:
      given.webhookUrlOverride === undefined ? (old?.webhook_url_override ?? null) : given.webhookUrlOverride,
  }
}

async function showHidden(ctx: EnvironmentCtx, row: ConnectionRow): Promise<ConnectionRow> {
  await ctx.db.update(connections).set({ deleted_at: null }).where(eq(connections.id, row.id))
  return { ...row, deleted_at: null }
}

const announced = ({ row, isNew }: Stored) => ({
  connection: row,
  operation: isNew ? ("creation" as const) : ("override" as const),
})

async function refuseConnection(
  ctx: EnvironmentCtx,
  stored: Stored,
  refusal: { message: string; logId: string },
): Promise<void> {
  const { row, isNew } = stored
  await ctx.moments.connectionRefused(ctx, { ...announced(stored), message: refusal.message })
  if (!isNew) {
    const errors = [{ type: "auth", log_id: refusal.logId }]
    await ctx.db.update(connections).set({ errors }).where(eq(connections.id, row.id))
    return
  }
  await saveTags(ctx, row.id, {})
  await ctx.db.delete(connections).where(eq(connections.id, row.id))
}
