import { z } from "zod"
import { defineFaults } from "../kit/errors.ts"
import { ConnectionId, EndUserInput, oneOrMany, Tags, UniqueKey } from "../kit/shapes.ts"
import { isoOffsetTime, isoTime } from "../kit/times.ts"
import { bool, int, json, primaryKey, sealed, table, text, time } from "../store/columns.ts"

/**
 * Connection: one end user's access to one integration: credentials, `connection_config` (what the provider's URLs
 * need), metadata (the owner's free JSON), tags. Avoid: account, link.
 */
export const connections = table("connections", {
  id: int("id").primaryKey({ autoIncrement: true }),
  environment_id: int("environment_id").notNull(),
  integration_id: int("integration_id").notNull(),
  connection_id: text("connection_id").notNull(),
  credentials: sealed("credentials"),
  connection_config: sealed("connection_config"),
  metadata: json<Record<string, unknown>>("metadata").notNull(),
  tags: json<Record<string, string>>("tags").notNull(),
  end_user: json<EndUser>("end_user"),
  end_user_id: text("end_user_id"),
  organization_id: text("organization_id"),
  search_text: text("search_text").notNull(),
  errors: json<{ type: string; log_id: string }[]>("errors").notNull(),
  webhook_url_override: text("webhook_url_override"),
  created_at: time("created_at").notNull(),
  updated_at: time("updated_at").notNull(),
  last_fetched_at: time("last_fetched_at"),
  deleted_at: time("deleted_at"),
  /** When the credentials end; null when they do not, or nobody knows. */
  expires_at: time("expires_at"),
  /** When the daily check last looked at them, or found that they were in use. */
  credentials_checked_at: time("credentials_checked_at").notNull().default(0),
  last_refresh_success_at: time("last_refresh_success_at"),
  last_refresh_failure_at: time("last_refresh_failure_at"),
  /** Days with a failure in a row. */
  refresh_attempts: int("refresh_attempts"),
  refresh_exhausted: bool("refresh_exhausted").notNull().default(false),
  /** Who refreshes right now, and until when nobody else may. */
  refresh_lease: text("refresh_lease"),
  refresh_lease_until: time("refresh_lease_until"),
  /** A refresh was cut off after it began: the provider may have taken the refresh token back. */
  refresh_interrupted: bool("refresh_interrupted").notNull().default(false),
})
export type ConnectionRow = typeof connections.$inferSelect

export const connectionTags = table(
  "connection_tags",
  { connection_id: int("connection_id").notNull(), key: text("key").notNull(), value: text("value").notNull() },
  (columns) => [primaryKey({ columns: [columns.connection_id, columns.key] })],
)

export type EndUser = {
  id: string
  display_name: string | null
  email: string | null
  tags: Record<string, string> | null
  organization: { id: string; display_name: string | null } | null
}

const when = z.union([z.string(), z.number()]).pipe(z.coerce.date())
const token = z.string().min(1).max(16_384)
const text255 = z.union([z.string(), z.number().transform(String)]).pipe(z.string().min(1).max(255))
const override = z.strictObject({
  client_id: z.string().max(255).optional(),
  client_secret: z.string().max(2048).optional(),
})

export const ImportedCredentials = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("OAUTH2"),
    access_token: token,
    refresh_token: token.optional(),
    expires_at: when.optional(),
    config_override: override.optional(),
  }),
  z.strictObject({
    type: z.literal("OAUTH2_CC"),
    token: z.string().min(1).max(4096),
    client_id: z.string().min(1).max(255),
    client_secret: z.string().min(1).max(2048),
    client_certificate: z.string().max(10_000).optional(),
    client_private_key: z.string().max(10_000).optional(),
    expires_at: when.optional(),
  }),
  z.strictObject({
    type: z.literal("OAUTH1"),
    oauth_token: z.string().min(1).max(2048),
    oauth_token_secret: z.string().min(1).max(2048),
  }),
  z.strictObject({ type: z.literal("API_KEY"), apiKey: z.string().min(1).max(1024) }),
  z.strictObject({ type: z.literal("BASIC"), username: z.string().max(1024), password: z.string().max(1024) }),
  z.strictObject({
    type: z.literal("TBA"),
    token_id: z.string().min(1),
    token_secret: z.string().min(1),
    config_override: override.optional(),
  }),
  z.strictObject({ type: z.literal("NONE") }),
  // A token is fetched at once.
  z.strictObject({ type: z.literal("APP"), app_id: text255, installation_id: text255 }),
  z.strictObject({ type: z.literal("CUSTOM"), app_id: text255, installation_id: text255 }),
  // Inputs of the provider's own, checked against its entry; the token is made from them.
  z.looseObject({ type: z.literal("TWO_STEP") }),
  z.looseObject({ type: z.literal("JWT") }),
  z.looseObject({ type: z.literal("BILL") }),
  z.looseObject({ type: z.literal("SIGNATURE") }),
  z.looseObject({ type: z.literal("AWS_SIGV4") }),
])
export type ImportedCredentials = z.output<typeof ImportedCredentials>

