import { z } from "zod"
import type { Provider } from "./model.ts"
import { ValueKind } from "./value-kind.ts"
import { webhookRecipes } from "./webhook-recipes.ts"

/*
 * How webhooks of a provider are taken in, as data: who signed one, which connections it is about, of which type it is.
 * Source: where a value stands: `body.<path>`, `header.<name>`, `query.<name>`, `item.<path>` (of one event, see `each`),
 * `decoded.<path>` (see `decode`). A `*` in a path stands for every element. Template: text with sources in `${…}`.
 */
const Source = z.string().regex(/^(body|item|decoded|header|query)(\.\S+)?$/, "is not a source")
const Template = z.string().min(1)
const Templates = z.union([Template, z.array(Template)])
/** Source → the value that must stand there; `true` stands for any. */
const Conditions = z.record(Source, z.union([z.string(), z.number(), z.literal(true)]))

/**
 * `webhook_secret` and `client_secret` are the integration's, `app_digest` is the SHA-256 of an app's id, key and link in
 * hex, `metadata.<name>` is the connection's own.
 */
const Secret = z.union([
  z.enum(["webhook_secret", "client_secret", "app_digest"]),
  z.templateLiteral(["metadata.", z.string().min(1)]),
])

export const WebhookVerify = z.strictObject({
  /**
   * `hmac` of `signed` with the secret; `digest` of secret and body; `token`: the secret itself; `standard-webhooks`
   * (standardwebhooks.com, Svix); `rsa`: the secret is a public key, SHA-256; `jwt`: a bearer token of `issuer`.
   */
  kind: z.enum(["hmac", "digest", "token", "standard-webhooks", "rsa", "jwt"]),
  /** Where the signature or the token stands. */
  signature: Source.optional(),
  /** Default `sha256` and `hex`. */
  algorithm: z.enum(["sha256", "sha1"]).optional(),
  encoding: z.enum(["hex", "base64"]).optional(),
  /** Text before the signature. */
  prefix: z.string().optional(),
  /** The header is a list of `name=value`; the names that count. */
  parts: z.strictObject({ signature: z.string(), timestamp: z.string().optional() }).optional(),
  /** What is signed, with `${body}` and `${timestamp}`; default the body. */
  signed: z.string().optional(),
  /** Seconds since the epoch. */
  timestamp: Source.optional(),
  /** How old or early it may be, in seconds; default 300. */
  tolerance: z.number().optional(),
  /** Any one of them will do. */
  secrets: z.array(Secret).optional(),
  /**
   * `always`: refused without a good signature. `configured` (default): as soon as there is a secret. `present`: only
   * when a signature came along, or the owner has set a secret of his own.
   */
  require: z.enum(["always", "configured", "present"]).optional(),
  issuers: z.array(z.string()).optional(),
  jwks_url: z.string().optional(),
})
export type WebhookVerify = z.infer<typeof WebhookVerify>

const Match = z.strictObject({
  /** The first that gives a text counts. */
  value: Templates,
  as: ValueKind.optional(),
  /** What must equal it, or be a list that has it. */
  in: z.string().regex(/^(connection_id|(metadata|connection_config)\.\S+)$/),
})
export type WebhookMatch = z.infer<typeof Match>

const Answer = z.strictObject({
  when: Conditions,
  /** Answered to anybody, before any signature is looked at. */
  unsigned: z.literal(true).optional(),
  /** Sends this value back as plain text; without it the answer is empty. */
  text: Source.optional(),
  /** The webhook is taken in nevertheless. */
  continue: z.literal(true).optional(),
})
export type WebhookAnswer = z.infer<typeof Answer>

/** A webhook that brings what a connection waits for that began at the provider. Only a signed one counts. */
const Completion = z.strictObject({
  when: Conditions,
  /** Which of the connections that wait is meant. */
  connection: Match,
  /** What the browser would have come back with: name → source. */
  answer: z.record(z.string(), Source),
  /** Member of the connection's configuration → source. */
  save: z.record(z.string(), Source),
})
export type WebhookCompletion = z.infer<typeof Completion>

export const WebhookRecipe = z.strictObject({
  /** Several: one that agrees suffices. */
  verify: z.array(WebhookVerify).optional(),
  answers: z.array(Answer).optional(),
  /** What comes without a signature by design; it reaches the owner, but starts nothing. */
  unsigned: Conditions.optional(),
  /** JSON in base64. */
  decode: Source.optional(),
  /** A form with JSON in this field. */
  form_field: z.string().optional(),
  /** A list of events, each of which is an `item`. */
  each: Source.optional(),
  /** Events that are passed over. */
  skip: Conditions.optional(),
  /** What subscriptions name, by any of these. Without it only the subscription `*` is meant. */
  type: Templates.optional(),
  completes: Completion.optional(),
  /** Tried in order until one finds connections. Without it all connections of the integration are meant. */
  connection: z.array(Match).optional(),
})
export type WebhookRecipe = z.infer<typeof WebhookRecipe>

/** How the provider's webhooks are taken in; undefined when it sends none that we know. */
export function webhookRecipeOf(provider: Provider | undefined): WebhookRecipe | undefined {
  const name = provider?.webhook_routing_script
  // An alias switches off with an empty name what it would inherit.
  if (!provider || name === "") return undefined
  if (provider.webhook) return provider.webhook
  return name !== undefined && Object.hasOwn(webhookRecipes, name) ? webhookRecipes[name] : undefined
}
