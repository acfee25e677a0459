import { z } from "zod"
import { defineFaults } from "../kit/errors.ts"
import { bool, bytes, int, json, sealed, table, text, time } from "../store/columns.ts"

/**
 * Webhook: a message to the owner's app about something that happened; or one from a provider (incoming). Delivery: one webhook on its way to one URL; it
 * is a row before it is a request. Attempt: one try of a delivery. Lane: the deliveries of one connection to one URL,
 * which arrive in the order in which they happened.
 */
export const webhookSettings = table("webhook_settings", {
  environment_id: int("environment_id").primaryKey(),
  primary_url: text("primary_url"),
  secondary_url: text("secondary_url"),
  on_sync_completion_always: bool("on_sync_completion_always").notNull(),
  on_sync_error: bool("on_sync_error").notNull(),
  on_auth_creation: bool("on_auth_creation").notNull(),
  on_auth_refresh_error: bool("on_auth_refresh_error").notNull(),
  on_async_action_completion: bool("on_async_action_completion").notNull(),
  on_connection_deletion: bool("on_connection_deletion").notNull(),
  /** URLs that answered 410; nothing is sent there until the settings are saved again. */
  disabled_urls: json<string[]>("disabled_urls").notNull(),
  updated_at: time("updated_at").notNull(),
})
export type WebhookSettings = typeof webhookSettings.$inferSelect

export const webhookDeliveries = table("webhook_deliveries", {
  id: int("id").primaryKey({ autoIncrement: true }),
  event_id: text("event_id").notNull(),
  environment_id: int("environment_id").notNull(),
  lane: text("lane").notNull(),
  type: text("type").$type<WebhookType>().notNull(),
  connection: text("connection"),
  integration: text("integration"),
  url: text("url").notNull(),
  /** Headers that a forwarded webhook keeps from its sender. */
  headers: json<Record<string, string>>("headers").notNull(),
  /** Those of them whose names say that they are secret; JSON. */
  secret_headers: sealed("secret_headers"),
  body: text("body").notNull(),
  state: text("state").$type<"pending" | "delivered" | "failed" | "disabled">().notNull(),
  attempts: int("attempts").notNull(),
  next_at: time("next_at"),
  last_status: int("last_status"),
  last_error: text("last_error"),
  created_at: time("created_at").notNull(),
  finished_at: time("finished_at"),
})
export type DeliveryRow = typeof webhookDeliveries.$inferSelect

export const webhookAttempts = table("webhook_attempts", {
  id: int("id").primaryKey({ autoIncrement: true }),
  delivery_id: int("delivery_id").notNull(),
  at: time("at").notNull(),
  duration_ms: int("duration_ms").notNull(),
  status: int("status"),
  error: text("error"),
})
export type AttemptRow = typeof webhookAttempts.$inferSelect

/**
 * Inbox: what providers have sent, as it came. `matched` was about connections, `unmatched` about none that is known,
 * `refused` had no good signature, `failed` met an error of ours. All can be replayed.
 */
export const webhookInbox = table("webhook_inbox", {
  /** Its beginning is the time of arrival. */
  id: text("id").primaryKey(),
  environment_id: int("environment_id").notNull(),
  integration_id: int("integration_id").notNull(),
  integration: text("integration").notNull(),
  state: text("state").$type<InboxState>().notNull(),
  types: json<string[]>("types").notNull(),
  connections: json<string[]>("connections").notNull(),
  error: text("error"),
  /** Headers and query; they may hold secrets. */
  envelope: sealed("envelope").notNull(),
  body: bytes("body").notNull(),
  replays: int("replays").notNull(),
  received_at: time("received_at").notNull(),
})
export type InboxRow = typeof webhookInbox.$inferSelect
export type InboxState = "matched" | "unmatched" | "refused" | "failed"

export type WebhookType = "sync" | "auth" | "async_action" | "forward"

const Url = z.union([z.literal(""), z.url({ protocol: /^https?$/ }).max(2000)])
export const UpdateWebhookSettings = z.strictObject({
  primary_url: Url.nullable().optional(),
  secondary_url: Url.nullable().optional(),
  on_sync_completion_always: z.boolean().optional(),
  on_sync_error: z.boolean().optional(),
  on_auth_creation: z.boolean().optional(),
  on_auth_refresh_error: z.boolean().optional(),
  on_async_action_completion: z.boolean().optional(),
  on_connection_deletion: z.boolean().optional(),
})
export type UpdateWebhookSettings = z.output<typeof UpdateWebhookSettings>

/** What a lane's task carries. */
export type DeliveryTask = { lane: string }

export const webhookFaults = defineFaults({
  invalid_body: [400, ""],
  unknown_delivery: [404, "There is no webhook delivery with this id."],
  unknown_webhook: [404, "There is no received webhook with this id."],
  unknown_environment: [404, "There is no such environment."],
  unknown_provider_config: [404, "There is no integration with this id in this environment."],
})
