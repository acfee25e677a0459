import { z } from "zod"
import { exchangeRecipes } from "./exchange-recipes.ts"
import type { Provider } from "./model.ts"
import { ConnectionLookup } from "./lookup.ts"
import { Outcome } from "./outcome.ts"
import { atOwnBase, atOwnToken, ownTokenUrl } from "./own-site.ts"
import { revocationRecipes } from "./revocation-recipes.ts"
import { verificationRecipes } from "./verification-recipes.ts"

/*
 * Members of an entry that are ours and not of the public format: what providers do their own way, as data.
 * Exchange: one request that ends with a token. Outcome: what an answer must or must not say.
 */

const Text = z.string()
const Scalar = z.union([Text, z.number(), z.boolean()])
const Params = z.record(Text, z.unknown())
const Headers = z.record(Text, Scalar)

/** The call that shows whether typed credentials work; of several endpoints the first good answer is enough. */
export const ProviderVerification = z.strictObject({
  method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]).optional(),
  endpoints: z.array(Text),
  headers: Headers.optional(),
  data: z.unknown().optional(),
  /** `form` sends `data` as a form; default `json`. */
  body_format: z.enum(["json", "form"]).optional(),
  base_url_override: Text.optional(),
  /** Statuses that are good; default every 2xx. */
  ok_status: z.array(z.number()).optional(),
  /** An answer that says one of these is bad, whatever its status. */
  fail_if: z.array(Outcome).optional(),
})
export type ProviderVerification = z.infer<typeof ProviderVerification>

/**
 * How a token is asked for where it differs from RFC 6749. Templates may use `clientId`, `clientSecret`,
 * `clientSecretHead` (its first 20 characters), `code`, `redirectUri`, `callbackHost`, `codeVerifier`, `state`, `scopes`
 * (as one text), `accessToken`, `refreshToken`, `claims.*` (of the access token), `connectionConfig.*`, `now` and `random`.
 */
const exchangeMembers = {
  url: Text.optional(),
  method: z.enum(["GET", "POST"]).optional(),
  /** How the client proves itself. `basic_secret` sends the secret as user name; `assertion` signs with the secret. */
  client: z.enum(["body", "basic", "basic_secret", "assertion", "none"]).optional(),
  /** Claims of that assertion (RFC 7523) beside `sub`, `iat`, `exp` and `jti`. */
  assertion: Params.optional(),
  format: z.enum(["form", "json", "query"]).optional(),
  /** Standard parameter → its name here. */
  rename: z.record(Text, Text).optional(),
  omit: z.array(Text).optional(),
  params: Params.optional(),
  query: Params.optional(),
  headers: Headers.optional(),
  /** A header with the HMAC-SHA256, in hex, of `of`, which may use `body`; the key is the client's secret. */
  sign: z.strictObject({ header: Text, of: Text }).optional(),
  /** Dotted path to the object that holds the token. */
  response_path: Text.optional(),
  /** `access_token`, `refresh_token`, `expires_in`, `expires_at` → where they stand in it. */
  response: z.record(Text, Text).optional(),
  /** Seconds that a token lives, whatever the answer says. */
  expires_in: z.number().optional(),
  fail_if: z.array(Outcome).optional(),
}
const Exchange = z.strictObject(exchangeMembers)
/**
 * `then` is a second request, made with the token of the first; its token counts. A refresh token that it does not bring
 * is that of the first.
 */
export const TokenExchange = z.strictObject({ ...exchangeMembers, then: Exchange.optional() })
export type TokenExchange = z.infer<typeof TokenExchange>

export const RefreshExchange = z.strictObject({
  ...exchangeMembers,
  then: Exchange.optional(),
  /** Never by itself, because a refresh ends the old token or needs one that is some days old. */
  only_when_forced: z.boolean().optional(),
  /** Works with what the connection holds even when that is no refresh token. */
  without_refresh_token: z.boolean().optional(),
  /** A good answer brings no token: the one at hand lives on for `expires_in`. */
  same_token: z.boolean().optional(),
  /** Top-level members of the token answer that stay when a refresh leaves them out. */
  keep_raw: z.array(Text).optional(),
})
export type RefreshExchange = z.infer<typeof RefreshExchange>

/**
 * A second token, asked for after each exchange and refresh. `save` names the member of the connection's configuration
 * that gets `{access_token, expires_in, expires_at}`; the connection is renewed before either token ends.
 */
