import type { Ctx } from "../app/context.ts"
import { holdsScope } from "../environments/keys.ts"
import { type ConnectionName, findConnection } from "./connections.ts"
import { markFetched, readConnectionConfig, readCredentials, withoutRefreshTokens } from "./credentials.ts"
import { connectionFaults, toFull } from "./model.ts"
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
    const connectionConfig = withoutRefreshTokens(readConnectionConfig(ctx, found.connection))
    return toFull(found.connection, names, { credentials: {}, connectionConfig }, "offset")
  }
  const row = markFetched(ctx, found.connection)
  const secrets = { credentials: readCredentials(ctx, row), connectionConfig: readConnectionConfig(ctx, row) }
  return toFull(row, names, options.refreshToken ? secrets : withoutRefreshTokens(secrets), "offset")
}
