import {
  Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from "yaml"
import type { Diagnostic } from "./diagnostics.ts"
import type { FunctionKind } from "./names.ts"
import { isShallow, type JsonSchema } from "./schemas.ts"
import { readYamlFunction } from "./yaml-function.ts"
import { finding, keyOf, type YamlFunction, type YamlReader } from "./yaml-reader.ts"
import { toDefinitions } from "./yaml-models.ts"

export type NangoYaml = { version: "v1" | "v2"; functions: YamlFunction[]; definitions: Record<string, JsonSchema> }
export type YamlResult = { ok: true; yaml: NangoYaml } | { ok: false; errors: Diagnostic[] }

const MAX_CHARS = 1024 * 1024
const SECTIONS: Record<string, FunctionKind> = { syncs: "sync", actions: "action" }
const MAX_ALIASES = 200
const MAX_DEPTH = 64
const DEFAULT_EVENT = "post-connection-creation"

/** Reads a nango.yaml, second version or first. Findings carry line and column; never throws for bad text. */
export function parseNangoYaml(text: string, file = "nango.yaml"): YamlResult {
  const lines = new LineCounter()
  const reader: YamlReader = { file, lines, errors: [], models: new Map(), definitions: {} }
  if (text.length > MAX_CHARS) return { ok: false, errors: [finding(reader, undefined, "is larger than 1 MiB")] }
  const document = parseDocument(text, { lineCounter: lines, merge: true, uniqueKeys: false })
  for (const problem of document.errors) {
    const [at] = problem.linePos ?? []
    const [message = ""] = problem.message.split("\n")
    reader.errors.push({ file, line: at?.line ?? 1, column: at?.col ?? 1, code: "invalid_yaml", message })
  }
  const parsed: Node | null = document.contents
  const hasAliases = reader.errors.length === 0 && inspect(reader, parsed)
  const root = hasAliases && reader.errors.length === 0 ? expandAliases(reader, document) : parsed
  if (reader.errors.length === 0 && !isMap(root)) reader.errors.push(finding(reader, undefined, "is not a mapping"))
  if (reader.errors.length > 0 || !isMap(root)) return { ok: false, errors: reader.errors }

  readModels(reader, root)
  const integrations = root.get("integrations", true)
  if (!isMap(integrations)) reader.errors.push(finding(reader, integrations, "has no integrations"))
  const functions = isMap(integrations) ? integrations.items.flatMap((pair) => readIntegration(reader, pair)) : []
  if (reader.errors.length > 0) return { ok: false, errors: reader.errors }
  const version = functions.some((one) => one.v1) ? "v1" : "v2"
  return {
    ok: true,
    yaml: { version, functions: functions.map((one) => one.declared), definitions: reader.definitions },
  }
}

/**
 * Looks at the whole document once before anything trusts its shape: nesting is bounded, keys are unique (the parser's
 * own check takes quadratic time). Says whether there are aliases.
 */
function inspect(reader: YamlReader, node: unknown, depth = 0): boolean {
  if (depth > MAX_DEPTH) {
    reader.errors.push(finding(reader, node, "is nested too deeply"))
    return false
  }
  if (isAlias(node)) return true
  if (isSeq(node)) return node.items.map((item) => inspect(reader, item, depth + 1)).includes(true)
  if (!isMap(node)) return false
  const keys = new Set<string>()
  let aliases = false
  for (const pair of node.items) {
    const key = keyOf(pair)
    if (keys.has(key)) reader.errors.push(finding(reader, pair.key, `${key} stands twice`))
    keys.add(key)
    aliases = inspect(reader, pair.value, depth + 1) || isAlias(pair.key) || aliases
  }
  return aliases
}

/** The document with every alias and merge key replaced by what it stands for; such nodes have no place in the text. */
function expandAliases(reader: YamlReader, document: Document): Node | null {
  try {
    const plain: unknown = document.toJS({ maxAliasCount: MAX_ALIASES })
    if (isShallow(plain, MAX_DEPTH)) return new Document(plain, { aliasDuplicateObjects: false }).contents
  } catch (error) {
    // The library refuses what would grow without end, and merges of what is no mapping.
    if (!(error instanceof Error)) throw error
  }
  reader.errors.push(finding(reader, undefined, "has aliases that cannot be expanded"))
  return null
}

function readModels(reader: YamlReader, root: YAMLMap): void {
  const node = root.get("models", true)
  if (node === undefined) return
  if (!isMap(node)) {
    reader.errors.push(finding(reader, node, "models is not a mapping"))
    return
  }
  const models = new Map<string, unknown>()
  for (const pair of node.items) {
    const value: unknown = isScalar(pair.value) ? pair.value.value : (pair.value as Node | null)?.toJSON()
    if (isShallow(value, 20)) models.set(keyOf(pair), value)
    else reader.errors.push(finding(reader, pair.key, "is nested too deeply"))
  }
  const { definitions, problems } = toDefinitions(models)
  reader.models = models
  reader.definitions = definitions
  for (const { model, message } of problems) {
    reader.errors.push(finding(reader, node.items.find((pair) => keyOf(pair) === model)?.key, message))
  }
}

type Read = { declared: YamlFunction; v1: boolean }

function readIntegration(reader: YamlReader, pair: Pair): Read[] {
  const integrationId = keyOf(pair)
  if (!isMap(pair.value)) {
    reader.errors.push(finding(reader, pair.key, `integration ${integrationId} is not a mapping`))
    return []
  }
  return pair.value.items.flatMap((section) => {
    const key = keyOf(section)
    const kind = SECTIONS[key]
    if (kind !== undefined) return readSection(reader, integrationId, kind, section)
    if (key === "on-events") return readEvents(reader, integrationId, section)
    if (key === "post-connection-scripts") return readScripts(reader, integrationId, section.value, DEFAULT_EVENT)
    return readFirstVersion(reader, integrationId, section)
  })
}

function readSection(reader: YamlReader, integrationId: string, type: FunctionKind, section: Pair): Read[] {
  if (section.value === null || (isScalar(section.value) && section.value.value === null)) return []
  if (!isMap(section.value)) {
    reader.errors.push(finding(reader, section.key, `${keyOf(section)} of ${integrationId} is not a mapping`))
    return []
  }
  return section.value.items.map((pair) => ({
    declared: readYamlFunction(reader, { integrationId, type, pair, legacyKeys: false }),
    v1: false,
  }))
}

/** `on-events` holds lists of names by event. */
function readEvents(reader: YamlReader, integrationId: string, section: Pair): Read[] {
  if (isMap(section.value)) {
    return section.value.items.flatMap((pair) => readScripts(reader, integrationId, pair.value, keyOf(pair)))
  }
  reader.errors.push(finding(reader, section.key, `on-events of ${integrationId} is not a mapping`))
  return []
}

function readScripts(reader: YamlReader, integrationId: string, list: unknown, event: string): Read[] {
  if (!isSeq(list)) {
    reader.errors.push(finding(reader, list, `${event} of ${integrationId} is not a list of names`))
    return []
  }
  return list.items.filter(isScalar).map((item) => {
    const pair = { key: item, value: null } as Pair
    const declared = readYamlFunction(reader, { integrationId, type: "on-event", pair, legacyKeys: false })
    return { declared: { ...declared, event }, v1: false }
  })
}

/** In the first version functions stand directly below the integration and say their type themselves. */
function readFirstVersion(reader: YamlReader, integrationId: string, pair: Pair): Read[] {
  const type = isMap(pair.value) ? (pair.value.get("type") ?? "sync") : undefined
  const isFunction =
    isMap(pair.value) && (pair.value.has("runs") || pair.value.has("returns") || pair.value.has("type"))
  if (!isFunction || (type !== "sync" && type !== "action")) {
    const message = `${keyOf(pair)} of ${integrationId} is neither syncs, actions, on-events nor a function`
    reader.errors.push(finding(reader, pair.key, message))
    return []
  }
  return [{ declared: readYamlFunction(reader, { integrationId, type, pair, legacyKeys: true }), v1: true }]
}
