import type { EnvironmentCtx } from "../app/context.ts"
import type { Credentials } from "../auth/credentials.ts"
import { obtainCredentials } from "../auth/obtain.ts"
import { modes } from "../auth/modes.ts"
import { findIntegration } from "../integrations/integrations.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import type { AuthMode } from "../providers/model.ts"
import { connectionFaults, type ConnectionRow, type ImportConnection, type ImportedCredentials } from "./model.ts"
import { saveConnection } from "./save.ts"
import { toEndUser } from "./tags.ts"
import { verifyCredentials } from "./verify.ts"
import { checkWebhookUrl } from "./webhook-url.ts"

/** Modes of which an import gives inputs, and the token is obtained here and now. */
const obtained = new Set(["APP", "CUSTOM", "TWO_STEP", "JWT", "BILL", "SIGNATURE", "AWS_SIGV4"])

/**
 * Stores credentials that were obtained elsewhere: the way to move existing tokens. Keys and passwords are tried at the
 * provider first. `raw` is the provider's own answer. A connection that is there keeps its metadata, tags, end user and
 * webhook address where none is given; an empty webhook address clears it.
 */
export async function importConnection(
  ctx: EnvironmentCtx,
  input: ImportConnection & { raw?: Record<string, unknown>; untested?: boolean },
): Promise<{ connection: ConnectionRow; integration: IntegrationRow }> {
  checkWebhookUrl(ctx, input.webhook_url_override)
  const integration = await findIntegration(ctx, input.provider_config_key)
  if (!integration) throw connectionFaults.not_found({ message: "Integration does not exist" })
  const provider = ctx.catalogue.find(integration.provider)
  if (!provider) throw connectionFaults.not_found({ message: "Provider does not exist" })
  const { type } = input.credentials
  if (!takes(provider.auth_mode, type)) {
    throw connectionFaults.invalid_body({ message: `Provider ${provider.auth_mode} does not support ${type} auth` })
  }
  if (type === "TBA" && !input.connection_config?.accountId) {
    throw connectionFaults.invalid_body({ message: "connection_config.accountId is required for TBA credentials" })
  }
  const connectionId = input.connection_id ?? crypto.randomUUID()
  const { credentials, connectionConfig } = await readImported(ctx, integration, { ...input, connectionId })
  if (!input.untested) await verifyCredentials(ctx, { integration, connectionId, credentials, connectionConfig })
  const connection = await saveConnection(ctx, integration, {
    connectionId,
    credentials,
    connectionConfig,
    metadata: input.metadata,
    endUser: input.end_user && toEndUser(input.end_user),
    tags: input.tags,
    webhookUrlOverride: input.webhook_url_override === "" ? null : input.webhook_url_override,
  })
  return { connection, integration }
}

/** Whether connections of a mode hold, or are made from, credentials of this type. */
function takes(mode: AuthMode, type: string): boolean {
  if (obtained.has(mode)) return type === mode
  return modes[mode].stores.some((stored) => (stored ?? "NONE") === type)
}

type Imported = ImportConnection & { raw?: Record<string, unknown>; connectionId: string }

async function readImported(ctx: EnvironmentCtx, integration: IntegrationRow, input: Imported) {
  const { credentials, raw, connectionId, connection_config: given = {} } = input
  if (!obtained.has(credentials.type)) return { credentials: toStored(credentials, raw), connectionConfig: given }
  const { type: _, ...typed } = credentials
  return obtainCredentials(ctx, integration, { typed, connectionConfig: given, connectionId })
}

/** What an import says, in the shape in which credentials are stored; without a `raw` it is what was sent. */
function toStored(input: ImportedCredentials, raw: Record<string, unknown> | undefined): Credentials {
  switch (input.type) {
    case "NONE":
      return {}
    case "OAUTH1":
      return { ...input, raw: raw ?? { ...input } }
    case "OAUTH2":
    case "OAUTH2_CC": {
      const { expires_at, ...rest } = input
      const dated = { ...rest, ...(expires_at ? { expires_at: expires_at.toISOString() } : {}) }
      return { ...dated, raw: raw ?? { ...dated } }
    }
    default:
      return input
  }
}
