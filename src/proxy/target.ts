import type { EnvironmentCtx } from "../app/context.ts"
import type { Credentials } from "../auth/credentials.ts"
import type { FoundConnection } from "../connections/connections.ts"
import { readConnectionConfig } from "../connections/credentials.ts"
import { freshCredentials } from "../connections/fresh.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { readCredentials as readAppCredentials, readCustom } from "../integrations/integrations.ts"
import { faults, type ProxyTarget } from "./model.ts"

const keptMs = 60_000

/** A connection as its requests see it for a minute; `until` in milliseconds since the epoch. */
export type HeldTarget = { found: FoundConnection; target: ProxyTarget; credentials: Credentials; until: number }

/**
 * What requests need of a connection that was just read, its credentials renewed where they are about to end. Throws
 * `unknown_provider` and what `freshCredentials` throws.
 */
export async function holdFound(ctx: EnvironmentCtx, before: FoundConnection): Promise<HeldTarget> {
  const { found, credentials, connectionConfig } = await freshCredentials(ctx, before)
  const target = describeTarget(ctx, found, connectionConfig)
  return { found, target, credentials, until: ctx.now().getTime() + keptMs }
}

/** Whether an attempt may use what an earlier one has read. Never when the provider has just refused it (`fresh`). */
export function isStillHeld(ctx: EnvironmentCtx, held: HeldTarget, fresh: boolean): boolean {
  return !fresh && held.until > ctx.now().getTime()
}

/** Throws `base_url_override_disabled` where the owner has closed the environment to other hosts. */
export function checkOverride(ctx: EnvironmentCtx, baseUrlOverride: string | undefined): void {
  if (!baseUrlOverride || ctx.environment.settings.base_url_override !== false) return
  throw faults.base_url_override_disabled()
}

/** What the proxy has to know about a connection; its configuration is read unless somebody has done that already. */
export function describeTarget(
  ctx: EnvironmentCtx,
  { connection, integration }: FoundConnection,
  connectionConfig = readConnectionConfig(ctx, connection),
): ProxyTarget {
  return {
    ...describeIntegration(ctx, integration),
    connection: { connectionId: connection.connection_id, connectionConfig, metadata: connection.metadata },
  }
}

/** The half of a target that all connections of an integration share. Throws `unknown_provider`. */
export function describeIntegration(ctx: EnvironmentCtx, integration: IntegrationRow): Omit<ProxyTarget, "connection"> {
  const provider = ctx.catalogue.find(integration.provider)
  if (!provider) throw faults.unknown_provider({ message: `Unknown provider ${integration.provider}` })
  const app = readAppCredentials(ctx, integration)
  const client = app && "client_id" in app ? { clientId: app.client_id, clientSecret: app.client_secret } : {}
  return {
    provider,
    providerName: integration.provider,
    integration: { uniqueKey: integration.unique_key, custom: readCustom(ctx, integration), ...client },
  }
}
