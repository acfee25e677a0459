import { z } from "zod"
import type { Ctx } from "../app/context.ts"
import { listConnectionsOf } from "../connections/connections.ts"
import { toListItem } from "../connections/model.ts"
import { withSyncErrors } from "../connections/problems.ts"
import { requireScope } from "../environments/keys.ts"
import { findIntegration, readCredentials, readCustom } from "../integrations/integrations.ts"
import {
  CredentialsInput,
  type IntegrationCredentials,
  integrationFaults,
  type IntegrationRow,
} from "../integrations/model.ts"
import { webhookUrl } from "../integrations/show.ts"
import { defineFaults } from "../kit/errors.ts"
import { ScriptName, UniqueKey } from "../kit/shapes.ts"
import { isoTime } from "../kit/times.ts"
import type { Provider } from "../providers/model.ts"
import { listFunctions } from "./functions.ts"
import type { FunctionRow } from "./model.ts"

/** Integrations as clients of 2024 write and read them: flat bodies, and answers under `config`. */
export const OldIntegration = z.looseObject({
  provider: ScriptName,
  provider_config_key: UniqueKey,
  oauth_client_id: z.string().max(255).nullish(),
  oauth_client_secret: z.string().max(4096).nullish(),
  oauth_scopes: z.string().max(4096).nullish(),
  app_id: z.string().max(255).nullish(),
  app_link: z.string().max(2048).nullish(),
  private_key: z.string().max(16_384).nullish(),
  webhook_secret: z.string().max(255).nullish(),
})
export type OldIntegration = z.output<typeof OldIntegration>

const oldFaults = defineFaults({
  unknown_provider_template: [400, "There is no provider with this name in the catalogue", "legacy"],
  missing_client_id: [400, "Missing param 'oauth_client_id'.", "legacy"],
  missing_client_secret: [400, "Missing param 'oauth_client_secret'.", "legacy"],
  missing_app_id: [400, "Missing param 'app_id'.", "legacy"],
  invalid_auth_mode: [400, "Only integrations of OAuth providers can be changed.", "legacy"],
})

export async function getOldIntegration(ctx: Ctx, uniqueKey: string): Promise<IntegrationRow> {
  const row = await findIntegration(ctx, uniqueKey)
  if (!row) throw integrationFaults.unknown_provider_config({ payload: { providerConfigKey: uniqueKey } })
  return row
}

/** The credentials in a flat body; undefined for providers that take none. Throws the codes of that generation. */
export function credentialsOf(ctx: Ctx, body: OldIntegration): IntegrationCredentials | undefined {
  const mode = providerOf(ctx, body.provider).auth_mode
  if (!["OAUTH1", "OAUTH2", "TBA", "APP", "CUSTOM"].includes(mode)) return undefined
  const ofApp = mode === "APP" || mode === "CUSTOM"
  if (mode !== "APP" && !body.oauth_client_id) throw oldFaults.missing_client_id()
  if (mode !== "APP" && !body.oauth_client_secret) throw oldFaults.missing_client_secret()
  if (ofApp && !body.app_id) throw oldFaults.missing_app_id()
  const client = { client_id: body.oauth_client_id, client_secret: body.oauth_client_secret }
  const app = { app_id: body.app_id, app_link: body.app_link ?? "", private_key: body.private_key ?? "" }
  // Spaces after the commas are what people type.
  const scopes = body.oauth_scopes?.replace(/\s*,\s*/g, ",").trim()
  const more = {
    ...(scopes ? { scopes } : {}),
    ...(body.webhook_secret ? { webhook_secret: body.webhook_secret } : {}),
  }
  const parsed = CredentialsInput.safeParse({
    type: mode,
    ...(mode === "APP" ? app : mode === "CUSTOM" ? { ...client, ...app } : { ...client, ...more }),
  })
  if (parsed.success) return parsed.data
  throw integrationFaults.invalid_body({ message: parsed.error.issues.map((issue) => issue.message).join(", ") })
}

/** What an update may change: an integration of the same provider, which has an OAuth app of the owner. */
export function checkOldUpdate(ctx: Ctx, row: IntegrationRow, body: OldIntegration): void {
  const mode = providerOf(ctx, body.provider).auth_mode
  if (row.provider !== body.provider)
    throw integrationFaults.invalid_body({ message: `The provider of an integration cannot be changed` })
  if (!["OAUTH1", "OAUTH2", "TBA", "APP", "CUSTOM"].includes(mode)) throw oldFaults.invalid_auth_mode()
}

export const oldName = (row: IntegrationRow) => ({
  config: { unique_key: row.unique_key, provider: row.provider },
})

/** One integration with the names of its functions and, if asked for, with everything else that is known about it. */
export async function showOldIntegration(ctx: Ctx, uniqueKey: string, withCredentials: boolean) {
  if (withCredentials) requireScope(ctx.caller, "integrations:read_credentials")
  const row = await getOldIntegration(ctx, uniqueKey)
  const provider = providerOf(ctx, row.provider)
  const functions = await listFunctions(ctx, { integrationId: row.id })
  const config = {
    unique_key: row.unique_key,
    provider: row.provider,
    syncs: functions.filter(({ type }) => type === "sync").map(showOldFunction),
    actions: functions.filter(({ type }) => type === "action").map(showOldFunction),
  }
  return { config: withCredentials ? { ...config, ...(await everything(ctx, row, provider)) } : config }
}

const showOldFunction = (row: FunctionRow) => ({
  name: row.name,
  created_at: isoTime(row.created_at),
  updated_at: isoTime(row.deployed_at),
  description: row.definition.description,
})

async function everything(ctx: Ctx, row: IntegrationRow, provider: Provider) {
  const stored = readCredentials(ctx, row)
  const client = stored && "client_id" in stored ? stored : undefined
  const app = stored && "app_id" in stored ? stored : undefined
  const token = client && "scopes" in client ? client : undefined
  const secret = client && "webhook_secret" in client ? client.webhook_secret : undefined
  const connections = await withSyncErrors(ctx, await listConnectionsOf(ctx, row.id))
  const names = { uniqueKey: row.unique_key, provider: row.provider }
  const url = webhookUrl(ctx, row)
  return {
    client_id: client?.client_id ?? app?.app_id ?? null,
    client_secret: client?.client_secret ?? app?.private_key ?? null,
    custom: readCustom(ctx, row),
    scopes: token?.scopes ?? null,
    app_link: app?.app_link ?? null,
    auth_mode: provider.auth_mode,
    created_at: isoTime(row.created_at),
    has_webhook: url !== null,
    webhook_secret: secret ?? null,
    connections: connections.map((connection) => toListItem(connection, names)),
    docs: provider.docs,
    connection_count: connections.length,
    has_webhook_user_defined_secret: provider.webhook_user_defined_secret === true,
    webhook_url: url,
  }
}

function providerOf(ctx: Ctx, name: string): Provider {
  const provider = ctx.catalogue.find(name)
  if (!provider) throw oldFaults.unknown_provider_template({ message: `Unknown provider ${name}` })
  return provider
}
