import { and, desc, eq, exists, inArray, isNull, sql, type SQL } from "drizzle-orm"
import { type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { type IntegrationRow, integrations } from "../integrations/model.ts"
import { contains } from "../store/match.ts"
import { prepareRows } from "../store/prepared.ts"
import {
  connectionFaults,
  type ConnectionRow,
  connections,
  connectionTags,
  type EndUser,
  type ListConnections,
} from "./model.ts"
import { freshState } from "./refresh-state.ts"
import { deriveTags } from "./tags.ts"

export type FoundConnection = { connection: ConnectionRow; integration: IntegrationRow }
export type ConnectionName = { connectionId: string; providerConfigKey: string }

/** Finds a live connection by its two public names inside the environment. */
export async function findConnection(ctx: EnvironmentCtx, name: ConnectionName): Promise<FoundConnection | undefined> {
  const { connectionId, providerConfigKey } = name
  const [row] = await connectionNamed(ctx.db, { connectionId, providerConfigKey, environmentId: ctx.environment.id })
  return row
}

const connectionNamed = prepareRows({ connection: connections, integration: integrations }, (db, fields) =>
  db
    .select(fields)
    .from(connections)
    .innerJoin(integrations, eq(integrations.id, connections.integration_id))
    .where(
      and(
        eq(integrations.environment_id, sql.placeholder("environmentId")),
        eq(integrations.unique_key, sql.placeholder("providerConfigKey")),
        isNull(integrations.deleted_at),
        eq(connections.connection_id, sql.placeholder("connectionId")),
        isNull(connections.deleted_at),
      ),
    ),
)

/** By its internal number, also when it is deleted or being validated: look at `deleted_at` where that matters. */
export async function findConnectionById(ctx: EnvironmentCtx, id: number): Promise<FoundConnection | undefined> {
  const [row] = await ctx.db
    .select({ connection: connections, integration: integrations })
    .from(connections)
    .innerJoin(integrations, eq(integrations.id, connections.integration_id))
    .where(eq(connections.id, id))
  return row
}

/** The live connections of an integration, oldest first. */
export function listConnectionsOf(ctx: EnvironmentCtx, integrationId: number): Promise<ConnectionRow[]> {
  return ctx.db
    .select()
    .from(connections)
    .where(and(eq(connections.integration_id, integrationId), isNull(connections.deleted_at)))
    .orderBy(connections.id)
}

const longestList = 10_000

/** Connections of the environment, newest first. */
export function listConnections(ctx: EnvironmentCtx, filter: ListConnections): Promise<FoundConnection[]> {
  const limit = filter.limit ?? longestList
  const keys = filter.integrationId
    ?.flatMap((value) => value.split(","))
    .map((key) => key.trim())
    .filter((key) => key !== "")
  const where: (SQL | undefined)[] = [
    eq(connections.environment_id, ctx.environment.id),
    isNull(connections.deleted_at),
  ]
  if (filter.connectionId !== undefined) where.push(eq(connections.connection_id, filter.connectionId))
  if (filter.search !== undefined) where.push(contains(connections.search_text, filter.search.toLowerCase()))
  if (filter.endUserId !== undefined) where.push(eq(connections.end_user_id, filter.endUserId))
  if (filter.endUserOrganizationId !== undefined)
    where.push(eq(connections.organization_id, filter.endUserOrganizationId))
  if (keys && keys.length > 0) where.push(inArray(integrations.unique_key, keys))
  for (const [key, value] of Object.entries(filter.tags ?? {})) where.push(hasTag(ctx, key.toLowerCase(), value))
  return ctx.db
    .select({ connection: connections, integration: integrations })
    .from(connections)
    .innerJoin(integrations, eq(integrations.id, connections.integration_id))
    .where(and(...where))
    .orderBy(desc(connections.created_at), desc(connections.id))
    .limit(limit)
    .offset((filter.page ?? 0) * limit)
}

const hasTag = (ctx: EnvironmentCtx, key: string, value: string): SQL =>
  exists(
    ctx.db
      .select()
      .from(connectionTags)
      .where(
        and(
          eq(connectionTags.connection_id, connections.id),
          eq(connectionTags.key, key),
          eq(connectionTags.value, value),
        ),
      ),
  )

/** Changes who the connection belongs to, its tags and where its webhooks go. */
export async function patchConnection(
  ctx: EnvironmentCtx,
  row: ConnectionRow,
  change: { endUser?: EndUser; tags?: Record<string, string>; webhookUrlOverride?: string },
): Promise<void> {
  await inTransaction(ctx, async (ctx) => {
    const endUser = change.endUser ?? row.end_user
    const set: Partial<ConnectionRow> = { updated_at: ctx.now().getTime() }
    if (change.webhookUrlOverride !== undefined) set.webhook_url_override = change.webhookUrlOverride || null
    if (change.endUser || change.tags) {
      const tags = deriveTags(change.endUser ?? null, change.tags ?? {})
      Object.assign(set, identityColumns(row.connection_id, endUser), { tags })
      await saveTags(ctx, row.id, tags)
    }
    await ctx.db.update(connections).set(set).where(eq(connections.id, row.id))
  })
}

/** The columns that say whose connection it is, and that it can be searched by. */
export function identityColumns(connectionId: string, endUser: EndUser | null) {
  return {
    end_user: endUser,
    end_user_id: endUser?.id ?? null,
    organization_id: endUser?.organization?.id ?? null,
    search_text: [connectionId, endUser?.display_name, endUser?.email].filter(Boolean).join("\n").toLowerCase(),
  }
}

export async function saveTags(ctx: EnvironmentCtx, connectionId: number, tags: Record<string, string>): Promise<void> {
  await ctx.db.delete(connectionTags).where(eq(connectionTags.connection_id, connectionId))
  const rows = Object.entries(tags).map(([key, value]) => ({ connection_id: connectionId, key, value }))
  if (rows.length > 0) await ctx.db.insert(connectionTags).values(rows)
}

/** Lets the owner's functions do their last work, then deletes the connection. */
export async function removeConnection(ctx: EnvironmentCtx, found: FoundConnection): Promise<void> {
  await ctx.moments.connectionDeleting(ctx, found)
  await deleteConnection(ctx, found.connection)
}

/** Deletes a connection with everything that hangs on it. Its credentials are gone at once. */
export async function deleteConnection(ctx: EnvironmentCtx, row: ConnectionRow): Promise<void> {
  await inTransaction(ctx, async (ctx) => {
    await ctx.moments.connectionDeleted(ctx, row)
    await saveTags(ctx, row.id, {})
    await ctx.db
      .update(connections)
      .set({
        deleted_at: ctx.now().getTime(),
        credentials: null,
        connection_config: null,
        expires_at: null,
        ...freshState,
      })
      .where(eq(connections.id, row.id))
  })
}

/**
 * Replaces (or, with `merge`, changes at the top level) the metadata of connections: of all that are named, or of none.
 */
export async function saveMetadata(
  ctx: EnvironmentCtx,
  input: { connectionIds: string[]; providerConfigKey: string; metadata: Record<string, unknown>; merge: boolean },
): Promise<void> {
  await inTransaction(ctx, async (ctx) => {
    for (const connectionId of new Set(input.connectionIds)) {
      const found = await findConnection(ctx, { connectionId, providerConfigKey: input.providerConfigKey })
      if (!found) throw unknownForMetadata(input.connectionIds, input.providerConfigKey)
      await changeMetadata(ctx, found.connection, input)
    }
  })
}

/** Changes the metadata of one connection, of whatever state. */
export async function changeMetadata(
  ctx: EnvironmentCtx,
  row: ConnectionRow,
  change: { metadata: Record<string, unknown>; merge: boolean },
): Promise<void> {
  const metadata = change.merge ? { ...row.metadata, ...change.metadata } : change.metadata
  await ctx.db.update(connections).set({ metadata, updated_at: ctx.now().getTime() }).where(eq(connections.id, row.id))
}

function unknownForMetadata(ids: string[], key: string) {
  const message =
    ids.length === 1
      ? `Connection with connection id ${ids[0]} and provider config key ${key} not found.`
      : `One of the connections ${ids.join(", ")} was not found for provider config key ${key}. Nothing was changed.`
  return connectionFaults.unknown_connection({ message })
}
