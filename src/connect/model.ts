import { z } from "zod"
import { WebhookUrl } from "../connections/model.ts"
import type { EndUser } from "../connections/model.ts"
import { defineFaults } from "../kit/errors.ts"
import { ConnectionId, EndUserInput, Tags, UniqueKey } from "../kit/shapes.ts"
import type { Remembered } from "../auth/mode.ts"
import { int, sealed, table, text, time } from "../store/columns.ts"

/**
 * Connect session: the right of one end user's browser to make connections, for half an hour. Authorization: one trip
 * of that browser to a provider and back; its state is good once and for ten minutes. Both are looked up by digest, and
 * what they hold is encrypted.
 */
export const connectSessions = table("connect_sessions", {
  id: int("id").primaryKey({ autoIncrement: true }),
  environment_id: int("environment_id").notNull(),
  token_hash: text("token_hash").notNull(),
  details: sealed("details"),
  created_at: time("created_at").notNull(),
  expires_at: time("expires_at").notNull(),
})

export const authorizations = table("authorizations", {
  id: int("id").primaryKey({ autoIncrement: true }),
  environment_id: int("environment_id").notNull(),
  integration_id: int("integration_id").notNull(),
  connection_id: text("connection_id").notNull(),
  state_hash: text("state_hash").notNull(),
  /** Digest of the cookie that the browser got when it left. */
  browser_hash: text("browser_hash").notNull(),
  /** Empty once it was used. */
  details: sealed("details"),
  created_at: time("created_at").notNull(),
  expires_at: time("expires_at").notNull(),
  used_at: time("used_at"),
})
export type AuthorizationRow = typeof authorizations.$inferSelect

const Texts = z.record(z.string().max(255), z.string().max(4_000))
const Defaults = z.strictObject({
  user_scopes: z.string().max(4_000).optional(),
  authorization_params: Texts.optional(),
  connection_config: z.looseObject({ oauth_scopes_override: z.string().max(4_000).optional() }).optional(),
})
/** What an integration is connected with, whatever the browser says. */
export type Defaults = z.output<typeof Defaults>

const Organization = z.strictObject({
  id: z.string().min(1).max(255),
  display_name: z.string().max(255).optional(),
})
const options = {
  end_user: EndUserInput.optional(),
  organization: Organization.optional(),
  integrations_config_defaults: z.record(UniqueKey, Defaults).optional(),
  overrides: z.record(UniqueKey, z.strictObject({ docs_connect: z.string().max(2_000).optional() })).optional(),
  webhook_url_override: WebhookUrl.optional(),
  tags: Tags.optional(),
}

export const NewSession = z
  .strictObject({ ...options, allowed_integrations: z.array(UniqueKey).max(1_000).optional() })
  .refine(({ end_user, tags }) => end_user !== undefined || tags !== undefined, {
    error: "end_user is required when there are no tags",
    path: ["end_user"],
  })
export type NewSession = z.output<typeof NewSession>

export const NewReconnectSession = z.strictObject({
  ...options,
  connection_id: ConnectionId,
  integration_id: UniqueKey,
})
export type NewReconnectSession = z.output<typeof NewReconnectSession>

/** What a session holds, as it is stored. */
export type SessionDetails = {
  endUser: EndUser | null
  tags: Record<string, string>
  /** Absent: every integration of the environment. */
  allowed?: string[]
  defaults: Record<string, Defaults>
  overrides: Record<string, { docs_connect?: string }>
  webhookUrlOverride?: string
  /** The connection that is authorised again. Its number tells it from one that takes its name later. */
  reconnect?: { connectionId: string; id: number }
}
export type ConnectSession = SessionDetails & { id: number; environmentId: number; expiresAt: number }

/** What is kept while a browser is away. */
export type AuthorizationDetails = {
  remembered: Remembered
  connectionConfig: Record<string, unknown>
  owner: { endUser?: EndUser; tags?: Record<string, string>; webhookUrlOverride?: string }
  reconnect?: { connectionId: string; id: number }
  /** The socket that waits for the outcome. */
  socket?: string
}

/** The query of every route that a browser calls; what it does not name is ignored. */
export const BrowserQuery = z.looseObject({
  params: z.record(z.string(), z.unknown()).optional(),
  connection_id: z.never({ error: "connection_id is forbidden when using session token" }).optional(),
})
export type BrowserQuery = z.output<typeof BrowserQuery>

const override = z.string().max(4_000).optional()
export const AuthorizeQuery = BrowserQuery.extend({
  authorization_params: Texts.optional(),
  user_scope: z.string().max(4_000).optional(),
  ws_client_id: z.string().max(255).optional(),
  credentials: z
    .looseObject({
      oauth_client_id_override: override,
      oauth_client_secret_override: override,
      oauth_refresh_token_override: override,
    })
    .optional(),
})
export type AuthorizeQuery = z.output<typeof AuthorizeQuery>

export const connectFaults = defineFaults({
  missing_public_key: [401, "The request carries no connect session token.", "legacy"],
  deprecated_authentication: [401, "Public keys are not supported. Use a connect session token.", "legacy"],
  invalid_connect_session_token_format: [401, "The connect session token is missing or has another form.", "legacy"],
  unknown_connect_session_token: [401, "The connect session does not exist or has expired.", "legacy"],
  invalid_body: [400, ""],
  unknown_provider_config: [404, "There is no integration with this id."],
  unknown_provider_template: [404, "The catalogue has no entry for the provider of this integration."],
  integration_not_allowed: [400, "The connect session does not allow this integration."],
  invalid_auth_mode: [400, "The provider's auth mode does not work this way."],
  state_err: [400, "This authorization is unknown, was already used, or took too long. Start again."],
  state_cookie_err: [400, "This authorization began in another browser. Start again, and finish it in this browser."],
  feature_disabled: [404, "This server does not describe itself as a client."],
  unknown_environment: [404, "There is no such environment."],
})
