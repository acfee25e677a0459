import type { Ctx } from "../app/context.ts"
import { openConfig } from "../auth/secrets.ts"
import { holdsScope } from "../environments/keys.ts"
import { type ConnectionName, findConnection, findConnectionById, type FoundConnection } from "./connections.ts"
import { readConnectionConfig, withoutRefreshTokens } from "./credentials.ts"
import { freshCredentials } from "./fresh.ts"
import { connectionFaults, toFull } from "./model.ts"
import { withErrors } from "./problems.ts"
import { invalidCredentials } from "./refresh-state.ts"
import type { Fresh } from "./renewable.ts"
import { findIntegration } from "../integrations/integrations.ts"

export type ShowOptions = { refreshToken?: boolean; forceRefresh?: boolean; refreshGithubAppJwtToken?: boolean }

/** One connection with its credentials, as far as the caller may see them. */
export async function showConnection(ctx: Ctx, name: ConnectionName, options: ShowOptions) {
  if (!(await findIntegration(ctx, name.providerConfigKey))) throw connectionFaults.unknown_provider_config()
  const found = await findConnection(ctx, name)
  if (!found) throw connectionFaults.not_found()
  const names = { uniqueKey: found.integration.unique_key, provider: found.integration.provider }
  if (!holdsScope(ctx.caller, "connections:read_credentials")) {
    if (options.refreshToken || options.forceRefresh || options.refreshGithubAppJwtToken) {
      throw connectionFaults.forbidden({
        message: "Credential and refresh options require the environment:connections:read_credentials scope",
      })
    }
    const connectionConfig = withoutRefreshTokens(openConfig(readConnectionConfig(ctx, found.connection)))
    return toFull(await withErrors(ctx, found.connection), names, { credentials: {}, connectionConfig }, "offset")
  }
  const { forceRefresh: force, refreshGithubAppJwtToken: appJwt } = options
  let fresh: Fresh
  try {
    fresh = await freshCredentials(ctx, found, { force, appJwt })
  } catch (error) {
    throw invalidCredentials(error, await showFailed(ctx, found))
  }
  const { credentials, connectionConfig } = fresh
  const secrets = { credentials, connectionConfig }
  const shown = await withErrors(ctx, fresh.found.connection)
  return toFull(shown, names, options.refreshToken ? secrets : withoutRefreshTokens(secrets), "offset")
}

/** The connection as it is after a refresh has failed, with its error and without credentials. */
async function showFailed(ctx: Ctx, before: FoundConnection) {
  const { connection, integration } = (await findConnectionById(ctx, before.connection.id)) ?? before
  const names = { uniqueKey: integration.unique_key, provider: integration.provider }
  const connectionConfig = withoutRefreshTokens(openConfig(readConnectionConfig(ctx, connection)))
  return toFull(await withErrors(ctx, connection), names, { credentials: {}, connectionConfig }, "offset")
}
