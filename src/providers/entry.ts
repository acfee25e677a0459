import { z } from "zod"
import {
  BodyFormat,
  Fields,
  Flag,
  Params,
  ProviderProxy,
  Scalars,
  Signature,
  Text,
  Texts,
  TokenRecipe,
  TokenResponse,
  TokenStep,
  TokenUrl,
} from "./entry-parts.ts"
import { ownMembers } from "./exchange.ts"
import { WebhookRecipe } from "./webhook-recipe.ts"

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

const ignored = z.unknown().describe("Part of the public format; nothing reads it")

/** One entry as it stands in a file. With an `alias`, any member may come from the other entry. */
export const ProviderEntry = z.strictObject({
  alias: Text.describe(
    "Id of another entry whose members this one takes over, its own on top; not merged deep",
  ).optional(),
  display_name: Text.describe("Name that people see"),
  docs: Text.describe("Page for developers"),
  auth_mode: z.enum(authModes).describe("How credentials are obtained").optional(),
  categories: Texts.describe("Such as `crm`; lists can be searched by them").optional(),
  docs_connect: Text.describe("Page for the person who connects").optional(),
  setup_guide_url: Text.describe("Page that says how the owner registers an app").optional(),
  proxy: ProviderProxy.describe("How requests to the API are made").optional(),

  credentials: Fields.describe("What the person types in to connect").optional(),
  connection_config: Fields.describe("Further inputs of a connection, used as `${connectionConfig.name}`").optional(),
  integration_config: Fields.describe("What the owner fills in once for all connections").optional(),
  assertion_option: Fields.describe("Secrets that only build an assertion and are never stored").optional(),

  authorization_url: Text.describe("Template. Where the browser is sent to").optional(),
  authorization_params: Params.describe("Added to its query; values are templates").optional(),
  authorization_method: Text.describe("`header`: client id and secret go as Basic header to the token URL").optional(),
  authorization_url_replacements: z
    .record(Text, Text)
    .describe("Literal text → replacement, in the finished URL")
    .optional(),
  authorization_url_fragment: Text.describe("The query goes behind `#` and this path").optional(),
  authorization_url_skip_empty: Flag.describe("Leaves out parameters without a value").optional(),
  authorization_url_skip_encode: Texts.describe("`scopes` or `base_url`: inserted without percent encoding").optional(),
  authorization_code_param_in_callback: Text.describe("Name of the code in the callback; default `code`").optional(),
  authorization_code_param_in_webhook: Text.describe("Path of the code in an installation webhook").optional(),
  redirect_uri_metadata: Texts.describe("Callback parameters that go into connection_config").optional(),
  scope_separator: Text.describe("Default a space").optional(),
  default_scopes: Texts.describe("Copied into a new integration").optional(),
  disable_pkce: Flag.describe("PKCE (S256) is used unless this is true").optional(),
  installation: Text.describe("`outbound`: a connection begins at the provider").optional(),

  token_url: TokenUrl.describe("Template, or a map from auth mode to template").optional(),
  token_params: Params.describe("Added to the token request").optional(),
  token_headers: Scalars.describe("Headers of the token request").optional(),
  token_request_method: z.enum(["GET", "POST"]).describe("Default POST").optional(),
  token_request_auth_method: z
    .enum(["basic", "private_key_jwt", "custom"])
    .describe("How the client proves itself; default: in the body")
    .optional(),
  token_response: TokenResponse.describe("Where a TWO_STEP answer holds its token").optional(),
  token_response_headers: Texts.describe("Headers of the token answer to keep").optional(),
  token_response_metadata: Texts.describe("Members of the token answer that go into connection_config").optional(),
  token_expires_in_ms: z.number().describe("Life of a token whose answer tells none; 0: for ever").optional(),
  token_expiration_buffer: z
    .number()
    .describe("Seconds before its end at which a token is renewed; default 900")
    .optional(),
  expires_in_unit: Text.describe("`milliseconds` where `expires_in` is not in seconds").optional(),
  alternate_access_token_response_path: Text.describe("Where the token stands when it is not at the top").optional(),
  body_format: BodyFormat.describe("Of the token request; default `form`, for TWO_STEP `json`").optional(),
  refresh_url: Text.describe("Default the token URL").optional(),
  refresh_params: Params.describe("Instead of token_params when refreshing").optional(),
  refresh_token_params: Params.describe("Body of a TWO_STEP refresh").optional(),
  refresh_token_headers: Scalars.describe("Headers of a TWO_STEP refresh").optional(),
  require_client_certificate: Flag.describe("Requests carry the connection's client certificate").optional(),
  token: TokenRecipe.describe("Recipe of a signed JWT").optional(),
  signature: Signature.describe("How it is signed").optional(),
  assertion: Params.describe("Recipe of a JWT or SAML assertion").optional(),
  additional_steps: z
    .array(TokenStep)
    .describe("Further token requests; their texts may use `${stepN.path}`")
    .optional(),

  request_url: Text.describe("OAuth 1: where a request token comes from").optional(),
  request_params: Params.describe("OAuth 1: added to the request for a request token").optional(),
  signature_method: Text.describe("OAuth 1: `HMAC-SHA1` or `PLAINTEXT`").optional(),
  client_registration: z.enum(["dynamic", "static", "cimd"]).describe("Where an MCP client comes from").optional(),
  registration_url: Text.describe("RFC 7591").optional(),
  registration_params: Params.describe("Further members of a client registration").optional(),
  auth_type: Text.optional(),

  post_connection_script: Text.describe("Name of a public hook after connecting").optional(),
  pre_connection_deletion_script: Text.describe("Name of a public hook before deletion").optional(),
  credentials_verification_script: Text.describe("Name of a public check of credentials").optional(),
  webhook_routing_script: Text.describe(
    "Name of a public webhook handler; empty switches an inherited one off",
  ).optional(),
  webhook_user_defined_secret: Flag.describe("The owner types in a webhook secret").optional(),
  webhook_allowed_query_params: Texts.optional(),
  webhook_response_metadata: Texts.optional(),
  webhook: WebhookRecipe.describe("How webhooks are taken in, where no public name says it").optional(),

  ...ownMembers,

  auth: ignored.optional(),
  connection_configuration: ignored.optional(),
  decode_url: ignored.optional(),
  refresh_token_response_metadata: ignored.optional(),
  token_url_skip_encode: ignored.optional(),
  proxy_header_authorization: ignored.optional(),
})
