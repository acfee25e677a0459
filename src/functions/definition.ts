import { type ParsedDescribed, parseDescribed } from "./described.ts"
import { type Diagnostic, diagnosticAt } from "./diagnostics.ts"
import type { Entry } from "./discover.ts"
import { parseFrequency } from "./frequency.ts"
import { type FunctionKind, MODEL_NAME } from "./names.ts"
import { generatedName, type JsonSchema, placeSchema } from "./schemas.ts"
import { tokenize } from "./tokens.ts"
import type { Endpoint, YamlFunction } from "./yaml-reader.ts"

/**
 * Everything the server knows about a function without running it. `models`: what a sync saves (null: not declared, an
 * older script without nango.yaml). `input`: model of the metadata (sync) or of the input (action). `frequency` is the
 * owner's text. `file` is the entry's project-relative path.
 */
export type FunctionDefinition = {
  type: FunctionKind
  name: string
  integrationId: string
  file: string
  description: string
  version?: string
  scopes: string[]
  models: string[] | null
  modelSchemas: { definitions: Record<string, JsonSchema> }
  input?: string | null
  output?: string[]
  frequency?: string
  autoStart: boolean
  syncType: "full" | "incremental"
  trackDeletes: boolean
  webhookSubscriptions: string[]
  endpoints: Endpoint[]
  event?: string
  hasWebhookHandler: boolean
  features: string[]
  legacy: boolean
  /** What the official command line that compiled it calls itself (`0.71.10-zero`). */
  sdkVersion?: string
  /** Made with createFunction: such functions are deployed by themselves. */
  style?: "function"
}

export type DefineInput = {
  entry: Entry
  /** What the describing run said (a `Described` when all is well); the owner's code made it, so it is checked. */
  described: unknown
  /** The declaration in nango.yaml, for older scripts. */
  yaml?: YamlFunction
  features: string[]
  /** The entry's text; with it findings point at the property they are about. */
  source?: string
}

export type DefineResult = { ok: true; definition: FunctionDefinition } | { ok: false; errors: Diagnostic[] }

type Report = (code: string, property: string, message: string) => void

const DEFAULT_FREQUENCY = "every hour"
const DEFAULT_EVENT = "post-connection-creation"

/** Makes a function's definition out of its description, or says what is wrong with it. */
export function defineFunction(input: DefineInput): DefineResult {
  const errors: Diagnostic[] = []
  const report: Report = (code, property, message) => errors.push(locate(input, code, property, message))
  const parsed = parseDescribed(input.described)
  if (!parsed.ok) {
    for (const { path, message } of parsed.problems) report("invalid_definition", path, message)
    return { ok: false, errors }
  }
  const definition = parsed.described.isFunction
    ? defineLegacy(input, parsed.described, report)
    : defineModern(input, parsed.described, report)
  if (definition !== undefined) checkDefinition(definition, report)
  return definition === undefined || errors.length > 0 ? { ok: false, errors } : { ok: true, definition }
}

function defineModern(input: DefineInput, from: ParsedDescribed, report: Report): FunctionDefinition | undefined {
  const { entry } = input
  if (from.kind === null) {
    report("nango_invalid_default_export", "", "the default export is not a sync, an action or an event function")
    return undefined
  }
  const base = {
    type: from.kind,
    name: entry.name,
    integrationId: entry.integrationId,
    file: entry.path,
    description: from.description,
    ...(from.version ? { version: from.version } : {}),
    scopes: from.scopes,
    syncType: from.syncType,
    trackDeletes: from.trackDeletes,
    webhookSubscriptions: from.webhookSubscriptions,
    endpoints: from.endpoints,
    hasWebhookHandler: from.hasOnWebhook,
    features: input.features,
    legacy: false,
  }
  if (from.kind === "sync") return { ...base, ...syncParts(entry, from, report), autoStart: from.autoStart }
  if (from.kind === "action") return { ...base, ...actionParts(entry, from), autoStart: false }
  if (!from.event) report("invalid_definition", "event", "an event function needs an event")
  return { ...base, models: [], modelSchemas: { definitions: {} }, autoStart: false, event: from.event ?? "" }
}

function syncParts(entry: Entry, from: ParsedDescribed, report: Report) {
  const definitions: Record<string, JsonSchema> = {}
  const models = Object.keys(from.models)
  for (const [name, schema] of Object.entries(from.models)) {
    if (MODEL_NAME.test(name)) definitions[name] = placeSchema(name, schema)
    else report("invalid_model_name", "models", `${JSON.stringify(name)} is not a model name (like GithubIssue)`)
  }
  // z.void() says that there is none.
  const metadata = from.metadata?.type === "null" ? null : from.metadata
  const input = addSchema(definitions, generatedName("SyncMetadata", entry.integrationId, entry.name), metadata)
  if (!from.frequency) report("sync_interval_invalid", "frequency", "a sync needs a frequency, for example every hour")
  const frequency = from.frequency ? { frequency: from.frequency } : {}
  return { models, modelSchemas: { definitions }, input, output: models, ...frequency }
}

