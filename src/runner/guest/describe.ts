import { z } from "zod"

type Json = Record<string, unknown>

/**
 * What a module declares about itself, as JSON: everything that a deploy needs without running it. A schema that is no
 * zod type is left out; fields of a wrong type are passed on as they are, for the deploy to complain about.
 */
export function describeModule(exports: unknown): Json {
  const module = (typeof exports === "object" && exports !== null ? exports : {}) as Json
  const declared = module.default
  const hasWebhookExport = typeof module.onWebhookPayloadReceived === "function"
  if (typeof declared === "function") return { type: "function", onWebhookPayloadReceived: hasWebhookExport }
  if (typeof declared !== "object" || declared === null) return { type: "unknown" }
  const config = declared as Json
  return {
    type: typeof config.type === "string" ? config.type : "unknown",
    hasExec: typeof config.exec === "function",
    hasOnWebhook: typeof config.onWebhook === "function",
    onWebhookPayloadReceived: hasWebhookExport,
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
  const more = ["endpoints", "endpoint", "webhookSubscriptions", "event"]
  return Object.fromEntries([...names, ...more].filter((name) => name in config).map((name) => [name, config[name]]))
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
  return json as Json
}
