import type { EnvironmentCtx } from "../app/context.ts"
import type { Credentials } from "../auth/credentials.ts"
import { findConnection, findConnectionById, type FoundConnection } from "../connections/connections.ts"
import { readConnectionConfig, readCredentials, secretsOf } from "../connections/credentials.ts"
import { readCredentials as readAppCredentials, readCustom } from "../integrations/integrations.ts"
import { faults, type ProxyTarget } from "../proxy/model.ts"
import type { HostRun } from "./host-run.ts"

const keptMs = 60_000

type Names = { providerConfigKey?: string; connectionId?: string }
/** A connection as a run's requests see it for a minute; `until` in milliseconds since the epoch. */
export type HeldTarget = { found: FoundConnection; target: ProxyTarget; credentials: Credentials; until: number }

/**
 * The connection of a request with its credentials. Each attempt asks again; the answer is kept for 60 seconds, unless
 * `fresh`: the provider has just refused the credentials.
 */
export async function holdTarget(run: HostRun, names: Names, fresh = false): Promise<HeldTarget> {
  const { providerConfigKey, connectionId } = completeNames(run, names)
  const key = `${providerConfigKey}\n${connectionId}`
  const now = run.ctx.now().getTime()
  const known = run.held?.get(key)
  if (known && !fresh && known.until > now) return known
  const found = await findTarget(run, names)
  if (!found) {
    const message = `There is no connection "${connectionId}" for "${providerConfigKey}".`
    throw faults.failed_to_get_connection({ message })
  }
  const credentials = readCredentials(run.ctx, found.connection)
  run.operation.hide(secretsOf(credentials))
  const held = { found, target: describeTarget(run.ctx, found), credentials, until: now + keptMs }
  run.held ??= new Map()
  run.held.set(key, held)
  return held
}

/** What was kept is no longer true: the run itself changed a connection. */
export function forgetTargets(run: HostRun): void {
  run.held?.clear()
}

/** The run's own connection, or another one of the same environment that the call names, as it is now. */
export async function findTarget(run: HostRun, names: Names): Promise<FoundConnection | undefined> {
  const { connection, integration } = run.found
  const name = completeNames(run, names)
  // By number and not by name: a connection that is still being validated is hidden from everybody else.
  const isOwn = name.providerConfigKey === integration.unique_key && name.connectionId === connection.connection_id
  return isOwn ? await findConnectionById(run.ctx, connection.id) : await findConnection(run.ctx, name)
}

function completeNames({ found }: HostRun, names: Names): { providerConfigKey: string; connectionId: string } {
  return {
    providerConfigKey: names.providerConfigKey ?? found.integration.unique_key,
    connectionId: names.connectionId ?? found.connection.connection_id,
  }
}

/** What the proxy has to know about a connection. */
export function describeTarget(ctx: EnvironmentCtx, { connection, integration }: FoundConnection): ProxyTarget {
  const app = readAppCredentials(ctx, integration)
  const client = app && "client_id" in app ? { clientId: app.client_id, clientSecret: app.client_secret } : {}
  return {
    provider: ctx.catalogue.get(integration.provider),
    providerName: integration.provider,
    integration: { uniqueKey: integration.unique_key, custom: readCustom(ctx, integration), ...client },
    connection: {
      connectionId: connection.connection_id,
      connectionConfig: readConnectionConfig(ctx, connection),
      metadata: connection.metadata,
    },
  }
}