function actionParts(entry: Entry, from: ParsedDescribed) {
  const definitions: Record<string, JsonSchema> = {}
  const nameOf = (prefix: "ActionInput" | "ActionOutput") => generatedName(prefix, entry.integrationId, entry.name)
  const input = addSchema(definitions, nameOf("ActionInput"), from.input)
  const output = addSchema(definitions, nameOf("ActionOutput"), from.output)
  const models = output === null ? [] : [output]
  return { models, modelSchemas: { definitions }, input, output: models }
}

function addSchema(
  definitions: Record<string, JsonSchema>,
  name: string,
  schema: JsonSchema | null | undefined,
): string | null {
  if (schema === null || schema === undefined) return null
  definitions[name] = placeSchema(name, schema)
  return name
}

/** Older scripts say nothing about themselves: nango.yaml does, or else the folder and our defaults. */
function defineLegacy(input: DefineInput, from: ParsedDescribed, report: Report): FunctionDefinition | undefined {
  const { entry, features } = input
  const yaml = input.yaml ?? entry.yaml
  const type = yaml?.type ?? entry.folderKind
  if (type === undefined) {
    const message = "a plain function must stand in a folder syncs, actions or on-events, or be declared in nango.yaml"
    report("unknown_function_kind", "", message)
    return undefined
  }
  const { name, integrationId, path: file } = entry
  const hasWebhookHandler = from.hasOnWebhookPayloadReceived
  const base = { type, name, integrationId, file, hasWebhookHandler, features, legacy: true }
  if (yaml === undefined) return { ...base, ...undeclaredParts(type) }
  return {
    ...base,
    description: yaml.description,
    ...(yaml.version === undefined ? {} : { version: yaml.version }),
    scopes: yaml.scopes,
    models: yaml.output,
    modelSchemas: { definitions: yaml.definitions },
    input: yaml.input,
    output: yaml.output,
    ...(yaml.runs === undefined ? {} : { frequency: yaml.runs }),
    autoStart: type === "sync" && yaml.autoStart,
    syncType: yaml.syncType,
    trackDeletes: yaml.trackDeletes,
    webhookSubscriptions: yaml.webhookSubscriptions,
    endpoints: yaml.endpoints,
    ...(type === "on-event" ? { event: yaml.event ?? DEFAULT_EVENT } : {}),
  }
}

function undeclaredParts(type: FunctionKind) {
  return {
    description: "",
    scopes: [],
    models: type === "sync" ? null : [],
    modelSchemas: { definitions: {} },
    ...(type === "sync" ? { frequency: DEFAULT_FREQUENCY } : {}),
    autoStart: type === "sync",
    syncType: "full" as const,
    trackDeletes: false,
    webhookSubscriptions: [],
    endpoints: [],
    ...(type === "on-event" ? { event: DEFAULT_EVENT } : {}),
  }
}

function checkDefinition(definition: FunctionDefinition, report: Report): void {
  const { endpoints, frequency, models, syncType, trackDeletes, type } = definition
  const isSync = type === "sync"
  const interval = isSync && frequency !== undefined ? parseFrequency(frequency) : undefined
  if (interval?.ok === false) report(interval.code, "frequency", interval.message)
  if (isSync && models !== null && endpoints.length > 0 && endpoints.length !== models.length) {
    const message = `${endpoints.length} endpoints for ${models.length} models; there must be one for each`
    report("invalid_endpoint_count", "endpoints", message)
  }
  if (isSync && syncType === "incremental" && trackDeletes) {
    report("incremental_track_deletes", "trackDeletes", "trackDeletes cannot be used with syncType incremental")
  }
  const seen = new Set<string>()
  for (const { method, path } of endpoints) {
    if (seen.has(`${method} ${path}`)) report("duplicate_endpoint", "endpoints", `${method} ${path} is declared twice`)
    seen.add(`${method} ${path}`)
  }
}

function locate(input: DefineInput, code: string, property: string, message: string): Diagnostic {
  const text = property === "" ? message : `${property}: ${message}`
  const key = property.split(".")[0]
  const source = input.source
  const tokens = source === undefined || property === "" ? [] : tokenize(source)
  const found = tokens.find((token, at) => (token.value ?? token.text) === key && tokens[at + 1]?.text === ":")
  if (source !== undefined && found !== undefined) return diagnosticAt(input.entry.path, source, found.at, code, text)
  return { file: input.entry.path, line: 1, column: 1, code, message: text }
}
