import type { EnvironmentCtx } from "../app/context.ts"
import type { Credentials } from "../auth/credentials.ts"
import { findIntegration } from "../integrations/integrations.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { connectionFaults, type ConnectionRow, type ImportConnection, type ImportedCredentials } from "./model.ts"
import { saveConnection } from "./save.ts"
import { toEndUser } from "./tags.ts"

/** Modes whose connections hold credentials of another shape. */
const storedAs: Record<string, string> = { MCP_OAUTH2: "OAUTH2", MCP_OAUTH2_GENERIC: "OAUTH2", INSTALL_PLUGIN: "BASIC" }

/** Stores credentials that were obtained elsewhere: the way to move existing tokens. `raw` is the provider's own answer. */
export async function importConnection(
  ctx: EnvironmentCtx,
  input: ImportConnection & { raw?: Record<string, unknown> },
): Promise<{ connection: ConnectionRow; integration: IntegrationRow }> {
  const integration = await findIntegration(ctx, input.provider_config_key)
  if (!integration) throw connectionFaults.not_found({ message: "Integration does not exist" })
  const provider = ctx.catalogue.find(integration.provider)
  if (!provider) throw connectionFaults.not_found({ message: "Provider does not exist" })
  const { type } = input.credentials
  if (type !== (storedAs[provider.auth_mode] ?? provider.auth_mode)) {
    throw connectionFaults.invalid_body({ message: `Provider ${provider.auth_mode} does not support ${type} auth` })
  }
  if (type === "TBA" && !input.connection_config?.accountId) {
    throw connectionFaults.invalid_body({ message: "connection_config.accountId is required for TBA credentials" })
  }
  const connection = await saveConnection(ctx, integration, {
    connectionId: input.connection_id ?? crypto.randomUUID(),
    credentials: toStored(input.credentials, input.raw),
    connectionConfig: input.connection_config ?? {},
    metadata: input.metadata ?? {},
    endUser: input.end_user ? toEndUser(input.end_user) : null,
    tags: input.tags ?? {},
    webhookUrlOverride: input.webhook_url_override || null,
  })
  return { connection, integration }
}

/** What an import says, in the shape in which credentials are stored; without a `raw` it is what was sent. */
function toStored(input: ImportedCredentials, raw: Record<string, unknown> | undefined): Credentials {
  if (input.type === "NONE") return {}
  if (input.type !== "OAUTH2" && input.type !== "OAUTH2_CC")
    return input.type === "OAUTH1" ? { ...input, raw: raw ?? { ...input } } : input
  const { expires_at, ...rest } = input
  const dated = { ...rest, ...(expires_at ? { expires_at: expires_at.toISOString() } : {}) }
  return { ...dated, raw: raw ?? { ...dated } }
}
