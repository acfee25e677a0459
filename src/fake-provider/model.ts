import { z } from "zod"
import { defineFaults } from "../kit/errors.ts"

/**
 * Words of this room.
 * - recording: rows of requests and answers that were taken from a real API. Avoid: cassette, mock.
 * - collection: generated items that can be paged, changed and deleted. Avoid: table, dataset.
 * - fault rule: a wish to answer some requests badly. Avoid: chaos, error injection.
 * - control: a message that changes the fake between two calls of a client.
 */

const Count = z.int().min(0).max(5_000_000)
const DelayMs = z.int().min(0).max(600_000)

function isPattern(text: string): boolean {
  if (!text.startsWith("^")) return text.startsWith("/")
  try {
    return new RegExp(text) instanceof RegExp
  } catch {
    // The question is whether it compiles; the shape below reports the answer.
    return false
  }
}

export const FaultMode = z.enum(["reset", "truncate", "hang"])
export type FaultMode = z.infer<typeof FaultMode>

/**
 * Without `times` and `every` a rule fires on each match; `times` bounds how often it fires, `every: 3` fires on the
 * third, sixth, … match. With neither `status` nor `mode` it only delays.
 */
export const FaultRule = z.strictObject({
  match: z
    .strictObject({
      method: z.string().optional(),
      path: z
        .string()
        .refine(isPattern, "a path prefix starts with /, a regular expression over path and query starts with ^")
        .optional(),
    })
    .default({}),
  times: z.int().min(1).optional(),
  every: z.int().min(1).optional(),
  status: z.int().min(200).max(599).optional(),
  /** `null` leaves out a header that the fault would set by itself, such as `retry-after`. */
  headers: z.record(z.string(), z.string().nullable()).optional(),
  body: z.unknown().optional(),
  delayMs: DelayMs.optional(),
  mode: FaultMode.optional(),
})
export type FaultRule = z.input<typeof FaultRule>
export type ParsedFaultRule = z.output<typeof FaultRule>

export const RecordedRow = z.object({
  method: z.string().default("GET"),
  /** Path with query, as it was asked. */
  path: z.string().startsWith("/"),
  status: z.int().min(200).max(599).default(200),
  headers: z.record(z.string(), z.string()).default({}),
  /** Text is sent as it is, anything else as JSON, `null` as an empty body. */
  body: z.unknown().optional(),
})
export type RecordedRow = z.input<typeof RecordedRow>
export type ParsedRow = z.output<typeof RecordedRow>

export const OauthClient = z.strictObject({
  id: z.string().min(1),
  /** A client without secret is public and must use PKCE. */
  secret: z.string().optional(),
  redirectUris: z.array(z.string()).optional(),
})

export const OauthOptions = z.strictObject({
  clients: z.array(OauthClient).default([{ id: "fake-client-id", secret: "fake-client-secret" }]),
  /** Seconds; `null` leaves `expires_in` out and the tokens never expire. */
  expiresIn: z.int().min(0).nullable().default(3600),
  /** Each refresh gives a new refresh token and ends the old one; when off, answers to a refresh carry none. */
  rotate: z.boolean().default(true),
  /** A rotated token that comes again also ends every token of its grant (RFC 9700 §4.14.2). */
  revokeOnReuse: z.boolean().default(false),
  answer: z.enum(["json", "form", "slack"]).default("json"),
  clientAuth: z.enum(["any", "body", "basic"]).default("any"),
  requirePkce: z.boolean().default(false),
  /** Redirect at once, without the consent page. */
  auto: z.boolean().default(false),
  /** Every authorization is answered with this error code. */
  authorizeError: z.string().optional(),
  user: z
    .object({ id: z.string(), name: z.string(), email: z.string() })
    .default({ id: "user_1", name: "Robin Doe", email: "robin@example.com" }),
  /** What logins and `/whoami` accept beside tokens. */
  login: z
    .object({ username: z.string(), password: z.string(), apiKey: z.string(), role: z.string() })
    .default({ username: "robin", password: "fake-password", apiKey: "fake-api-key", role: "fake-role" }),
})
export type OauthOptions = z.output<typeof OauthOptions>

