import type { EnvironmentCtx } from "../app/context.ts"
import { inOperation } from "../auth/operations.ts"
import { secretsFor } from "../auth/secrets.ts"
import { targetOf } from "../auth/target.ts"
import { flatPairs } from "../auth/token-request.ts"
import { type FoundConnection, listConnectionsOf } from "../connections/connections.ts"
import { readConnectionConfig, readCredentials } from "../connections/credentials.ts"
import { listIntegrations, readCredentials as readAppCredentials } from "../integrations/integrations.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { defineFaults } from "../kit/errors.ts"
import { revocationOf } from "../providers/exchange.ts"
import { connectionScope, renderTemplate, renderTree } from "../providers/template.ts"
import { buildRequest } from "./build.ts"
import { describeTarget } from "./target.ts"

const faults = defineFaults({
  revocation_failed: [502, "The provider did not end the access."],
})

/**
 * Ends a connection's access at the provider, where its entry says how, before the connection is deleted. What fails is in
 * the log and stops nothing: the owner wants it gone. `leaving` is an integration of which every connection goes.
 */
export async function revokeCredentials(
  ctx: EnvironmentCtx,
  found: FoundConnection,
  options: { leaving?: number } = {},
): Promise<void> {
  const { connection, integration } = found
  const revocation = revocationOf(ctx.catalogue.find(integration.provider))
  if (!revocation || connection.credentials === null) return
  if (revocation.unless_metadata && connection.metadata[revocation.unless_metadata] === true) return
  if (revocation.ends_all && (await sharesAccess(ctx, found, options.leaving))) return
  const credentials = readCredentials(ctx, connection)
  const connectionConfig = readConnectionConfig(ctx, connection)
  const target = describeTarget(ctx, found)
  const secrets = secretsFor(targetOf(ctx, integration, connectionConfig), credentials)
  const { connection_id: connectionId } = connection
  const work = {
    action: "revocation" as const,
    message: "Access is ended at the provider",
    integration,
    connectionId,
    secrets,
  }
  const { clientId, clientSecret } = target.integration
  const scope = connectionScope({
    connectionConfig,
    credentials: { ...credentials },
    client: { clientId, clientSecret },
  })
  const endpoint = renderTemplate(revocation.endpoint, scope, { encode: encodeURIComponent })
  // Without the token that it names there is nothing to end.
  if (!endpoint.complete) return
  const data = revocation.data && (renderTree(revocation.data, scope) as Record<string, unknown>)
  const headers = renderTree(revocation.headers ?? {}, scope) as Record<string, string>
  try {
    await inOperation(ctx, work, async ({ signal, timeoutMs, exchanges, now }) => {
      const request = buildRequest({
        ...target,
        credentials,
        now: now(),
        call: {
          endpoint: endpoint.text,
          method: revocation.method ?? "POST",
          headers,
          body: bodyOf(revocation.body_format, data),
          baseUrlOverride: revocation.base_url_override,
          retries: 0,
          retryOn: [],
        },
      })
      const startedAt = now()
      const response = await ctx.egress.send({ ...request, redirect: "manual", timeoutMs, signal, maxBytes: 65_536 })
      await response.body?.cancel()
      // The path may hold the token.
      const message = `${request.method} ${new URL(request.url).origin}`
      exchanges.push({ message, startedAt, durationMs: now().getTime() - startedAt.getTime(), status: response.status })
      if (!response.ok) throw faults.revocation_failed({ message: `The provider answered ${response.status}.` })
    })
  } catch {
    // The log entry says what failed; the connection is deleted all the same.
  }
}

/** Whether another connection through the same developer app may be of the same person: nothing shows that it is not. */
async function sharesAccess(ctx: EnvironmentCtx, found: FoundConnection, leaving?: number): Promise<boolean> {
  const { connection, integration } = found
  const clientOf = (row: IntegrationRow) => {
    const app = readAppCredentials(ctx, row)
    return app && "client_id" in app ? app.client_id : app?.app_id
  }
  const clientId = clientOf(integration)
  for (const row of await listIntegrations(ctx)) {
    if (row.id === leaving || clientOf(row) !== clientId) continue
    const others = await listConnectionsOf(ctx, row.id)
    const { end_user_id: person } = connection
    const isMaybeSame = (other: string | null) => other === null || person === null || other === person
    if (others.some(({ id, end_user_id }) => id !== connection.id && isMaybeSame(end_user_id))) return true
  }
  return false
}

/** The same for every connection of an integration that is being deleted. */
export async function revokeAllOf(ctx: EnvironmentCtx, integration: IntegrationRow): Promise<void> {
  if (!revocationOf(ctx.catalogue.find(integration.provider))) return
  for (const connection of await listConnectionsOf(ctx, integration.id)) {
    await revokeCredentials(ctx, { connection, integration }, { leaving: integration.id })
  }
}

function bodyOf(format: "json" | "form" | undefined, data: Record<string, unknown> | undefined) {
  if (data === undefined) return { kind: "none" as const }
  if (format === "form") return { kind: "form" as const, entries: flatPairs(data) }
  return { kind: "json" as const, text: JSON.stringify(data) }
}
