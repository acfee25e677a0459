import type { EnvironmentCtx } from "../app/context.ts"
import { webhookRecipeOf } from "../providers/webhook-recipe.ts"
import { readCredentials, readCustom } from "./integrations.ts"
import { type IntegrationRow, toPublic } from "./model.ts"

/** An integration as the API shows it, with what a form needs to know of its own settings. */
export function showIntegration(ctx: EnvironmentCtx, row: IntegrationRow) {
  const provider = ctx.catalogue.find(row.provider)
  const shown = toPublic(row, provider, ctx.serverUrl())
  if (!provider?.integration_config) return shown
  const custom = readCustom(ctx, row)
  const preset = Object.keys(provider.credentials ?? {}).filter((name) => custom[name])
  return {
    ...shown,
    ...(custom.keyLabel ? { credentials_label: { apiKey: custom.keyLabel } } : {}),
    ...(provider.auth_mode === "TWO_STEP" && preset.length > 0 ? { preconfigured_credentials: preset } : {}),
  }
}

/** Where the provider sends its webhooks, or null when its entry does not route any. */
export function webhookUrl(ctx: EnvironmentCtx, row: IntegrationRow): string | null {
  if (!webhookRecipeOf(ctx.catalogue.find(row.provider))) return null
  return `${ctx.serverUrl()}/webhook/${ctx.environment.uuid}/${encodeURIComponent(row.unique_key)}`
}

/** The owner's app credentials as the API shows them; null for providers that need none. */
export function shownCredentials(ctx: EnvironmentCtx, row: IntegrationRow): unknown {
  const credentials = readCredentials(ctx, row)
  if (!credentials) return null
  if (credentials.type === "APP" || credentials.type === "CUSTOM") return credentials
  const { type, client_id, client_secret, scopes, webhook_secret } = credentials
  return { type, client_id, client_secret, scopes: scopes ?? null, webhook_secret: webhook_secret ?? null }
}