export const FakeProviderSettings = z.strictObject({
  host: z.string().default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(0),
  seed: z.int().default(1),
  /** File of recorded rows, or the rows. */
  data: z.union([z.string(), z.array(RecordedRow)]).optional(),
  /** Origin inside the recording that is replaced by this server's; detected from its links when left out. */
  origin: z.string().optional(),
  /** Path prefix that clients may put before every path. */
  prefix: z.string().startsWith("/").optional(),
  /** Path of a request → recorded path (its query fills in what the request leaves out). */
  aliases: z.record(z.string().startsWith("/"), z.string().startsWith("/")).default({}),
  items: Count.default(100),
  itemBytes: z.int().min(0).max(1_000_000).default(500),
  /** Where `updated_at` of changed items comes from: a fixed timeline (same seed, same bytes) or the wall clock. */
  clock: z.enum(["fixed", "real"]).default("fixed"),
  faults: z.array(FaultRule).default([]),
  oauth: OauthOptions.prefault({}),
  latencyMs: DelayMs.default(0),
  /** How many requests are remembered. */
  maxSeen: z.int().min(1).max(100_000).default(1000),
})
export type FakeProviderSettings = z.output<typeof FakeProviderSettings>

/** Sends one webhook. The caller injects it, because only the egress gate may open outbound connections. */
export type SendWebhook = (
  url: string,
  init: { method: "POST"; headers: Record<string, string>; body: string },
) => Promise<{ status: number }>

export type FakeProviderOptions = z.input<typeof FakeProviderSettings> & {
  send?: SendWebhook
}

const Chosen = z.union([Count, z.array(z.string())])

export const Control = z.strictObject({
  /** Back to the state of the start; done before anything else in the same message. */
  reset: z.boolean().optional(),
  /** Replaces all fault rules. */
  faults: z.array(FaultRule).optional(),
  latencyMs: DelayMs.optional(),
  oauth: z
    .strictObject({
      expireAccessTokens: z.boolean().optional(),
      revokeRefreshTokens: z.boolean().optional(),
      expiresIn: z.int().min(0).nullable().optional(),
    })
    .optional(),
  mutate: z
    .strictObject({
      collection: z.string().default("items"),
      /** Size of the collection at its start, when clients ask for it with `?count=`. */
      count: Count.optional(),
      update: Chosen.optional(),
      delete: Chosen.optional(),
      create: Count.max(100_000).optional(),
    })
    .optional(),
})
export type Control = z.input<typeof Control>
export type Mutation = NonNullable<z.output<typeof Control>["mutate"]>
export type MutationResult = {
  updated: string[]
  deleted: string[]
  created: string[]
}
export type ControlResult = { ok: true; mutated?: MutationResult }

/** One request as it came in. Secrets stand as received: this is a test tool. */
export type SeenRequest = {
  id: number
  /** Milliseconds since the epoch. */
  at: number
  method: string
  /** Path with query, byte for byte as asked. */
  url: string
  path: string
  query: Record<string, string | string[]>
  headers: Record<string, string>
  /** At most the first 64 KiB. */
  body: string
  bodyEncoding: "utf8" | "base64"
  bodyBytes: number
  /** What was answered; `null` while it runs or when no answer was sent. */
  status: number | null
  fault?: string
}

export const fakeErrors = defineFaults({
  invalid_options: [400, "The options of the fake provider are not valid."],
  invalid_control: [400, "The control message is not valid."],
  invalid_parameter: [400, "A parameter is not valid."],
  invalid_body: [400, "The body is not a JSON object."],
  invalid_recording: [400, "The recording is not valid."],
  unknown_item: [404, "There is no such item."],
  unknown_path: [404, "Nothing is served here."],
  body_too_large: [413, "The request body is larger than 64 MiB."],
  no_sender: [501, "This fake provider was started without a way to send webhooks."],
  webhook_failed: [502, "The webhook could not be sent."],
})

/** Parses or throws the given fault, with the issues in the wire form of `AppError`. */
export function parseOr<T>(shape: z.ZodType<T>, value: unknown, raise: keyof typeof fakeErrors): T {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.map((issue) => ({
    code: issue.code,
    message: issue.message,
    path: issue.path.map(String),
  }))
  const first = errors[0]
  throw fakeErrors[raise]({
    errors,
    message: `${first?.path.join(".") || "input"}: ${first?.message ?? "not valid"}`,
  })
}
