import { type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { findConnectionById } from "../connections/connections.ts"
import type { ConnectionRow, EndUser } from "../connections/model.ts"
import type { IntegrationRow } from "../integrations/model.ts"
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
  const body = {
    ...head(ctx, integration, connection.connection_id),
    operation: event.operation,
    tags: connection.tags,
    ...aboutEndUser(connection.end_user),
    ...outcome(event.error),
  }
  await queueWebhook(ctx, { type: "auth", found, body, when: switches[event.operation] })
}

export type FailedConnection = {
  integration: IntegrationRow
  /** The id that it would have got. */
  connectionId: string
  endUser: EndUser | null
  webhookUrlOverride?: string
  error: { type: string; description: string }
}

/** Tells the owner's app that an attempt ended before there was a connection; it counts as a creation. */
export async function queueFailedConnection(ctx: EnvironmentCtx, failed: FailedConnection): Promise<void> {
  const { integration, connectionId, endUser, webhookUrlOverride, error } = failed
  const body = {
    ...head(ctx, integration, connectionId),
    operation: "creation",
    ...aboutEndUser(endUser),
    ...outcome(error),
  }
  const to = { integration: integration.unique_key, url: webhookUrlOverride || undefined }
  await inTransaction(ctx, (ctx) => queueWebhook(ctx, { type: "auth", body, when: "on_auth_creation", ...to }))
}

const head = (ctx: EnvironmentCtx, integration: IntegrationRow, connectionId: string) => ({
  from: "nango",
  type: "auth",
  connectionId,
  providerConfigKey: integration.unique_key,
  authMode: ctx.catalogue.find(integration.provider)?.auth_mode ?? "unknown",
  provider: integration.provider,
  environment: ctx.environment.name,
})

const outcome = (error: AuthEvent["error"]) => (error ? { success: false, error } : { success: true })

function aboutEndUser(endUser: EndUser | null) {
  if (!endUser) return {}
  const { id, email, tags, organization } = endUser
  return {
    endUser: {
      endUserId: id,
      endUserEmail: email,
      ...(organization ? { organizationId: organization.id } : {}),
      tags: tags ?? {},
    },
  }
}
