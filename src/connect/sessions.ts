import { eq, lt } from "drizzle-orm"
import { randomBytes } from "node:crypto"
import { type App, type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { findConnection, findConnectionById } from "../connections/connections.ts"
import { connectionFaults, WebhookUrl } from "../connections/model.ts"
import { toEndUser } from "../connections/tags.ts"
import { issuesOfWebhookUrl } from "../connections/webhook-url.ts"
import { environments, type Environment } from "../environments/model.ts"
import { listIntegrations } from "../integrations/integrations.ts"
import { seal, sha256Hex, unseal } from "../kit/crypto.ts"
import type { Issue } from "../kit/errors.ts"
import { connectFaults, type ConnectSession, connectSessions, type Defaults } from "./model.ts"
import type { NewReconnectSession, NewSession, SessionDetails } from "./model.ts"

const prefix = "nango_connect_session_"
const tokenForm = /^nango_connect_session_[0-9a-f]{64}$/
const lifeMs = 30 * 60_000

const place = (row: number) => ({ table: "connect_sessions", column: "details", row })

export type OpenedSession = { token: string; expiresAt: number }

/** Opens a session for new connections. Throws `invalid_body` for integrations that are not there. */
export async function openSession(ctx: EnvironmentCtx, input: NewSession): Promise<OpenedSession> {
  const details = detailsOf(ctx, input)
  const allowed = input.allowed_integrations
  await checkNamed(ctx, details, allowed)
  // An empty list means every integration, as a missing one does.
  return store(ctx, allowed && allowed.length > 0 ? { ...details, allowed } : details)
}

/** Opens a session that authorises one connection again. Throws `invalid_body` when it is not there. */
export async function openReconnectSession(ctx: EnvironmentCtx, input: NewReconnectSession): Promise<OpenedSession> {
  const { connection_id, integration_id } = input
  const found = await findConnection(ctx, { connectionId: connection_id, providerConfigKey: integration_id })
  if (!found) throw connectFaults.invalid_body({ message: "ConnectionID or IntegrationId does not exists" })
  const details = detailsOf(ctx, input)
  await checkNamed(ctx, details)
  return store(ctx, {
    ...details,
    // Who the connection belongs to does not change by authorising it again.
    endUser: found.connection.end_user ?? details.endUser,
    allowed: [integration_id],
    reconnect: { connectionId: connection_id, id: found.connection.id },
  })
}

/** Throws `invalid_body` naming each integration that is not there. */
async function checkNamed(ctx: EnvironmentCtx, details: SessionDetails, allowed: string[] = []): Promise<void> {
  const existing = new Set((await listIntegrations(ctx)).map(({ unique_key }) => unique_key))
  const named = [
    ...allowed.map((key, index) => ({ key, path: ["allowed_integrations", String(index)] })),
    ...Object.keys(details.defaults).map((key) => ({ key, path: ["integrations_config_defaults", key] })),
    ...Object.keys(details.overrides).map((key) => ({ key, path: ["overrides", key] })),
  ]
  refuse(named.filter(({ key }) => !existing.has(key)).map(({ path }) => missing(path)))
}

const missing = (path: string[]): Issue => ({ code: "custom", message: "Integration does not exist", path })

function refuse(errors: Issue[]): void {
  if (errors.length > 0) throw connectFaults.invalid_body({ errors })
}

type Input = Pick<
  NewSession,
  "end_user" | "organization" | "tags" | "integrations_config_defaults" | "overrides" | "webhook_url_override"
>

function detailsOf(ctx: EnvironmentCtx, input: Input): SessionDetails {
  const { end_user, organization, tags = {}, overrides = {} } = input
  const { defaults, webhookUrlOverride } = liftWebhookUrl(ctx, input)
  return {
    endUser: end_user ? toEndUser(end_user, organization) : null,
    tags: end_user || !organization ? tags : { ...organizationTags(organization), ...tags },
    defaults,
    overrides,
    webhookUrlOverride,
  }
}

const organizationTags = ({ id, display_name }: { id: string; display_name?: string }): Record<string, string> => ({
  organization_id: id,
  ...(display_name ? { organization_display_name: display_name } : {}),
})

/** Older callers give the address for webhooks inside a connection config. Two that differ are refused. */
function liftWebhookUrl(ctx: EnvironmentCtx, { integrations_config_defaults = {}, webhook_url_override }: Input) {
  const defaults: Record<string, Defaults> = {}
  const urls = new Set(webhook_url_override ? [webhook_url_override] : [])
  for (const [key, given] of Object.entries(integrations_config_defaults)) {
    const { webhook_url, ...config } = given.connection_config ?? {}
    if (typeof webhook_url === "string" && webhook_url !== "") urls.add(webhook_url)
    defaults[key] = given.connection_config ? { ...given, connection_config: config } : given
  }
  if (urls.size > 1) {
    const message = "webhook_url_override and connection_config.webhook_url must be the same address"
    refuse([{ code: "custom", message, path: ["webhook_url_override"] }])
  }
  const [webhookUrlOverride] = urls
  if (webhookUrlOverride !== undefined && !WebhookUrl.safeParse(webhookUrlOverride).success) {
    refuse([{ code: "custom", message: "Invalid URL", path: ["webhook_url_override"] }])
  }
  refuse(issuesOfWebhookUrl(ctx, webhookUrlOverride, "webhook_url_override"))
  return { defaults, webhookUrlOverride }
}

async function store(ctx: EnvironmentCtx, details: SessionDetails): Promise<OpenedSession> {
  const token = `${prefix}${randomBytes(32).toString("hex")}`
  const now = ctx.now().getTime()
  const expiresAt = now + lifeMs
  await inTransaction(ctx, async (ctx) => {
    const values = {
      environment_id: ctx.environment.id,
      token_hash: sha256Hex(token),
      created_at: now,
      expires_at: expiresAt,
    }
    const [row] = await ctx.db.insert(connectSessions).values(values).returning({ id: connectSessions.id })
    if (!row) throw new Error("The session was not stored.")
    const sealed = seal(ctx.masterKey, place(row.id), JSON.stringify(details))
    await ctx.db.update(connectSessions).set({ details: sealed }).where(eq(connectSessions.id, row.id))
  })
  return { token, expiresAt }
}

/** Whether a bearer token claims to be a session's. */
export const isSessionToken = (text: string): boolean => text.startsWith(prefix)

/** Finds a live session. Throws `invalid_connect_session_token_format` and `unknown_connect_session_token`. */
export async function findSession(
  app: App,
  token: string,
): Promise<{ session: ConnectSession; environment: Environment }> {
  if (!tokenForm.test(token)) throw connectFaults.invalid_connect_session_token_format()
  const [found] = await app.db
    .select({ session: connectSessions, environment: environments })
    .from(connectSessions)
    .innerJoin(environments, eq(environments.id, connectSessions.environment_id))
    .where(eq(connectSessions.token_hash, sha256Hex(token)))
  const isLive = found && found.environment.deleted_at === null && found.session.expires_at > app.now().getTime()
  if (!isLive || found.session.details === null) throw connectFaults.unknown_connect_session_token()
  const { id, environment_id, expires_at, details } = found.session
  const opened = JSON.parse(unseal(app.masterKey, place(id), details)) as SessionDetails
  const session = { ...opened, id, environmentId: environment_id, expiresAt: expires_at }
  return { session, environment: found.environment }
}

/** Ends a session: its token is worth nothing from now on. */
export async function closeSession(ctx: EnvironmentCtx, session: ConnectSession): Promise<void> {
  await inTransaction(ctx, (ctx) => ctx.db.delete(connectSessions).where(eq(connectSessions.id, session.id)))
}

/** Throws `integration_not_allowed`, and `invalid_connection` when the connection to authorise again has gone. */
export async function checkAllowed(ctx: EnvironmentCtx, session: ConnectSession, uniqueKey: string): Promise<void> {
  if (session.allowed && !session.allowed.includes(uniqueKey)) throw connectFaults.integration_not_allowed()
  if (!session.reconnect) return
  const found = await findConnectionById(ctx, session.reconnect.id)
  if (!found || found.connection.deleted_at !== null) throw connectionFaults.invalid_connection()
}

/** Deletes sessions that are over. */
export async function sweepSessions(app: App): Promise<void> {
  const over = lt(connectSessions.expires_at, app.now().getTime())
  await inTransaction(app, (ctx) => ctx.db.delete(connectSessions).where(over))
}
