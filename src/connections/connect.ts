import type { EnvironmentCtx } from "../app/context.ts"
import { finishAuthorization, obtainCredentials } from "../auth/obtain.ts"
import { callbackUrlOf } from "../environments/environments.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { readConnectionConfig } from "./credentials.ts"
import type { ConnectionRow } from "./model.ts"
import { type SaveConnection, saveConnection } from "./save.ts"
import { verifyCredentials } from "./verify.ts"

type Saving = Omit<SaveConnection, "credentials">

/** Makes a connection from what a person typed: obtained, tried at the provider, stored. */
export async function connectTyped(
  ctx: EnvironmentCtx,
  integration: IntegrationRow,
  input: Saving & { typed: unknown },
): Promise<ConnectionRow> {
  const { typed, ...saving } = input
  const { connectionId } = saving
  const obtained = await obtainCredentials(ctx, integration, { ...saving, typed })
  const { credentials, connectionConfig } = obtained
  await verifyCredentials(ctx, { integration, connectionId, credentials, connectionConfig })
  return saveConnection(ctx, integration, { ...saving, credentials, connectionConfig })
}

/** Makes a connection from what a browser came back with. `pending` connections wait for the provider's approval. */
export async function connectAuthorized(
  ctx: EnvironmentCtx,
  integration: IntegrationRow,
  input: Saving & Pick<Parameters<typeof finishAuthorization>[2], "query" | "remembered">,
): Promise<{ connection: ConnectionRow; pending: boolean }> {
  const { query, remembered, ...saving } = input
  const { connectionId } = saving
  const obtained = await finishAuthorization(ctx, integration, { ...saving, query, remembered })
  const { credentials, connectionConfig, pending } = obtained
  await verifyCredentials(ctx, { integration, connectionId, credentials, connectionConfig })
  const connection = await saveConnection(ctx, integration, { ...saving, credentials, connectionConfig })
  return { connection, pending }
}

/**
 * Gives a connection that waited for the provider its credentials. `query` is what a browser would have brought, and the
 * provider has signed it; what the connection was told while it waited stays.
 */
export async function completeConnection(
  ctx: EnvironmentCtx,
  integration: IntegrationRow,
  connection: ConnectionRow,
  input: { query: Record<string, string>; connectionConfig: Record<string, unknown> },
): Promise<ConnectionRow> {
  const connectionId = connection.connection_id
  const { pending: _, ...old } = readConnectionConfig(ctx, connection)
  const connectionConfig = { ...old, ...input.connectionConfig }
  const remembered = { callbackUrl: callbackUrlOf(ctx) }
  const answer = { query: input.query, remembered, connectionConfig, connectionId, signed: true as const }
  const obtained = await finishAuthorization(ctx, integration, answer)
  return saveConnection(ctx, integration, {
    connectionId,
    replaces: connection.id,
    credentials: obtained.credentials,
    connectionConfig: { ...connectionConfig, ...obtained.connectionConfig },
  })
}
