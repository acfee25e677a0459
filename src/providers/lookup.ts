import { z } from "zod"
import type { Provider } from "./model.ts"
import { lookupRecipes } from "./lookup-recipes.ts"
import { Outcome } from "./outcome.ts"
import { stepsAtOwnBase } from "./own-site.ts"
import { ValueKind } from "./value-kind.ts"

/*
 * What is looked up at the provider once a connection is there, as data: steps that go one after the other and fill in
 * the connection's configuration. Templates may use `connectionConfig.*` (with what earlier steps saved),
 * `credentials.*`, `claims.*` (of the access token) and `tokenOrigin` (scheme and host of the provider's token URL).
 */
const Text = z.string()
const Scalar = z.union([Text, z.number(), z.boolean()])

/**
 * Members of a connection's configuration that only the server writes: they say where tokens are sent and whose they are.
 * Neither a browser nor an answer of a provider sets them.
 */
export const reservedConfig = [
  "oauth_metadata",
  "oauth_client_info",
  "oauth_resource_url",
  "oauth_code_verifier",
  "userCredentials",
  "jwtToken",
  "pending",
]

/** A call through the connection's own proxy; a 2xx answer is what the step reads from. */
const LookupRequest = z.strictObject({
  method: z.enum(["GET", "POST", "PUT"]).optional(),
  endpoint: Text,
  base_url_override: Text.optional(),
  headers: z.record(Text, Scalar).optional(),
  query: z.record(Text, Scalar).optional(),
  data: z.unknown().optional(),
  /** `form` sends `data` as a form; default `json`. */
  body_format: z.enum(["json", "form"]).optional(),
})

/** How one element of a list is chosen. A rule that needs a value nobody has is passed over. */
const Pick = z.union([
  /** `only`: there is just one. */
  z.enum(["only", "first"]),
  z.strictObject({ path: Text, as: ValueKind.optional(), equals: Scalar }),
  /** Case does not matter. */
  z.strictObject({ path: Text, contains: Text }),
])
export type LookupPick = z.infer<typeof Pick>

/** Where a value stands, as a dotted path; of a text the one group of `matches`. */
const Value = z.union([Text, z.strictObject({ path: Text, matches: Text.optional(), as: ValueKind.optional() })])
export type LookupValue = z.infer<typeof Value>

const Key = Text.refine((name) => !reservedConfig.includes(name), "is a member that only the server writes")

export const ConnectionLookup = z.strictObject({
  request: LookupRequest.optional(),
  /** What is read instead of an answer: the claims of the access token (a JWT), the stored credentials, the configuration. */
  from: z.enum(["claims", "credentials", "connection_config"]).optional(),
  /** Members of the configuration; with any of them there is nothing to do. */
  unless: z.array(Text).optional(),
  /** What the source must say; else nothing is saved. */
  when: Outcome.optional(),
  /** Path to a list, and the rules that pick one element, tried in order. */
  list: Text.optional(),
  pick: z.array(Pick).optional(),
  /** Member of the configuration → where its value stands. Texts, numbers (as texts) and booleans are saved. */
  save: z.record(Key, Value).optional(),
  /** Member of the configuration that is true when the request was answered with 2xx, and false with 4xx. */
  probe: Key.optional(),
  /** Members of the configuration to remove. */
  unset: z.array(Text).optional(),
  /** Its failure is none. */
  optional: z.boolean().optional(),
})
export type ConnectionLookup = z.infer<typeof ConnectionLookup>

/** The steps of a provider, none when there is nothing to look up. */
export function lookupsOf(provider: Provider | undefined): readonly ConnectionLookup[] {
  const name = provider?.post_connection_script
  // An alias switches off with an empty name what it would inherit.
  if (!provider || name === "") return []
  if (provider.post_connection) return provider.post_connection
  const steps = name !== undefined && Object.hasOwn(lookupRecipes, name) ? (lookupRecipes[name] ?? []) : []
  return stepsAtOwnBase(provider, steps)
}