export const ExtraToken = z.strictObject({
  save: Text,
  url: Text,
  client: z.enum(["body", "basic", "none"]).optional(),
  params: Params,
})
export type ExtraToken = z.infer<typeof ExtraToken>

/** Where the installations of an app stand that a person may reach, asked with that person's token, page by page (`page`). */
const InstallationProof = z.strictObject({
  /** Below the base URL of the API. */
  endpoint: Text,
  /** Dotted path to the list, and the member of its elements that is the number of an installation. */
  list: Text,
  id: Text,
})

/** The proxied call that ends a connection's access at the provider when the connection is deleted. */
export const Revocation = z.strictObject({
  method: z.enum(["GET", "POST", "DELETE"]).optional(),
  endpoint: Text,
  base_url_override: Text.optional(),
  headers: Headers.optional(),
  data: Params.optional(),
  body_format: z.enum(["json", "form"]).optional(),
  /** A member of the connection's metadata that, when true, leaves the access alone. */
  unless_metadata: Text.optional(),
  /**
   * The request ends everything that this account has given to the same app: it is not sent while another connection
   * through that app may belong to the same person.
   */
  ends_all: z.literal(true).optional(),
})
export type Revocation = z.infer<typeof Revocation>

/** Spread into the shape of an entry. */
export const ownMembers = {
  token_exchange: TokenExchange.describe("How the token request differs from RFC 6749").optional(),
  refresh_exchange: RefreshExchange.describe("How a refresh differs; default: as token_exchange says").optional(),
  extra_token: ExtraToken.describe("A second token, kept in connection_config").optional(),
  token_hosts: z
    .array(Text)
    .describe(
      "Hosts, with all below them, that a token request may go to where a value that the provider tells by way of the browser stands in the host; default: the site of the authorization URL",
    )
    .optional(),
  installation_proof: InstallationProof.describe("The call that shows whose an installation is").optional(),
  revocation: Revocation.describe("The call that ends the access when a connection is deleted").optional(),
  post_connection: z
    .array(ConnectionLookup)
    .describe("What is looked up once a connection is there, where no public name says it")
    .optional(),
  introspection_url: Text.describe("RFC 7662: tells when a token ends whose answer does not say so").optional(),
}

const exchangeMembersOf = [
  "token_exchange",
  "refresh_exchange",
  "extra_token",
  "token_hosts",
  "installation_proof",
] as const
export type ExchangeRecipe = Pick<Provider, (typeof exchangeMembersOf)[number]>

/** A provider with the recipe of its id, or of the next entry in its alias chain that has one. */
export function withExchangeRecipe(chain: readonly string[], provider: Provider): Provider {
  const id = chain.find((name) => Object.hasOwn(exchangeRecipes, name))
  if (id === undefined || exchangeMembersOf.some((member) => provider[member] !== undefined)) return provider
  const { token_exchange, refresh_exchange, extra_token, ...rest } = exchangeRecipes[id] ?? {}
  return {
    ...provider,
    ...rest,
    ...(token_exchange ? { token_exchange: atOwnToken(provider, token_exchange) } : {}),
    ...(refresh_exchange ? { refresh_exchange: atOwnToken(provider, refresh_exchange) } : {}),
    ...(extra_token ? { extra_token: { ...extra_token, url: ownTokenUrl(provider, extra_token.url) } } : {}),
  }
}

/** How credentials of a provider are tried: as its entry says, or as its public script name does. */
export function verificationOf(provider: Provider): ProviderVerification | undefined {
  const { proxy, credentials_verification_script: name } = provider
  return proxy?.verification ?? named(provider, verificationRecipes, name)
}

/** How access ends at a provider. An alias switches off with an empty name what it would inherit. */
export function revocationOf(provider: Provider | undefined): Revocation | undefined {
  const name = provider?.pre_connection_deletion_script
  if (!provider || name === "") return undefined
  return provider.revocation ?? named(provider, revocationRecipes, name)
}

function named<R extends { base_url_override?: string }>(
  provider: Provider,
  recipes: Readonly<Record<string, R>>,
  name: string | undefined,
): R | undefined {
  const recipe = name !== undefined && Object.hasOwn(recipes, name) ? recipes[name] : undefined
  return recipe && atOwnBase(provider, recipe)
}
