import { and, desc, eq, inArray, lt } from "drizzle-orm"
import { type App, type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { environments } from "../environments/model.ts"
import { findIntegration, getIntegrationById } from "../integrations/integrations.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { seal, unseal } from "../kit/crypto.ts"
import { AppError, messageOf } from "../kit/errors.ts"
import { newUuid } from "../kit/ids.ts"
import { type WebhookRecipe, webhookRecipeOf } from "../providers/webhook-recipe.ts"
import type { Incoming } from "./incoming.ts"
import { type InboxRow, type InboxState, webhookFaults, webhookInbox } from "./model.ts"
import { type Taken, takeIn } from "./receive.ts"

/** Anybody may send what is refused: of it only so much is kept, for the owner to see what is wrong. */
const mostRefused = 100
const largestRefused = 256 * 1024
const dayMs = 86_400_000

/** Where a webhook goes. Throws `unknown_environment` and `unknown_provider_config`. */
export async function findAddressee(
  app: App,
  address: { environmentUuid: string; integration: string },
): Promise<{ ctx: EnvironmentCtx; integration: IntegrationRow; recipe: WebhookRecipe | undefined }> {
  const [environment] = await app.db.select().from(environments).where(eq(environments.uuid, address.environmentUuid))
  if (!environment || environment.deleted_at !== null) throw webhookFaults.unknown_environment()
  const ctx: EnvironmentCtx = { ...app, environment }
  const integration = await findIntegration(ctx, address.integration)
  if (!integration) throw webhookFaults.unknown_provider_config()
  return { ctx, integration, recipe: webhookRecipeOf(app.catalogue.find(integration.provider)) }
}

/**
 * Takes a webhook in and keeps it, all in one transaction that is committed before the provider gets its answer. When
 * something of ours fails, it is kept nevertheless, so that it can be replayed, and the failure is thrown.
 */
export async function receiveWebhook(
  ctx: EnvironmentCtx,
  input: { integration: IntegrationRow; recipe: WebhookRecipe; incoming: Incoming },
): Promise<Taken> {
  const id = newUuid()
  const keep = (ctx: EnvironmentCtx, taken: Taken) => insertRow(ctx, { ...input, id, taken })
  try {
    return await takeIn(ctx, input, keep)
  } catch (error) {
    const kept = { state: "failed" as const, types: [], connections: [], error: codeOf(error) }
    await inTransaction(ctx, (ctx) => keep(ctx, { status: 500, kept }))
    throw error
  }
}

const codeOf = (error: unknown): string => (error instanceof AppError ? error.code : messageOf(error).slice(0, 500))

type NewRow = { id: string; integration: IntegrationRow; incoming: Incoming; taken: Taken }

async function insertRow(ctx: EnvironmentCtx, { id, integration, incoming, taken }: NewRow): Promise<void> {
  const { kept } = taken
  if (!kept || (kept.state === "refused" && incoming.bytes.byteLength > largestRefused)) return
  const envelope = JSON.stringify({ headers: incoming.headers, query: incoming.query })
  await ctx.db.insert(webhookInbox).values({
    id,
    environment_id: ctx.environment.id,
    integration_id: integration.id,
    integration: integration.unique_key,
    ...columnsOf(kept),
    envelope: seal(ctx.masterKey, envelopePlace(id), envelope),
    body: Buffer.from(incoming.bytes),
    replays: 0,
    received_at: incoming.receivedAt.getTime(),
  })
  if (kept.state === "refused") await dropRefused(ctx, integration)
}

const envelopePlace = (id: string) => ({ table: "webhook_inbox", column: "envelope", row: id })
const columnsOf = ({ state, types, connections, error }: NonNullable<Taken["kept"]>) => ({
  state,
  types,
  connections,
  error: error ?? null,
})

async function dropRefused(ctx: EnvironmentCtx, integration: IntegrationRow): Promise<void> {
  const beyond = await ctx.db
    .select({ id: webhookInbox.id })
    .from(webhookInbox)
    .where(and(eq(webhookInbox.integration_id, integration.id), eq(webhookInbox.state, "refused")))
    .orderBy(desc(webhookInbox.id))
    .limit(mostRefused)
    .offset(mostRefused)
  const ids = beyond.map((row) => row.id)
  if (ids.length > 0) await ctx.db.delete(webhookInbox).where(inArray(webhookInbox.id, ids))
}

export type InboxFilter = { state?: InboxState; integration?: string; before?: string; limit: number }

/** Received webhooks, newest first, without their bodies. */
export function listInbox(ctx: EnvironmentCtx, filter: InboxFilter): Promise<Omit<InboxRow, "body" | "envelope">[]> {
  const { id, environment_id, integration_id, integration, state, types, connections, error, replays, received_at } =
    webhookInbox
  return ctx.db
    .select({ id, environment_id, integration_id, integration, state, types, connections, error, replays, received_at })
    .from(webhookInbox)
    .where(
      and(
        eq(environment_id, ctx.environment.id),
        filter.state === undefined ? undefined : eq(state, filter.state),
        filter.integration === undefined ? undefined : eq(integration, filter.integration),
        filter.before === undefined ? undefined : lt(id, filter.before),
      ),
    )
    .orderBy(desc(id))
    .limit(filter.limit)
}

/** One of them as it came. Throws `unknown_webhook`. */
export async function openInbox(ctx: EnvironmentCtx, id: string): Promise<{ row: InboxRow; incoming: Incoming }> {
  const [row] = await ctx.db
    .select()
    .from(webhookInbox)
    .where(and(eq(webhookInbox.id, id), eq(webhookInbox.environment_id, ctx.environment.id)))
  if (!row) throw webhookFaults.unknown_webhook()
  const envelope = JSON.parse(unseal(ctx.masterKey, envelopePlace(id), row.envelope)) as Pick<
    Incoming,
    "headers" | "query"
  >
  return { row, incoming: { ...envelope, bytes: row.body, receivedAt: new Date(row.received_at) } }
}

/**
 * Takes a received webhook in once more, as if it had come only now to what is configured now; its signature is checked
 * with the time of its arrival. Throws `unknown_webhook`, and `unknown_provider_config` when its integration is gone.
 */
export async function replayWebhook(ctx: EnvironmentCtx, id: string): Promise<InboxRow> {
  const { row, incoming } = await openInbox(ctx, id)
  const integration = await getIntegrationById(ctx, row.integration_id)
  const recipe = webhookRecipeOf(ctx.catalogue.find(integration.provider))
  if (integration.deleted_at !== null || !recipe) throw webhookFaults.unknown_provider_config()
  await takeIn(ctx, { integration, recipe, incoming }, async (ctx, { kept }) => {
    if (!kept) return
    await ctx.db
      .update(webhookInbox)
      .set({ ...columnsOf(kept), replays: row.replays + 1 })
      .where(eq(webhookInbox.id, id))
  })
  return (await openInbox(ctx, id)).row
}

/** Removes received webhooks that are older than the retention time, a batch at a time. Answers whether there may be more. */
export function sweepInbox(app: App): Promise<boolean> {
  const batch = 200
  return inTransaction(app, async (ctx) => {
    const old = await ctx.db
      .select({ id: webhookInbox.id })
      .from(webhookInbox)
      .where(lt(webhookInbox.received_at, ctx.now().getTime() - ctx.config.webhookRetentionDays * dayMs))
      .limit(batch)
    const ids = old.map((row) => row.id)
    if (ids.length > 0) await ctx.db.delete(webhookInbox).where(inArray(webhookInbox.id, ids))
    return ids.length === batch
  })
}
