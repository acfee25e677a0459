import { z } from "zod"
import { defineFaults } from "../kit/errors.ts"
import { ownMembers, ProviderVerification } from "./exchange.ts"
import { WebhookRecipe } from "./webhook-recipe.ts"

/*
 * Provider: an API as the catalogue describes it (not: template, connector).
 * Entry: a provider as it stands in a file, before its alias is resolved.
 * Field: something a person types in to connect (not: parameter).
 * Members keep the names of the public catalogue format, because GET /providers shows entries as they are.
 */

export const providerFaults = defineFaults({
  unknown_provider_template: [400, "There is no provider with this name in the catalogue", "legacy"],
  not_found: [404, "There is no provider with this name in the catalogue"],
  invalid_provider_catalogue: [500, "The provider catalogue has errors"],
})

/** Every way of obtaining credentials that a catalogue entry may name. */
export const authModes = [
  "OAUTH2",
  "API_KEY",
  "OAUTH2_CC",
  "BASIC",
  "TWO_STEP",
  "MCP_OAUTH2",
  "MCP_OAUTH2_GENERIC",
  "JWT",
  "OAUTH1",
  "BILL",
  "NONE",
  "APP",
  "CUSTOM",
  "TBA",
  "SIGNATURE",
  "AWS_SIGV4",
  "INSTALL_PLUGIN",
] as const
export type AuthMode = (typeof authModes)[number]

export const providerIdPattern = /^[a-z0-9-]+$/

const Text = z.string()
const Texts = z.array(Text)
const TextOrTexts = z.union([Text, Texts], {
  error: "expected text or a list of texts",
})
const Scalar = z.union([Text, z.number(), z.boolean()], {
  error: "expected text, a number or true/false",
})
const Flag = z.boolean()
/** Parameters of a request: any JSON, texts in it are templates. */
const Params = z.record(Text, z.unknown())
const Scalars = z.record(Text, Scalar)
const BodyFormat = z.enum(["form", "json", "query", "xml"])

/** One input of a form: what to call it, how to check it, who fills it in. */
export const ProviderField = z.strictObject({
  type: Text.optional(),
  title: Text.optional(),
  description: Text.optional(),
  example: Scalar.optional(),
  /** Regular expression, checked in the form only. */
  pattern: Text.optional(),
  format: z.enum(["hostname", "uuid", "uri", "email"]).optional(),
  enum: z.array(Scalar).optional(),
  order: z.number().optional(),
  /** Shown before and after the input; not part of the stored value. */
  prefix: Text.optional(),
  suffix: Text.optional(),
  optional: Flag.optional(),
  /** Filled by the server from a token response, a callback or a lookup. */
  automated: Flag.optional(),
  /** Not shown; `default_value` is submitted. */
  hidden: Flag.optional(),
  default_value: z.unknown().optional(),
  secret: Flag.optional(),
  /** `#anchor` on the `docs_connect` page. */
  doc_section: Text.optional(),
  warnings: z.record(Text, Text).optional(),
  visible_when: z.strictObject({ field: Text, equals: Scalar }).optional(),
})
export type ProviderField = z.infer<typeof ProviderField>
const Fields = z.record(Text, ProviderField)

/** A regular expression with one group, tried on the text at a path of the body. */
const RetryInBody = z.strictObject({ path: Text, value: Text, strategy: z.enum(["at", "after"]) })
/** Which answers are worth another attempt, and when: `after` names headers in seconds, `at` headers with a time. */
export const ProviderRetry = z.strictObject({
  after: TextOrTexts.optional(),
  at: TextOrTexts.optional(),
  /** Retry only when this header equals `0`. */
  remaining: TextOrTexts.optional(),
  /** Exact statuses, `5xx`, or ranges such as `500-502`. */
  error_code: z.array(z.union([Text, z.number()])).optional(),
  in_body: RetryInBody.optional(),
})
export type ProviderRetry = z.infer<typeof ProviderRetry>

/** Default paging of the API. */
export const ProviderPaginate = z.strictObject({
  type: z.enum(["link", "cursor", "offset"]),
  limit: z.number().optional(),
  limit_name_in_request: Text.optional(),
  response_path: Text.optional(),
  cursor_name_in_request: Text.optional(),
  cursor_path_in_response: Text.optional(),
  offset_name_in_request: Text.optional(),
  offset_start_value: z.number().optional(),
  offset_calculation_method: z.enum(["per-page", "by-response-size"]).optional(),
  link_path_in_response_body: Text.optional(),
  link_rel_in_response_header: Text.optional(),
})
export type ProviderPaginate = z.infer<typeof ProviderPaginate>

/** How requests to the API are made. */
export const ProviderProxy = z.strictObject({
  base_url: Text.optional(),
  headers: Scalars.optional(),
  query: Scalars.optional(),
  body: Params.optional(),
  verification: ProviderVerification.optional(),
  retry: ProviderRetry.optional(),
  paginate: ProviderPaginate.optional(),
  decompress: Flag.optional(),
  connection_config: z.unknown().optional(),
  forward_headers_on_redirect: Flag.optional(),
})
export type ProviderProxy = z.infer<typeof ProviderProxy>

