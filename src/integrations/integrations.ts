import { and, asc, eq, isNull } from "drizzle-orm"
import { type App, type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { environments } from "../environments/model.ts"
import { seal, unseal } from "../kit/crypto.ts"
import type { Provider } from "../providers/model.ts"
import { checkIntegrationConfig } from "./config-fields.ts"
import { type IntegrationCredentials, integrationFaults, type IntegrationRow, integrations } from "./model.ts"

export type NewIntegration = {
  provider: string
  unique_key: string
  display_name?: string
  forward_webhooks?: boolean
  credentials?: IntegrationCredentials
  integration_config?: Record<string, string>
  custom?: Record<string, string>
}
export type IntegrationChange = Partial<Omit<NewIntegration, "provider">>

/** Finds a live integration by its key. */
export async function findIntegration(ctx: EnvironmentCtx, uniqueKey: string): Promise<IntegrationRow | undefined> {
  const [row] = await ctx.db
    .select()
    .from(integrations)
    .where(
      and(
        eq(integrations.environment_id, ctx.environment.id),
        eq(integrations.unique_key, uniqueKey),
        isNull(integrations.deleted_at),
      ),
    )
  return row
}

export async function getIntegration(ctx: EnvironmentCtx, uniqueKey: string): Promise<IntegrationRow> {
  const row = await findIntegration(ctx, uniqueKey)
  if (!row) throw integrationFaults.not_found({ message: `Integration "${uniqueKey}" does not exist` })
  return row
}

export async function getIntegrationById(ctx: EnvironmentCtx, id: number): Promise<IntegrationRow> {
  const [row] = await ctx.db.select().from(integrations).where(eq(integrations.id, id))
  if (!row) throw integrationFaults.not_found()
  return row
}

/** All live integrations of the environment, by provider and then age. */
export function listIntegrations(ctx: EnvironmentCtx): Promise<IntegrationRow[]> {
  return ctx.db
    .select()
    .from(integrations)
    .where(and(eq(integrations.environment_id, ctx.environment.id), isNull(integrations.deleted_at)))
    .orderBy(asc(integrations.provider), asc(integrations.created_at), asc(integrations.id))
}

const appModes = new Set(["OAUTH1", "OAUTH2", "APP", "CUSTOM"])

/** Which integrations of all environments use which provider. */
export function listProviderUses(app: App): Promise<{ provider: string; environment: string; integration: string }[]> {
  return app.db
    .select({
      provider: integrations.provider,
      environment: environments.name,
      integration: integrations.unique_key,
    })
    .from(integrations)
    .innerJoin(environments, eq(environments.id, integrations.environment_id))
    .where(and(isNull(integrations.deleted_at), isNull(environments.deleted_at)))
    .orderBy(asc(integrations.id))
}

export async function createIntegration(ctx: EnvironmentCtx, input: NewIntegration): Promise<IntegrationRow> {
  const provider = ctx.catalogue.find(input.provider)
  if (!provider) throw invalid("Invalid provider", ["provider"])
  if (input.credentials && input.credentials.type !== provider.auth_mode) {
    throw integrationFaults.invalid_body({ message: "incompatible credentials auth type and provider auth" })
  }
  if (!input.credentials && appModes.has(provider.auth_mode))
    throw integrationFaults.invalid_body({ message: "Missing credentials" })
  if (await findIntegration(ctx, input.unique_key)) throw invalid("Unique key already exists", ["uniqueKey"])
  const custom = checkIntegrationConfig(provider, input, {})
  return inTransaction(ctx, async (ctx) => {
    const now = ctx.now().getTime()
    const [row] = await ctx.db
      .insert(integrations)
      .values({
        environment_id: ctx.environment.id,
        unique_key: input.unique_key,
        provider: input.provider,
        display_name: input.display_name,
        forward_webhooks: input.forward_webhooks ?? true,
        created_at: now,
        updated_at: now,
      })
      .onConflictDoNothing()
      .returning()
    if (!row) throw invalid("Unique key already exists", ["uniqueKey"])
    return saveSecrets(ctx, row, { credentials: withDefaultScopes(input.credentials, provider), custom })
  })
}

/** Would make an integration on a developer app that the server shares with everybody; this server has none to share. */
export function refuseQuickstart(ctx: EnvironmentCtx, input: { provider: string }): never {
  const provider = ctx.catalogue.find(input.provider)
  if (!provider) throw invalid("Invalid provider", ["provider"])
  if (!["OAUTH1", "OAUTH2", "APP"].includes(provider.auth_mode)) {
    throw integrationFaults.invalid_body({
      message: "Quickstart is only available for providers that require a developer app",
    })
  }
  throw integrationFaults.invalid_body({ message: "No Nango-provided developer app is configured for this provider" })
}

/** Changes what is named. Secrets merge into those that are there, so they are read in the transaction of the change. */
export function updateIntegration(
  ctx: EnvironmentCtx,
  uniqueKey: string,
  change: IntegrationChange,
): Promise<IntegrationRow> {
  return inTransaction(ctx, async (ctx) => {
    const row = await getIntegration(ctx, uniqueKey)
    const provider = ctx.catalogue.find(row.provider)
    if (!provider) throw integrationFaults.not_found({ message: `Unknown provider ${row.provider}` })
    if (change.credentials && change.credentials.type !== provider.auth_mode) {
      throw integrationFaults.invalid_body({ message: "incompatible credentials auth type and provider auth" })
    }
    const custom = checkIntegrationConfig(provider, change, readCustom(ctx, row))
    if (change.unique_key !== undefined && change.unique_key !== uniqueKey)
      await checkRename(ctx, row, change.unique_key)
    const [changed] = await ctx.db
      .update(integrations)
      .set({
        unique_key: change.unique_key,
        display_name: change.display_name,
        forward_webhooks: change.forward_webhooks,
        updated_at: ctx.now().getTime(),
      })
      .where(eq(integrations.id, row.id))
      .returning()
    if (!changed) throw integrationFaults.not_found()
    const credentials = change.credentials ? mergeCredentials(readCredentials(ctx, row), change.credentials) : undefined
    return saveSecrets(ctx, changed, { credentials, custom })
  })
}

async function checkRename(ctx: EnvironmentCtx, row: IntegrationRow, uniqueKey: string): Promise<void> {
  if (await findIntegration(ctx, uniqueKey)) {
    throw integrationFaults.invalid_body({ message: "uniqueKey is already used by another integration" })
  }
  if (await ctx.moments.integrationInUse(ctx, row)) {
    throw integrationFaults.invalid_body({ message: "Can't rename an integration with active connections" })
  }
}

/** Deletes an integration with everything that hangs on it. */
export async function deleteIntegration(ctx: EnvironmentCtx, uniqueKey: string): Promise<void> {
  const row = await findIntegration(ctx, uniqueKey)
  if (!row) throw integrationFaults.not_found()
  await ctx.moments.integrationDeleting(ctx, row)
  await inTransaction(ctx, async (ctx) => {
    await ctx.moments.integrationDeleted(ctx, row)
    await ctx.db
      .update(integrations)
      .set({ deleted_at: ctx.now().getTime(), credentials: null, custom: null })
      .where(eq(integrations.id, row.id))
  })
}

/** The owner's app credentials in clear, or undefined for providers that need none. */
export function readCredentials(ctx: EnvironmentCtx, row: IntegrationRow): IntegrationCredentials | undefined {
  if (row.credentials === null) return undefined
  return JSON.parse(unseal(ctx.masterKey, place(row.id, "credentials"), row.credentials)) as IntegrationCredentials
}

/** Values that belong to the integration as a whole (a base URL, where a key goes). */
export function readCustom(ctx: EnvironmentCtx, row: IntegrationRow): Record<string, string> {
  if (row.custom === null) return {}
  return JSON.parse(unseal(ctx.masterKey, place(row.id, "custom"), row.custom)) as Record<string, string>
}

const place = (row: number, column: string) => ({ table: "integrations", column, row })

async function saveSecrets(
  ctx: EnvironmentCtx,
  row: IntegrationRow,
  secrets: { credentials?: IntegrationCredentials; custom?: Record<string, string> },
): Promise<IntegrationRow> {
  const set: Partial<IntegrationRow> = {}
  if (secrets.credentials)
    set.credentials = seal(ctx.masterKey, place(row.id, "credentials"), JSON.stringify(secrets.credentials))
  if (secrets.custom) set.custom = seal(ctx.masterKey, place(row.id, "custom"), JSON.stringify(secrets.custom))
  if (Object.keys(set).length === 0) return row
  await ctx.db.update(integrations).set(set).where(eq(integrations.id, row.id))
  return { ...row, ...set }
}

function withDefaultScopes(
  credentials: IntegrationCredentials | undefined,
  provider: Provider,
): IntegrationCredentials | undefined {
  if (!credentials || !("client_id" in credentials) || credentials.type === "CUSTOM" || credentials.scopes)
    return credentials
  const scopes = provider.default_scopes?.join(",")
  return scopes ? { ...credentials, scopes } : credentials
}

/** Credentials replace what was there; only a webhook secret that is not mentioned stays, and an empty one is removed. */
function mergeCredentials(
  old: IntegrationCredentials | undefined,
  next: IntegrationCredentials,
): IntegrationCredentials {
  if (!("webhook_secret" in next) && old && "webhook_secret" in old && old.type === next.type) {
    return { ...next, webhook_secret: old.webhook_secret }
  }
  if ("webhook_secret" in next && next.webhook_secret === "") return { ...next, webhook_secret: undefined }
  return next
}

const invalid = (message: string, path: string[]) =>
  integrationFaults.invalid_body({ errors: [{ code: "invalid_string", message, path }] })
