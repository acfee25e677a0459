import { z } from "zod"
import type { EnvironmentCtx } from "../app/context.ts"
import { findIntegration } from "../integrations/integrations.ts"
import { defineFaults } from "../kit/errors.ts"
import { ConnectionId, UniqueKey } from "../kit/shapes.ts"
import { importConnection } from "./import.ts"
import { connectionFaults, ImportedCredentials, WebhookUrl } from "./model.ts"

const text = z.string().max(16_384).optional()
const json = z.record(z.string(), z.unknown()).optional()
const when = z.union([z.string(), z.number()]).optional()

/** An import as it was written before 2025: flat, with the members of the provider's auth mode. */
export const OldImport = z.looseObject({
  provider_config_key: UniqueKey.optional(),
  connection_id: ConnectionId.optional(),
  metadata: json,
  connection_config: json,
  raw: json,
  webhook_url_override: WebhookUrl.optional(),
  access_token: text,
  refresh_token: text,
  expires_at: when,
  expires_in: when,
  no_expiration: z.boolean().optional(),
  oauth_client_id_override: text,
  oauth_client_secret_override: text,
  oauth_token: text,
  oauth_token_secret: text,
  username: text,
  password: text,
  api_key: text,
  app_id: text,
  installation_id: z.union([z.string(), z.number()]).optional(),
  token_id: text,
  token_secret: text,
})
export type OldImport = z.output<typeof OldImport>

export const oldFaults = defineFaults({
  missing_provider_config: [400, "Missing param 'provider_config_key'.", "legacy"],
  unknown_provider_config: [400, "There is no integration with this id in this environment.", "legacy"],
  unknown_provider_template: [404, "There is no provider with this name in the catalogue", "legacy"],
  unknown_connection: [404, "There is no connection with this id for this integration.", "legacy"],
  missing_access_token: [400, "Missing param 'access_token'.", "legacy"],
  missing_expires_at: [400, "Missing param 'expires_at', 'expires_in' or 'no_expiration'.", "legacy"],
  invalid_expires_at: [400, "Invalid param 'expires_at' or 'expires_in'.", "legacy"],
  missing_oauth_token: [400, "Missing param 'oauth_token'.", "legacy"],
  missing_oauth_token_secret: [400, "Missing param 'oauth_token_secret'.", "legacy"],
  missing_basic_username: [400, "Missing param 'username'.", "legacy"],
  missing_api_key: [400, "Missing param 'api_key'.", "legacy"],
  missing_app_id: [400, "Missing param 'app_id'.", "legacy"],
  missing_installation_id: [400, "Missing param 'installation_id'.", "legacy"],
  missing_token_id: [400, "Missing param 'token_id'.", "legacy"],
  missing_token_secret: [400, "Missing param 'token_secret'.", "legacy"],
  invalid_auth_mode: [400, "Connections of this auth mode cannot be imported here.", "legacy"],
})

/** Stores credentials that were obtained elsewhere. Answers the id of the connection. */
export async function importOldConnection(ctx: EnvironmentCtx, input: OldImport): Promise<string> {
  if (input.provider_config_key === undefined) throw oldFaults.missing_provider_config()
  const integration = await findIntegration(ctx, input.provider_config_key)
  if (!integration) throw oldFaults.unknown_provider_config()
  const provider = ctx.catalogue.find(integration.provider)
  if (!provider) throw oldFaults.unknown_provider_template({ message: `Unknown provider ${integration.provider}` })
  const read = readers[provider.auth_mode]
  if (!read) throw oldFaults.invalid_auth_mode({ payload: { auth_mode: provider.auth_mode } })
  const parsed = ImportedCredentials.safeParse(read(input, ctx.now()))
  if (!parsed.success)
    throw connectionFaults.invalid_body({ message: parsed.error.issues.map((issue) => issue.message).join(", ") })
  const { connection } = await importConnection(ctx, {
    provider_config_key: integration.unique_key,
    connection_id: input.connection_id,
    credentials: parsed.data,
    metadata: input.metadata,
    connection_config: input.connection_config,
    raw: input.raw,
    // The old route never tried them, and its callers import many at once.
    untested: true,
    webhook_url_override: input.webhook_url_override,
  })
  return connection.connection_id
}

type Reader = (input: OldImport, now: Date) => Record<string, unknown>

/** The credentials of each auth mode out of the flat members. */
const readers: Partial<Record<string, Reader>> = {
  OAUTH2: readToken,
  OAUTH1: ({ oauth_token, oauth_token_secret }) => {
    if (!oauth_token) throw oldFaults.missing_oauth_token()
    if (!oauth_token_secret) throw oldFaults.missing_oauth_token_secret()
    return { type: "OAUTH1", oauth_token, oauth_token_secret }
  },
  BASIC: ({ username, password }) => {
    if (!username) throw oldFaults.missing_basic_username()
    return { type: "BASIC", username, password: password ?? "" }
  },
  API_KEY: ({ api_key }) => {
    if (!api_key) throw oldFaults.missing_api_key()
    return { type: "API_KEY", apiKey: api_key }
  },
  APP: ({ app_id, installation_id }) => {
    if (!app_id) throw oldFaults.missing_app_id()
    if (!installation_id) throw oldFaults.missing_installation_id()
    return { type: "APP", app_id, installation_id }
  },
  TBA: ({ token_id, token_secret, ...input }) => {
    if (!token_id) throw oldFaults.missing_token_id()
    if (!token_secret) throw oldFaults.missing_token_secret()
    return { type: "TBA", token_id, token_secret, ...overrideOf(input) }
  },
  NONE: () => ({ type: "NONE" }),
}

function readToken(input: OldImport, now: Date): Record<string, unknown> {
  const { access_token, refresh_token } = input
  if (!access_token) throw oldFaults.missing_access_token()
  const expires_at = expiryOf(input, now)
  return {
    type: "OAUTH2",
    access_token,
    ...(refresh_token ? { refresh_token } : {}),
    ...(expires_at ? { expires_at } : {}),
    ...overrideOf(input),
  }
}

function expiryOf({ expires_at, expires_in, no_expiration }: OldImport, now: Date): string | undefined {
  if (expires_at === undefined && expires_in === undefined) {
    if (no_expiration) return undefined
    throw oldFaults.missing_expires_at()
  }
  const at = expires_at === undefined ? new Date(now.getTime() + Number(expires_in) * 1000) : new Date(expires_at)
  if (Number.isNaN(at.getTime())) throw oldFaults.invalid_expires_at()
  return at.toISOString()
}

function overrideOf(input: OldImport) {
  const { oauth_client_id_override: client_id, oauth_client_secret_override: client_secret } = input
  if (!client_id && !client_secret) return {}
  return { config_override: { ...(client_id ? { client_id } : {}), ...(client_secret ? { client_secret } : {}) } }
}
