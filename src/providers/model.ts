import type { z } from "zod"
import { defineFaults } from "../kit/errors.ts"
import { int, table, text, time } from "../store/columns.ts"
import { type authModes, ProviderEntry } from "./entry.ts"

/*
 * Provider: an API as the catalogue describes it (not: template, connector).
 * Entry: a provider as it stands in a file, before its alias is resolved.
 * Addition: an entry that came through the API.
 * Field: something a person types in to connect (not: parameter).
 * Members keep the names of the public catalogue format, because GET /providers shows entries as they are.
 */

export { authModes } from "./entry.ts"
export { ProviderEntry }
export type { ProviderField, ProviderPaginate, ProviderProxy, ProviderRetry } from "./entry-parts.ts"

export const providerFaults = defineFaults({
  unknown_provider_template: [400, "There is no provider with this name in the catalogue", "legacy"],
  not_found: [404, "There is no provider with this name in the catalogue"],
  invalid_provider_catalogue: [500, "The provider catalogue has errors"],
  invalid_provider: [400, "The provider's entry has errors"],
  invalid_providers: [400, "The provider catalogue has errors; nothing was changed"],
  provider_in_use: [409, "Integrations use the provider"],
})

/** Entries that came through the API, for all environments. */
export const providerAdditions = table("provider_additions", {
  id: int("id").primaryKey({ autoIncrement: true }),
  name: text("name").notNull(),
  /** JSON of the entry as it came, alias not resolved. */
  entry: text("entry").notNull(),
  created_at: time("created_at").notNull(),
  updated_at: time("updated_at").notNull(),
})
export type ProviderAddition = typeof providerAdditions.$inferSelect

export type AuthMode = (typeof authModes)[number]
export const providerIdPattern = /^[a-z0-9-]+$/

export type ProviderEntry = z.infer<typeof ProviderEntry>

/** A provider as the rest of the program sees it: its alias resolved. Shared by all callers; treat as read-only. */
export type Provider = ProviderEntry & { auth_mode: AuthMode }
