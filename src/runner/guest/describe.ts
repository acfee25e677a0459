import { z } from "zod"

type Json = Record<string, unknown>

const kinds: Record<string, string> = { sync: "sync", action: "action", onEvent: "on-event" }

/**
 * What a module declares about itself, as JSON: everything that a deploy needs without running it. `kind` is null when
 * the default export is no function of ours. A schema that is no zod type is left out; members of a wrong type are passed
 * on as they are, for the deploy to complain about.
 */
export function describeModule(exports: unknown): Json {
  const module = (typeof exports === "object" && exports !== null ? exports : {}) as Json
  const declared = module.default
  const hasOnWebhookPayloadReceived = typeof module.onWebhookPayloadReceived === "function"
  if (typeof declared === "function") return { isFunction: true, hasOnWebhookPayloadReceived }
  if (typeof declared !== "object" || declared === null) return { kind: null }
  const config = declared as Json
  const kind = typeof config.type === "string" ? (kinds[config.type] ?? null) : null
  return {
    kind: typeof config.exec === "function" ? kind : null,
    hasOnWebhook: typeof config.onWebhook === "function",
    hasOnWebhookPayloadReceived,
    ...plainFields(config),
    models: modelSchemas(config.models),
    input: schemaOf(config.input),
    output: schemaOf(config.output),
    metadata: schemaOf(config.metadata),
    checkpoint: schemaOf(config.checkpoint),
  }
}

function plainFields(config: Json): Json {
  const names = ["description", "version", "frequency", "autoStart", "syncType", "trackDeletes", "scopes"]
  const more = ["endpoints", "webhookSubscriptions", "event"]
  const fields = Object.fromEntries(
    [...names, ...more].filter((name) => name in config).map((name) => [name, config[name]]),
  )
  return config.type === "action" && "endpoint" in config ? { ...fields, endpoints: [config.endpoint] } : fields
}

function modelSchemas(models: unknown): Json | undefined {
  if (typeof models !== "object" || models === null) return undefined
  return Object.fromEntries(Object.entries(models).map(([name, schema]) => [name, schemaOf(schema)]))
}

/** JSON schema draft 7 without `$schema`: what cannot be said becomes "any", dates are texts, `void` is null. */
function schemaOf(schema: unknown): Json | undefined {
  if (typeof schema !== "object" || schema === null || !("_zod" in schema)) return undefined
  const { $schema: _, ...json } = z.toJSONSchema(schema as z.ZodType, {
    target: "draft-7",
    unrepresentable: "any",
    override({ zodSchema, jsonSchema }) {
      const { type } = zodSchema._zod.def
      if (type === "date") Object.assign(jsonSchema, { type: "string", format: "date-time" })
      if (type === "void") Object.assign(jsonSchema, { type: "null" })
    },
  })
  return json
}
