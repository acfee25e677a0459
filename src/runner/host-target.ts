import { secretConfig, secretsFor } from "../auth/secrets.ts"
import { targetOf } from "../auth/target.ts"
import { findConnection, findConnectionById, type FoundConnection } from "../connections/connections.ts"
import { faults } from "../proxy/model.ts"
import { type HeldTarget, holdFound, isStillHeld } from "../proxy/target.ts"
import type { HostRun } from "./host-run.ts"

type Names = { providerConfigKey?: string; connectionId?: string }

/**
 * The connection of a request with its credentials. Each attempt asks again; the answer is kept for 60 seconds, unless
 * `fresh`: the provider has just refused the credentials.
 */
export async function holdTarget(run: HostRun, names: Names, fresh = false): Promise<HeldTarget> {
  const { providerConfigKey, connectionId } = completeNames(run, names)
  const key = `${providerConfigKey}\n${connectionId}`
  const known = run.held?.get(key)
  if (known && isStillHeld(run.ctx, known, fresh)) return known
  const found = await findTarget(run, names)
  if (!found) {
    const message = `There is no connection "${connectionId}" for "${providerConfigKey}".`
    throw faults.failed_to_get_connection({ message })
  }
  const held = await holdFound(run.ctx, found)
  run.operation.hide(secretsOfTarget(run, held))
  run.held ??= new Map()
  run.held.set(key, held)
  return held
}

/** What requests to the connection carry, and nobody may be shown who hears of the run. */
function secretsOfTarget({ ctx }: HostRun, { found, credentials, target }: HeldTarget): string[] {
  const { connectionConfig } = target.connection
  return secretsFor(targetOf(ctx, found.integration, connectionConfig), {
    credentials,
    ...secretConfig(connectionConfig),
  })
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