export const WebhookUrl = z.union([z.literal(""), z.url({ protocol: /^https?$/ })])

export const ImportConnection = z.strictObject({
  provider_config_key: UniqueKey,
  credentials: ImportedCredentials,
  connection_id: ConnectionId.optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  connection_config: z.looseObject({ oauth_scopes_override: z.array(z.string()).optional() }).optional(),
  webhook_url_override: WebhookUrl.optional(),
  end_user: EndUserInput.optional(),
  tags: Tags.optional(),
})
export type ImportConnection = z.output<typeof ImportConnection>

export const PatchConnection = z.strictObject({
  end_user: EndUserInput.optional(),
  tags: Tags.optional(),
  webhook_url_override: WebhookUrl.optional(),
})

export const ConnectionMetadata = z.strictObject({
  connection_id: z.union([ConnectionId, z.array(ConnectionId)]),
  provider_config_key: UniqueKey,
  metadata: z.record(z.string(), z.unknown()),
})
export type ConnectionMetadata = z.output<typeof ConnectionMetadata>

export const ListConnections = z.strictObject({
  connectionId: z.string().min(1).max(255).optional(),
  search: z.string().min(1).max(255).optional(),
  endUserId: z.string().min(1).max(255).optional(),
  endUserOrganizationId: z.string().min(1).max(255).optional(),
  integrationId: oneOrMany(z.string()).optional(),
  tags: z.record(z.string(), z.string()).optional(),
  limit: z.coerce.number().int().min(1).max(2000).optional(),
  page: z.coerce.number().int().min(0).max(1_000_000_000).optional(),
})
export type ListConnections = z.output<typeof ListConnections>

export const ConnectionParams = z.object({ connectionId: ConnectionId })

/** The two headers that name a connection on records, proxy and action routes. */
export const ConnectionHeaders = z.object({ "connection-id": ConnectionId, "provider-config-key": UniqueKey })

export const connectionFaults = defineFaults({
  not_found: [404, "Failed to find connection"],
  unknown_connection: [404, "There is no connection with this id for this integration."],
  unknown_provider_config: [400, "Provider does not exists"],
  invalid_body: [400, ""],
  invalid_connection: [400, "The connection that this session authorises again does not exist any more."],
  connection_validation_failed: [400, "The connection failed validation"],
  forbidden: [403, ""],
  connection_refresh_backoff: [424, "A recent refresh attempt failed. Backing off before retrying.", "legacy"],
  connection_refresh_exhausted: [424, "The refresh limit has been reached for this connection.", "legacy"],
})

type Names = { uniqueKey: string; provider: string }

/** What a list and the whole connection both show. */
const toHead = (row: ConnectionRow, names: Names) => ({
  id: row.id,
  connection_id: row.connection_id,
  provider_config_key: names.uniqueKey,
  provider: names.provider,
  errors: row.errors,
  end_user: row.end_user,
  tags: row.tags,
  metadata: row.metadata,
})

export function toListItem(row: ConnectionRow, names: Names) {
  return {
    ...toHead(row, names),
    created: isoOffsetTime(row.created_at),
  }
}

/** The whole connection. Times end in `+00:00` on GET and in `Z` on import, as the reference writes them. */
export function toFull(
  row: ConnectionRow,
  names: Names,
  secrets: { credentials: unknown; connectionConfig: Record<string, unknown> },
  form: "offset" | "z",
) {
  const write = form === "z" ? isoTime : isoOffsetTime
  return {
    ...toHead(row, names),
    connection_config: secrets.connectionConfig,
    webhook_url_override: row.webhook_url_override,
    created_at: write(row.created_at),
    updated_at: write(row.updated_at),
    last_fetched_at: row.last_fetched_at === null ? null : write(row.last_fetched_at),
    credentials: secrets.credentials,
  }
}
