import { z } from "zod"
import { ScriptName, UniqueKey } from "../kit/shapes.ts"
import { parseFrequency } from "./frequency.ts"
import { isShallow } from "./schemas.ts"

/** The deploy as the official command line sends it: functions that it has compiled, beside what they declare. */
const Model = z.string().min(1).max(255)
const Version = z.string().max(255)
const longestCode = 10 * 1024 * 1024
export const Code = z.string().max(longestCode)
const FileBody = z.strictObject({ js: Code, ts: Code })
export const Definitions = z
  .record(z.string().min(1).max(255), z.record(z.string(), z.unknown()))
  .refine((definitions) => isShallow(definitions), "Invalid schema: nested too deeply")

const Method = z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"])
const Path = z.string().min(1).max(1024)
const OldEndpoint = z.strictObject({
  GET: Path.optional(),
  POST: Path.optional(),
  PATCH: Path.optional(),
  PUT: Path.optional(),
  DELETE: Path.optional(),
})
const Endpoint = z.union([
  z.strictObject({ method: Method, path: Path, group: z.string().min(1).max(64).optional() }),
  OldEndpoint,
])

const Runs = z
  .string()
  .max(255)
  .superRefine((text, ctx) => {
    const parsed = text === "" ? undefined : parseFrequency(text)
    if (parsed?.ok === false) ctx.addIssue({ code: "custom", message: parsed.message })
  })

export const Flow = z
  .strictObject({
    type: z.enum(["action", "sync"]),
    syncName: ScriptName,
    providerConfigKey: UniqueKey,
    models: z.array(Model).max(1000),
    runs: Runs.nullable(),
    fileBody: FileBody,
    auto_start: z.boolean().default(false),
    track_deletes: z.boolean().default(false),
    sync_type: z.enum(["incremental", "full"]).optional(),
    attributes: z.record(z.string(), z.unknown()).optional(),
    metadata: z
      .strictObject({ scopes: z.array(z.string().max(255)).optional(), description: z.string().max(2000).optional() })
      .optional(),
    /** The name of a model; older versions send the model itself. */
    input: z.unknown().optional(),
    version: Version.optional(),
    model_schema: z.union([z.string(), z.array(z.looseObject({ name: z.string() }))]).optional(),
    endpoints: z.array(Endpoint).max(1000).optional(),
    webhookSubscriptions: z.array(z.string().max(255)).max(500).optional(),
    models_json_schema: z.object({ definitions: Definitions }).optional(),
    features: z.array(z.enum(["checkpoints"])).default([]),
  })
  .superRefine((flow, ctx) => {
    if (flow.track_deletes && flow.sync_type === "incremental") {
      const message = "track_deletes cannot be used with sync_type incremental"
      ctx.addIssue({ code: "custom", message, path: ["track_deletes"] })
    }
    const definitions = flow.models_json_schema?.definitions
    if (!definitions) return
    const missing = modelsOf(flow).filter((name) => !Object.hasOwn(definitions, name))
    if (missing.length === 0) return
    const message = `models_json_schema has no definition of ${missing.slice(0, 20).join(", ")}`
    ctx.addIssue({ code: "custom", message, path: ["models_json_schema"] })
  })
export type Flow = z.output<typeof Flow>

/** Every model that a function names: what it saves or answers, and its input when that is a name. */
export const modelsOf = ({ models, input }: { models: string[]; input?: unknown }): string[] =>
  typeof input === "string" && input !== "" ? [...models, input] : models

const Script = z.strictObject({ name: z.string().min(1).max(255), fileBody: FileBody })
const Event = z.enum(["post-connection-creation", "pre-connection-deletion", "validate-connection"])

const confirmation = z.strictObject({
  flowConfigs: z.array(Flow),
  onEventScriptsByProvider: z
    .array(z.strictObject({ providerConfigKey: UniqueKey, scripts: z.array(Script.extend({ event: Event })) }))
    .optional(),
  /** The older form, from the time when there was one event. */
  postConnectionScriptsByProvider: z
    .array(z.strictObject({ providerConfigKey: UniqueKey, scripts: z.array(Script) }))
    .optional(),
  jsonSchema: z
    .strictObject({
      $schema: z.literal("http://json-schema.org/draft-07/schema#"),
      $comment: z.string(),
      definitions: Definitions,
    })
    .optional(),
  reconcile: z.boolean(),
  debug: z.boolean(),
  deployMode: z.enum(["all", "single", "integration"]).optional(),
  /** How older versions say `single`. */
  singleDeployMode: z.boolean().optional(),
  sdkVersion: z
    .string()
    .max(255)
    .regex(/\d+\.\d+\.\d+-(zero|yaml)/)
    .optional(),
  source: z.enum(["standalone", "repo"]).optional(),
})

export const ConfirmFlows = confirmation.superRefine(refuseTwins)
export type ConfirmFlows = z.output<typeof confirmation>
export const DeployFlows = confirmation.extend({ nangoYamlBody: z.string() }).superRefine(refuseTwins)
export type DeployFlows = z.output<typeof DeployFlows>

/** An integration has one function of a type and a name. */
function refuseTwins(body: ConfirmFlows, ctx: z.RefinementCtx): void {
  const seen = new Set<string>()
  const isSecond = (...identity: string[]) => {
    const key = JSON.stringify(identity)
    return seen.has(key) || !seen.add(key)
  }
  for (const [index, { type, syncName, providerConfigKey }] of body.flowConfigs.entries()) {
    if (!isSecond(type, providerConfigKey, syncName)) continue
    const message = `The ${type} ${syncName} of ${providerConfigKey} is there twice`
    ctx.addIssue({ code: "custom", message, path: ["flowConfigs", index, "syncName"] })
  }
  for (const { providerConfigKey, name } of eventScriptsOf(body) ?? []) {
    if (!isSecond("on-event", providerConfigKey, name)) continue
    const message = `The event function ${name} of ${providerConfigKey} is there twice`
    ctx.addIssue({ code: "custom", message, path: ["onEventScriptsByProvider"] })
  }
}

export type EventScript = {
  providerConfigKey: string
  name: string
  event: z.output<typeof Event>
  fileBody: Flow["fileBody"]
}

/** The event functions of a deploy; undefined when it says nothing about them, and so leaves them alone. */
export function eventScriptsOf(body: ConfirmFlows): EventScript[] | undefined {
  const { onEventScriptsByProvider: now, postConnectionScriptsByProvider: older } = body
  if (now === undefined && older === undefined) return undefined
  const event = "post-connection-creation" as const
  const named = now?.flatMap(({ providerConfigKey, scripts }) => scripts.map((one) => ({ providerConfigKey, ...one })))
  const old = older?.flatMap(({ providerConfigKey, scripts }) =>
    scripts.map((one) => ({ providerConfigKey, event, ...one })),
  )
  return [...(named ?? []), ...(old ?? [])]
}

/**
 * What a deploy has the last word on. `single`: only what it brings. `integration`: the functions of its first
 * function's integration. `all`: the environment's. What is in this scope and not in the deploy is removed.
 */
export function scopeOf(body: ConfirmFlows): "nothing" | "everything" | { integration: string } {
  const mode = body.deployMode ?? (body.singleDeployMode ? "single" : "all")
  const [first] = body.flowConfigs
  if (!first || mode === "single") return "nothing"
  return mode === "all" ? "everything" : { integration: first.providerConfigKey }
}
