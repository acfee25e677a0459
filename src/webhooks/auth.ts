import type { EnvironmentCtx } from "../app/context.ts"
import { findConnectionById } from "../connections/connections.ts"
import type { ConnectionRow } from "../connections/model.ts"
import { type NewWebhook, queueWebhook } from "./outbox.ts"

export type AuthEvent = {
  connection: ConnectionRow
  operation: "creation" | "override" | "refresh" | "deletion"
  /** Why it did not work; left out when it did. */
  error?: { type: string; description: string }
}

const switches: Record<AuthEvent["operation"], NewWebhook["when"]> = {
  creation: "on_auth_creation",
  refresh: "on_auth_refresh_error",
  deletion: "on_connection_deletion",
  override: undefined,
}

/** Tells the owner's app that a connection was made, authorised again, deleted, or could not be. */
export async function queueAuthWebhook(ctx: EnvironmentCtx, event: AuthEvent): Promise<void> {
  const found = await findConnectionById(ctx, event.connection.id)
  if (!found) return
  const { connection, integration } = found
  const outcome = event.error ? { success: false, error: event.error } : { success: true }
  const body = {
    from: "nango",
    type: "auth",
    connectionId: connection.connection_id,
    providerConfigKey: integration.unique_key,
    authMode: ctx.catalogue.find(integration.provider)?.auth_mode ?? "unknown",
    provider: integration.provider,
    environment: ctx.environment.name,
    operation: event.operation,
    tags: connection.tags,
    ...outcome,
  }
  await queueWebhook(ctx, { type: "auth", found, body, when: switches[event.operation] })
}
