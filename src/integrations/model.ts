import { z } from "zod"
import { defineFaults } from "../kit/errors.ts"
import { ScriptName, UniqueKey } from "../kit/shapes.ts"
import { isoTime } from "../kit/times.ts"
import type { Provider } from "../providers/model.ts"
import { bool, int, sealed, table, text, time } from "../store/columns.ts"

/**
 * Integration: a provider configured in an environment, with the owner's own client id and secret where the provider
 * wants them. Its id is `unique_key` = `provider_config_key`. Avoid: config.
 */
export const integrations = table("integrations", {
  id: int("id").primaryKey({ autoIncrement: true }),
  environment_id: int("environment_id").notNull(),
  unique_key: text("unique_key").notNull(),
  provider: text("provider").notNull(),
  display_name: text("display_name"),
  credentials: sealed("credentials"),
  custom: sealed("custom"),
  forward_webhooks: bool("forward_webhooks").notNull(),
  created_at: time("created_at").notNull(),
  updated_at: time("updated_at").notNull(),
  deleted_at: time("deleted_at"),
})
export type IntegrationRow = typeof integrations.$inferSelect

const clientId = z.string().min(1).max(255)
const scopes = z
  .string()
  .regex(/^([0-9a-zA-Z:/_.*-]+(,[0-9a-zA-Z:/_.*-]+)*)?$/, "Scopes must be a comma separated list")
const rsaKey = z
  .string()
  .refine(
    (key) =>
      key.trim().startsWith("-----BEGIN RSA PRIVATE KEY----") && key.trim().endsWith("-----END RSA PRIVATE KEY-----"),
    "The private key must be an RSA key in PEM form",
  )

const OAuthClient = {
  client_id: clientId,
  client_secret: z.string().min(1),
  scopes: scopes.optional(),
  webhook_secret: z.string().max(255).optional(),
}
const App = { app_id: clientId, app_link: z.string(), private_key: rsaKey }

/** What the owner gets from the provider's developer console, by auth mode. */
export const CredentialsInput = z.discriminatedUnion(
  "type",
  [
    z.strictObject({ type: z.literal("OAUTH1"), ...OAuthClient }),
    z.strictObject({ type: z.literal("OAUTH2"), ...OAuthClient }),
    z.strictObject({ type: z.literal("TBA"), ...OAuthClient }),
    // A client that the owner registered by hand with an MCP server; it may have no secret.
    z.strictObject({ type: z.literal("MCP_OAUTH2"), ...OAuthClient, client_secret: z.string().default("") }),
    z.strictObject({ type: z.literal("APP"), ...App }),
    z.strictObject({ type: z.literal("CUSTOM"), client_id: clientId, client_secret: z.string().min(1), ...App }),
  ],
  { error: "invalid credentials object" },
)
export type IntegrationCredentials = z.output<typeof CredentialsInput>

const displayName = z.string().min(1).max(255)
const texts = z.record(z.string(), z.string())
export const CreateIntegration = z.strictObject({
  provider: ScriptName,
  unique_key: UniqueKey,
  display_name: displayName.optional(),
  forward_webhooks: z.boolean().optional(),
  credentials: CredentialsInput.optional(),
  integration_config: z.record(z.string(), z.string().max(8192)).optional(),
  custom: texts.optional(),
})
export const QuickstartIntegration = CreateIntegration.pick({
  provider: true,
  unique_key: true,
  display_name: true,
  forward_webhooks: true,
})
export const UpdateIntegration = CreateIntegration.omit({ provider: true }).partial()
export const IntegrationParams = z.object({ uniqueKey: UniqueKey })

export const integrationFaults = defineFaults({
  not_found: [404, "Integration does not exist"],
  invalid_body: [400, ""],
  unknown_provider_config: [400, "There is no integration with this id in this environment.", "legacy"],
})

/** An integration as the public API shows it. */
export function toPublic(row: IntegrationRow, provider: Provider | undefined, serverUrl: string) {
  return {
    unique_key: row.unique_key,
    provider: row.provider,
    display_name: row.display_name ?? provider?.display_name ?? row.provider,
    logo: `${serverUrl}/images/template-logos/${row.provider}.svg`,
    forward_webhooks: row.forward_webhooks,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  }
}
