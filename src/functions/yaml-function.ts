import { isMap, isScalar, isSeq, type Pair, type YAMLMap } from "yaml"
import { parseFrequency } from "./frequency.ts"
import type { FunctionKind } from "./names.ts"
import { generatedName, type JsonSchema } from "./schemas.ts"
import { toSchema } from "./yaml-models.ts"
import { type Endpoint, finding, keyOf, scalarText, type YamlFunction, type YamlReader } from "./yaml-reader.ts"

type Declared = { integrationId: string; type: FunctionKind; pair: Pair; legacyKeys: boolean }

const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"])

/** Reads one function of a nango.yaml; what is wrong goes to the reader, what is missing gets its default. */
export function readYamlFunction(
  reader: YamlReader,
  { integrationId, type, pair, legacyKeys }: Declared,
): YamlFunction {
  const name = keyOf(pair)
  const map = isMap(pair.value) ? pair.value : undefined
  if (map === undefined && type !== "on-event") {
    reader.errors.push(finding(reader, pair.key, `${name} of ${integrationId} is not a mapping`))
  }
  const { line, column } = finding(reader, pair.key, "")
  const version = textOf(map, "version")
  const types = readTypes(reader, map, { integrationId, type, name, outputKey: legacyKeys ? "returns" : "output" })
  const runs = type === "sync" ? readRuns(reader, pair, map) : undefined
  return {
    type,
    integrationId,
    name,
    line,
    column,
    description: textOf(map, "description") ?? "",
    ...(version === undefined ? {} : { version }),
    scopes: listOf(map, "scopes", ","),
    ...(runs === undefined ? {} : { runs }),
    ...types,
    endpoints: readEndpoints(reader, map, type),
    syncType: readSyncType(reader, map),
    trackDeletes: flagOf(reader, map, "track_deletes", false),
    autoStart: flagOf(reader, map, "auto_start", true),
    webhookSubscriptions: listOf(map, "webhook-subscriptions", ","),
  }
}

function readRuns(reader: YamlReader, pair: Pair, map: YAMLMap | undefined): string | undefined {
  const runs = textOf(map, "runs")
  if (runs === undefined) {
    reader.errors.push(finding(reader, pair.key, `sync ${keyOf(pair)} has no runs (for example: every hour)`))
    return undefined
  }
  const parsed = parseFrequency(runs)
  if (!parsed.ok) reader.errors.push({ ...finding(reader, map?.get("runs", true), parsed.message), code: parsed.code })
  return runs
}

function readTypes(
  reader: YamlReader,
  map: YAMLMap | undefined,
  where: { integrationId: string; type: FunctionKind; name: string; outputKey: string },
): Pick<YamlFunction, "input" | "output" | "definitions"> {
  const definitions: Record<string, JsonSchema> = {}
  const use = (text: string, prefix: "SyncMetadata" | "ActionInput" | "ActionOutput"): string => {
    if (reader.models.has(text)) {
      collect(text, reader.definitions, definitions)
      return text
    }
    const schema = toSchema(text, reader.models)
    for (const name of referenced(schema)) collect(name, reader.definitions, definitions)
    const generated = generatedName(prefix, where.integrationId, where.name)
    definitions[generated] = schema
    return generated
  }
  const input = textOf(map, "input")
  const output = listOf(map, where.outputKey)
  if (where.type === "sync") for (const model of output) checkSyncModel(reader, map?.get(where.outputKey, true), model)
  return {
    input: input === undefined ? null : use(input, where.type === "sync" ? "SyncMetadata" : "ActionInput"),
    output: output.map((text) =>
      where.type === "sync" ? use(text.replace(/\[\]$/, ""), "ActionOutput") : use(text, "ActionOutput"),
    ),
    definitions,
  }
}

function checkSyncModel(reader: YamlReader, node: unknown, text: string): void {
  const model = text.replace(/\[\]$/, "")
  const schema = reader.definitions[model]
  if (schema === undefined) reader.errors.push(finding(reader, node, `model ${model} is not in the models section`))
  else if (!(schema.properties as JsonSchema | undefined)?.id) {
    reader.errors.push(finding(reader, node, `model ${model} is synced and so needs an id`))
  }
}

/** Copies a definition and everything it refers to. */
function collect(name: string, from: Record<string, JsonSchema>, to: Record<string, JsonSchema>): void {
  const wanted = [name]
  for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
    const schema = from[next]
    if (schema === undefined || Object.hasOwn(to, next)) continue
    to[next] = schema
    wanted.push(...referenced(schema))
  }
}

function referenced(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return []
  return Object.entries(schema).flatMap(([key, value]) =>
    key === "$ref" && typeof value === "string" ? [value.replace("#/definitions/", "")] : referenced(value),
  )
}

function readEndpoints(reader: YamlReader, map: YAMLMap | undefined, type: FunctionKind): Endpoint[] {
  const node: unknown = map?.get("endpoint", true)
  if (node === undefined || (isScalar(node) && node.value === null)) return []
  const nodes: unknown[] = isSeq(node) ? node.items : [node]
  return nodes.flatMap((one) => {
    const endpoint = toEndpoint(one, type === "action" ? "POST" : "GET")
    if (endpoint !== undefined) return [endpoint]
    reader.errors.push(finding(reader, one, `endpoint is not understood; write for example "GET /issues"`))
    return []
  })
}

function toEndpoint(node: unknown, defaultMethod: string): Endpoint | undefined {
  if (isScalar(node) && typeof node.value === "string") {
    const parts = /^(?:([A-Za-z]+)\s+)?(\/\S*)$/.exec(node.value.trim())
    return parts === null ? undefined : checkMethod({ method: parts[1] ?? defaultMethod, path: parts[2] ?? "" })
  }
  if (!isMap(node)) return undefined
  const [method, path, group] = ["method", "path", "group"].map((key) => textOf(node, key))
  if (path === undefined) {
    const [only] = node.items
    return only === undefined ? undefined : checkMethod({ method: keyOf(only), path: scalarText(only.value) ?? "" })
  }
  return checkMethod({ method: method ?? defaultMethod, path, ...(group === undefined ? {} : { group }) })
}

function checkMethod(endpoint: Endpoint): Endpoint | undefined {
  const method = endpoint.method.toUpperCase()
  return METHODS.has(method) && endpoint.path.startsWith("/") ? { ...endpoint, method } : undefined
}

function readSyncType(reader: YamlReader, map: YAMLMap | undefined): "full" | "incremental" {
  const text = textOf(map, "sync_type")?.toLowerCase() ?? "full"
  if (text === "full" || text === "incremental") return text
  reader.errors.push(finding(reader, map?.get("sync_type", true), "sync_type is full or incremental"))
  return "full"
}

function flagOf(reader: YamlReader, map: YAMLMap | undefined, key: string, fallback: boolean): boolean {
  const value = map?.get(key)
  if (value === undefined || value === null) return fallback
  if (typeof value === "boolean") return value
  reader.errors.push(finding(reader, map?.get(key, true), `${key} is true or false`))
  return fallback
}

/** A list, or one text; with a separator, the text of a list. */
function listOf(map: YAMLMap | undefined, key: string, separator?: string): string[] {
  const node: unknown = map?.get(key, true)
  const text = scalarText(node)
  const single = text === undefined ? [] : separator === undefined ? [text] : text.split(separator)
  const texts = isSeq(node) ? node.items.map((item) => scalarText(item) ?? "") : single
  return texts.map((text) => text.trim()).filter((text) => text !== "")
}

function textOf(map: YAMLMap | undefined, key: string): string | undefined {
  return scalarText(map?.get(key, true))
}
