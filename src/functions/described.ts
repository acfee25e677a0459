import { z } from "zod"
import { isShallow } from "./schemas.ts"

const MAX_CHARS = 1024 * 1024
const Name = z.string().max(255)
const Schema = z.record(z.string(), z.unknown())
const Endpoint = z.object({
  method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]),
  path: z.string().min(1).max(1000),
  group: z.string().min(1).max(64).optional(),
})

/**
 * What a run that only loads a function says about its default export. It comes from the owner's code, so nothing in it
 * is trusted: shapes and sizes are checked, and which function it speaks for is never taken from it.
 *
 * `isFunction`: the default export is a plain function (older style), then everything else has its default.
 * Schemas are draft-7 JSON schemas, `models` by model name; `metadata` and `checkpoint` null when not declared.
 */
export const Described = z.object({
  isFunction: z.boolean().default(false),
  kind: z.enum(["sync", "action", "on-event"]).nullable().default(null),
  description: z.string().max(2000, "is longer than 2,000 characters").default(""),
  version: Name.nullish(),
  frequency: z.string().max(255).nullish(),
  autoStart: z.boolean().default(false),
  syncType: z.enum(["full", "incremental"]).default("full"),
  trackDeletes: z.boolean().default(false),
  scopes: z.array(Name).max(500).default([]),
  endpoints: z.array(Endpoint).max(100).default([]),
  webhookSubscriptions: z.array(Name).max(500).default([]),
  event: z.enum(["post-connection-creation", "pre-connection-deletion", "validate-connection"]).nullish(),
  hasOnWebhook: z.boolean().default(false),
  hasOnWebhookPayloadReceived: z.boolean().default(false),
  models: z
    .record(z.string().max(255), Schema)
    .refine((models) => Object.keys(models).length <= 200, "are more than 200")
    .default({}),
  input: Schema.nullish(),
  output: Schema.nullish(),
  metadata: Schema.nullish(),
  checkpoint: Schema.nullish(),
})
export type Described = z.input<typeof Described>
export type ParsedDescribed = z.output<typeof Described>

/** Checks a description; the findings are sentences with the property they are about. */
export function parseDescribed(
  input: unknown,
): { ok: true; described: ParsedDescribed } | { ok: false; problems: { path: string; message: string }[] } {
  if (!isShallow(input)) return { ok: false, problems: [{ path: "", message: "is nested too deeply" }] }
  if ((JSON.stringify(input)?.length ?? 0) > MAX_CHARS) {
    return { ok: false, problems: [{ path: "", message: "is larger than 1 MiB" }] }
  }
  const parsed = Described.safeParse(input)
  if (parsed.success) return { ok: true, described: parsed.data }
  const problems = parsed.error.issues.slice(0, 20).map((issue) => ({
    path: issue.path.map(String).join(".").slice(0, 200),
    message: issue.message,
  }))
  return { ok: false, problems }
}
