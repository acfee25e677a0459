import { z } from "zod"
import { defineFaults } from "../kit/errors.ts"
import { EnvironmentName } from "../kit/shapes.ts"
import { bool, int, json, sealed, table, text, time } from "../store/columns.ts"

/**
 * Environment: an isolated space with its own keys, integrations, connections, functions and settings.
 * Avoid: project, workspace.
 */
export const environments = table("environments", {
  id: int("id").primaryKey({ autoIncrement: true }),
  uuid: text("uuid").notNull(),
  name: text("name").notNull(),
  is_production: bool("is_production").notNull(),
  webhook_signing_key: sealed("webhook_signing_key"),
  hmac_key: sealed("hmac_key"),
  /** JSON of the headers' list. */
  otlp_headers: sealed("otlp_headers"),
  settings: json<EnvironmentSettings>("settings").notNull(),
  created_at: time("created_at").notNull(),
  updated_at: time("updated_at").notNull(),
  deleted_at: time("deleted_at"),
})

/** A secret key is stored only as a SHA-256 digest; the key itself is shown once. */
export const apiKeys = table("api_keys", {
  id: int("id").primaryKey({ autoIncrement: true }),
  uuid: text("uuid").notNull(),
  environment_id: int("environment_id").notNull(),
  display_name: text("display_name").notNull(),
  hash: text("hash").notNull(),
  scopes: json<string[]>("scopes").notNull(),
  created_at: time("created_at").notNull(),
  /** Noted every few seconds for all keys together; see `store/touches.ts`. */
  last_used_at: time("last_used_at"),
})
export type ApiKeyRow = typeof apiKeys.$inferSelect

export const environmentVariables = table("environment_variables", {
  id: int("id").primaryKey({ autoIncrement: true }),
  environment_id: int("environment_id").notNull(),
  name: text("name").notNull(),
  value: sealed("value"),
})

/**
 * Whether runs check what passes through them against the function's own schemas: what an action takes and gives, the
 * records that `batchSave` writes, the connection's metadata before a sync starts. All off unless set.
 */
export const ValidationSettings = z.strictObject({
  validate_action_input: z.boolean(),
  validate_action_output: z.boolean(),
  validate_sync_records: z.boolean(),
  validate_sync_metadata: z.boolean(),
})
export type ValidationSettings = z.output<typeof ValidationSettings>
/** Whether requests may name another host than the provider's with a base URL override. On unless set. */
export const ProxySettings = z.strictObject({ base_url_override: z.boolean() })
export type ProxySettings = z.output<typeof ProxySettings>

export const validationOff: ValidationSettings = {
  validate_action_input: false,
  validate_action_output: false,
  validate_sync_records: false,
  validate_sync_metadata: false,
}

/** Replaces the whole set. */
export const Variables = z
  .array(z.strictObject({ name: z.string().min(1).max(255), value: z.string().max(65_536) }))
  .max(1_000)
  .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, "A name may stand only once")

const httpUrl = z.url({ protocol: /^https?$/ })
const OtlpHeader = z.strictObject({ name: z.string().min(1).max(256), value: z.string().min(1).max(4_000) })
export const NewEnvironment = z.strictObject({
  name: EnvironmentName,
  is_production: z.boolean().optional(),
  callback_url: httpUrl.optional(),
  hmac_key: z.string().max(1_000).optional(),
  hmac_enabled: z.boolean().optional(),
  slack_notifications: z.boolean().optional(),
  otlp_endpoint: z.union([z.literal(""), httpUrl]).optional(),
  otlp_headers: z.array(OtlpHeader).max(100).optional(),
})
export type NewEnvironment = z.output<typeof NewEnvironment>

/** Today's clients name an environment by its number, newer ones by its UUID. */
export const EnvironmentId = z.union([
  z.uuid(),
  z
    .string()
    .regex(/^[1-9]\d{0,14}$/)
    .transform(Number),
])
export const NewKey = z.strictObject({ display_name: z.string().min(1).max(255) })
const rowId = z.number().int().positive()
export const NewKeyOf = NewKey.extend({ environment_id: rowId })
export const KeyOf = z.strictObject({ environment_id: rowId, key_id: rowId })

/** What was set; other members belong to other rooms. */
export type EnvironmentSettings = Partial<ValidationSettings & ProxySettings> & Record<string, unknown>
export type Environment = typeof environments.$inferSelect

/** Who sent a request: a secret key, or an end user's browser with a connect session. */
export type Caller =
  { kind: "key"; keyId: number | "fixed"; scopes: string[] } | { kind: "session"; scopes: string[]; allowed?: string[] }
export type KeyCaller = Extract<Caller, { kind: "key" }>

export const environmentFaults = defineFaults({
  missing_auth_header: [401, "Authentication failed. The request is missing the Authorization header.", "legacy"],
  malformed_auth_header: [401, "Authentication failed. The Authorization header is malformed.", "legacy"],
  invalid_secret_key_format: [401, "Authentication failed. The provided secret key is not a UUID v4.", "legacy"],
  unknown_account: [401, "Authentication failed. The provided secret key does not match any environment.", "legacy"],
  forbidden: [403, "Insufficient scope."],
  unknown_environment: [404, "There is no such environment."],
  not_found: [404, "There is no such environment."],
  conflict: [409, "The name is taken."],
  resource_capped: [400, "An environment can have at most 50 keys."],
  invalid_is_prod_flag: [400, "The environment prod is a production environment."],
  cannot_delete_prod_environment: [400, "The environment prod cannot be deleted."],
})
