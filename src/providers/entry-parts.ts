import { z } from "zod"
import { ProviderVerification } from "./exchange.ts"

/** The parts of a catalogue entry. What is described here stands in `providers/schema.json`, which editors show. */

export const Text = z.string()
export const Texts = z.array(Text)
const TextOrTexts = z.union([Text, Texts], { error: "expected text or a list of texts" })
const Scalar = z.union([Text, z.number(), z.boolean()], { error: "expected text, a number or true/false" })
export const Flag = z.boolean()
/** Parameters of a request: any JSON, texts in it are templates. */
export const Params = z.record(Text, z.unknown())
export const Scalars = z.record(Text, Scalar)
export const BodyFormat = z.enum(["form", "json", "query", "xml"])

/** One input of a form: what to call it, how to check it, who fills it in. */
export const ProviderField = z
  .strictObject({
    type: Text.optional(),
    title: Text.describe("Label of the input").optional(),
    description: Text.describe("What to type, and where the person finds it").optional(),
    example: Scalar.optional(),
    pattern: Text.describe("Regular expression, checked in the form only").optional(),
    format: z.enum(["hostname", "uuid", "uri", "email"]).optional(),
    enum: z.array(Scalar).describe("The values to choose from").optional(),
    order: z.number().describe("Place in the form, small ones first").optional(),
    prefix: Text.describe("Shown before the input; not part of the value").optional(),
    suffix: Text.describe("Shown after the input; not part of the value").optional(),
    optional: Flag.optional(),
    automated: Flag.describe("Filled by the server from a token response, a callback or a lookup").optional(),
    hidden: Flag.describe("Not shown; `default_value` is submitted").optional(),
    default_value: z.unknown().optional(),
    secret: Flag.describe("Typed without being seen").optional(),
    doc_section: Text.describe("`#anchor` on the `docs_connect` page").optional(),
    warnings: z.record(Text, Text).optional(),
    visible_when: z.strictObject({ field: Text, equals: Scalar }).optional(),
  })
  .meta({ id: "Field" })
export type ProviderField = z.infer<typeof ProviderField>
export const Fields = z.record(Text, ProviderField)

const RetryInBody = z
  .strictObject({ path: Text, value: Text, strategy: z.enum(["at", "after"]) })
  .describe("A regular expression with one group, tried on the text at a path of the body")
/** Which answers are worth another attempt, and when. */
export const ProviderRetry = z.strictObject({
  after: TextOrTexts.describe("Headers that hold a wait in seconds").optional(),
  at: TextOrTexts.describe("Headers that hold a time: seconds, milliseconds or a date").optional(),
  remaining: TextOrTexts.describe("Retry only when this header equals 0").optional(),
  error_code: z
    .array(z.union([Text, z.number()]))
    .describe("Exact statuses, `5xx`, or ranges such as `500-502`")
    .optional(),
  in_body: RetryInBody.optional(),
})
export type ProviderRetry = z.infer<typeof ProviderRetry>

/** Default paging of the API. */
export const ProviderPaginate = z.strictObject({
  type: z.enum(["link", "cursor", "offset"]),
  limit: z.number().describe("Page size that is asked for").optional(),
  limit_name_in_request: Text.optional(),
  response_path: Text.describe("Where the items stand in the body; default: the body is the list").optional(),
  cursor_name_in_request: Text.optional(),
  cursor_path_in_response: Text.optional(),
  offset_name_in_request: Text.optional(),
  offset_start_value: z.number().optional(),
  offset_calculation_method: z.enum(["per-page", "by-response-size"]).optional(),
  link_path_in_response_body: Text.optional(),
  link_rel_in_response_header: Text.describe("The `rel` of the Link header, such as `next`").optional(),
})
export type ProviderPaginate = z.infer<typeof ProviderPaginate>

/** How requests to the API are made. */
export const ProviderProxy = z.strictObject({
  base_url: Text.describe("Template. `A || B`: A when its first connection config value is there").optional(),
  headers: Scalars.describe("Templates, names in small letters; the caller's own headers win").optional(),
  query: Scalars.describe("Templates; what cannot be filled in is left out").optional(),
  body: Params.describe("Merged into the request body before anything is signed").optional(),
  verification: ProviderVerification.describe("The call that shows whether typed credentials work").optional(),
  retry: ProviderRetry.describe("Which answers are worth another attempt, and when").optional(),
  paginate: ProviderPaginate.describe("Default paging of the API").optional(),
  decompress: Flag.describe("Answers are unpacked before they are handed on").optional(),
  connection_config: z.unknown().optional(),
  forward_headers_on_redirect: Flag.describe("Credentials follow a redirect to another host").optional(),
})
export type ProviderProxy = z.infer<typeof ProviderProxy>

export const TokenResponse = z.strictObject({
  token: Text.describe("Dotted path; an empty one means the whole body"),
  token_expiration: Text.optional(),
  token_expiration_strategy: z.enum(["expireAt", "expireIn"]).optional(),
  refresh_token: Text.optional(),
})
/** Recipe of a signed JWT. */
export const TokenRecipe = z.strictObject({
  signing_key: Text.optional(),
  expires_in_ms: z.number().optional(),
  header: Params.optional(),
  payload: Params.optional(),
})
export const Signature = z.strictObject({
  protocol: z.enum(["RSA", "EC", "HMAC", "WSSE"]),
  hmac_secret_encoding: z.enum(["hex", "utf8"]).optional(),
})
export const TokenStep = z.strictObject({
  token_url: Text,
  token_request_method: z.enum(["GET", "POST"]).optional(),
  body_format: BodyFormat.optional(),
  token_params: Params.optional(),
  token_headers: Scalars.optional(),
})

export const TokenUrl = z.union([Text, z.record(Text, Text)], {
  error: "expected a URL, or a map from auth mode to URL",
})
