import type { EnvironmentCtx } from "../app/context.ts"
import type { CompiledFunction } from "./compile.ts"
import { describeCode } from "./compile.ts"
import { callsConstructor, takeSourceMap } from "./compiled-code.ts"
import type { FunctionDefinition } from "./definition.ts"
import { parseDescribed } from "./described.ts"
import { functionFaults } from "./model.ts"
import type { PlannedFunction } from "./plan.ts"
import type { JsonSchema } from "./schemas.ts"
import { type ConfirmFlows, type EventScript, eventScriptsOf, type Flow, modelsOf } from "./wire.ts"
import type { Endpoint } from "./yaml-reader.ts"

/**
 * The functions of a deploy that came compiled. Throws `deploy_script_security_rejected` for code that reaches for the
 * makers of code, and `deploy_missing_json_schema_model` when the schema of the whole deploy lacks a model.
 */
export function readFlows(body: ConfirmFlows): CompiledFunction[] {
  const { sdkVersion, jsonSchema: shared } = body
  const context = { sdkVersion, shared, legacy: sdkVersion !== undefined && !sdkVersion.includes("-zero") }
  return [
    ...body.flowConfigs.map((flow) => withCode(defineFlow(flow, context), flow.fileBody)),
    ...(eventScriptsOf(body) ?? []).map((script) => withCode(defineEvent(script, context), script.fileBody)),
  ]
}

/** Function and files, ready to be stored: the map apart from the code, and the code looked through. */
export function withCode(definition: FunctionDefinition, files: { js: string; ts: string }): CompiledFunction {
  const { code, map } = takeSourceMap(files.js)
  if (callsConstructor(code)) {
    const { name, integrationId } = definition
    throw functionFaults.deploy_script_security_rejected({
      message: `The function "${name}" of ${integrationId} calls a member named constructor, which is not allowed.`,
    })
  }
  return { definition, code, map, source: files.ts }
}

type Context = { legacy: boolean; sdkVersion: string | undefined; shared: ConfirmFlows["jsonSchema"] }

function defineFlow(flow: Flow, context: Context): FunctionDefinition {
  const { type, syncName: name, providerConfigKey: integrationId, models } = flow
  const isSync = type === "sync"
  return {
    type,
    name,
    integrationId,
    file: `${integrationId}/${type}s/${name}.ts`,
    description: flow.metadata?.description ?? "",
    ...(flow.version ? { version: flow.version } : {}),
    scopes: flow.metadata?.scopes ?? [],
    models,
    modelSchemas: { definitions: flow.models_json_schema?.definitions ?? sharedDefinitions(flow, context) },
    input: inputOf(flow.input),
    output: models,
    ...(isSync && flow.runs ? { frequency: flow.runs } : {}),
    autoStart: isSync && flow.auto_start,
    syncType: flow.sync_type ?? "full",
    trackDeletes: isSync && flow.track_deletes,
    webhookSubscriptions: flow.webhookSubscriptions ?? [],
    endpoints: (flow.endpoints ?? []).flatMap(toEndpoints),
    hasWebhookHandler: false,
    features: flow.features,
    legacy: context.legacy,
    ...(context.sdkVersion ? { sdkVersion: context.sdkVersion } : {}),
  }
}

const defineEvent = (script: EventScript, { legacy }: Context): FunctionDefinition => ({
  type: "on-event",
  name: script.name,
  integrationId: script.providerConfigKey,
  file: `${script.providerConfigKey}/on-events/${script.name}.ts`,
  description: "",
  scopes: [],
  models: [],
  modelSchemas: { definitions: {} },
  autoStart: false,
  syncType: "full",
  trackDeletes: false,
  webhookSubscriptions: [],
  endpoints: [],
  event: script.event,
  hasWebhookHandler: false,
  features: [],
  legacy,
})

function inputOf(input: unknown): string | null {
  if (typeof input === "string") return input || null
  const name = (input as { name?: unknown } | null | undefined)?.name
  return typeof name === "string" ? name : null
}

/** What a function needs of the one schema that older deploys carry: its models and what they refer to. */
function sharedDefinitions(flow: Flow, { shared }: Context): Record<string, JsonSchema> {
  if (!shared) return {}
  const needed = new Map<string, JsonSchema>()
  const open = modelsOf(flow)
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (needed.has(name)) continue
    const schema = Object.hasOwn(shared.definitions, name) ? shared.definitions[name] : undefined
    if (!schema) {
      const message = `The schema of the deploy has no definition of "${name}", which ${flow.syncName} uses.`
      throw functionFaults.deploy_missing_json_schema_model({ message })
    }
    needed.set(name, schema)
    for (const [, reference = ""] of JSON.stringify(schema).matchAll(/"\$ref":"#\/definitions\/([^"/]+)/g))
      open.push(decode(reference))
  }
  return Object.fromEntries(needed)
}

function decode(reference: string): string {
  try {
    return decodeURIComponent(reference)
  } catch {
    // A stray percent sign belongs to the name.
    return reference
  }
}

function toEndpoints(endpoint: NonNullable<Flow["endpoints"]>[number]): Endpoint[] {
  if ("method" in endpoint) return [endpoint]
  return Object.entries(endpoint).map(([method, path]) => ({ method, path }))
}

/** How many functions are loaded at a time. */
const abreast = 4

/**
 * Loads what has changed once in a runner, which alone can tell whether a sync listens to webhooks. Code that cannot be
 * loaded is not refused: it would hold up the rest of the deploy, and a run of it says the same. Answers what was odd.
 */
export async function learnHandlers(ctx: EnvironmentCtx, functions: PlannedFunction[]): Promise<string[]> {
  const warnings: string[] = []
  const left = functions.filter((one) => one.changed && one.compiled.definition.style === undefined)
  const work = async () => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) {
      const warning = await learnHandler(ctx, one.compiled)
      if (warning !== undefined) warnings.push(warning)
    }
  }
  await Promise.all(Array.from({ length: abreast }, work))
  return warnings
}

async function learnHandler(ctx: EnvironmentCtx, compiled: CompiledFunction): Promise<string | undefined> {
  const { definition, code } = compiled
  const { type, name, integrationId } = definition
  const loaded = await describeCode(ctx, definition, code)
  const parsed = loaded.ok ? parseDescribed(loaded.value) : undefined
  if (!parsed?.ok) {
    definition.hasWebhookHandler = type === "sync" && /\bonWebhook(?:PayloadReceived)?\b/.test(code)
    const why = loaded.ok ? "it says nothing that is understood" : loaded.message
    return `The function "${name}" of ${integrationId} cannot be loaded: ${why}`
  }
  const { isFunction, kind, hasOnWebhook, hasOnWebhookPayloadReceived } = parsed.described
  definition.hasWebhookHandler = hasOnWebhook || hasOnWebhookPayloadReceived
  if (isFunction || kind === type) return undefined
  return `The function "${name}" of ${integrationId} is deployed as ${type}, but its export is ${kind ?? "none of ours"}.`
}