/** Where a TWO_STEP answer holds its token; paths are dotted, an empty path means the whole body. */
const TokenResponse = z.strictObject({
  token: Text,
  token_expiration: Text.optional(),
  token_expiration_strategy: z.enum(["expireAt", "expireIn"]).optional(),
  refresh_token: Text.optional(),
})
/** Recipe of a signed JWT. */
const TokenRecipe = z.strictObject({
  signing_key: Text.optional(),
  expires_in_ms: z.number().optional(),
  header: Params.optional(),
  payload: Params.optional(),
})
const SignatureProtocol = z.enum(["RSA", "EC", "HMAC", "WSSE"])
const Signature = z.strictObject({
  protocol: SignatureProtocol,
  hmac_secret_encoding: z.enum(["hex", "utf8"]).optional(),
})
/** One more token request after the first; its texts may use `${stepN.path}`. */
const TokenStep = z.strictObject({
  token_url: Text,
  token_request_method: z.enum(["GET", "POST"]).optional(),
  body_format: BodyFormat.optional(),
  token_params: Params.optional(),
  token_headers: Scalars.optional(),
})

const TokenUrl = z.union([Text, z.record(Text, Text)], { error: "expected a URL, or a map from auth mode to URL" })

/** One entry as it stands in a file. With an `alias`, any member may come from the other entry. */
export const ProviderEntry = z.strictObject({
  alias: Text.optional(),
  display_name: Text,
  docs: Text,
  auth_mode: z.enum(authModes).optional(),
  categories: Texts.optional(),
  docs_connect: Text.optional(),
  setup_guide_url: Text.optional(),
  proxy: ProviderProxy.optional(),

  credentials: Fields.optional(),
  connection_config: Fields.optional(),
  integration_config: Fields.optional(),
  assertion_option: Fields.optional(),

  authorization_url: Text.optional(),
  authorization_params: Params.optional(),
  authorization_method: Text.optional(),
  authorization_url_replacements: z.record(Text, Text).optional(),
  authorization_url_fragment: Text.optional(),
  authorization_url_skip_empty: Flag.optional(),
  authorization_url_skip_encode: Texts.optional(),
  authorization_code_param_in_callback: Text.optional(),
  authorization_code_param_in_webhook: Text.optional(),
  redirect_uri_metadata: Texts.optional(),
  scope_separator: Text.optional(),
  default_scopes: Texts.optional(),
  disable_pkce: Flag.optional(),
  installation: Text.optional(),

  token_url: TokenUrl.optional(),
  token_params: Params.optional(),
  token_headers: Scalars.optional(),
  token_request_method: z.enum(["GET", "POST"]).optional(),
  token_request_auth_method: z.enum(["basic", "private_key_jwt", "custom"]).optional(),
  token_response: TokenResponse.optional(),
  token_response_headers: Texts.optional(),
  token_response_metadata: Texts.optional(),
  token_expires_in_ms: z.number().optional(),
  token_expiration_buffer: z.number().optional(),
  expires_in_unit: Text.optional(),
  alternate_access_token_response_path: Text.optional(),
  body_format: BodyFormat.optional(),
  refresh_url: Text.optional(),
  refresh_params: Params.optional(),
  refresh_token_params: Params.optional(),
  refresh_token_headers: Scalars.optional(),
  require_client_certificate: Flag.optional(),
  token: TokenRecipe.optional(),
  signature: Signature.optional(),
  assertion: Params.optional(),
  additional_steps: z.array(TokenStep).optional(),

  request_url: Text.optional(),
  request_params: Params.optional(),
  signature_method: Text.optional(),
  client_registration: z.enum(["dynamic", "static", "cimd"]).optional(),
  registration_url: Text.optional(),
  registration_params: Params.optional(),
  auth_type: Text.optional(),

  post_connection_script: Text.optional(),
  pre_connection_deletion_script: Text.optional(),
  credentials_verification_script: Text.optional(),
  webhook_routing_script: Text.optional(),
  webhook_user_defined_secret: Flag.optional(),
  webhook_allowed_query_params: Texts.optional(),
  webhook_response_metadata: Texts.optional(),
  /** Ours: how webhooks are taken in, where no public name says it. */
  webhook: WebhookRecipe.optional(),

  ...ownMembers,

  /** Members of the format that nothing reads; accepted so that public files load without noise. */
  auth: z.unknown().optional(),
  connection_configuration: z.unknown().optional(),
  decode_url: z.unknown().optional(),
  refresh_token_response_metadata: z.unknown().optional(),
  token_url_skip_encode: z.unknown().optional(),
  proxy_header_authorization: z.unknown().optional(),
})
export type ProviderEntry = z.infer<typeof ProviderEntry>

/** A provider as the rest of the program sees it: its alias resolved. Shared by all callers; treat as read-only. */
export type Provider = ProviderEntry & { auth_mode: AuthMode }
