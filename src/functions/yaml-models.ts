import type { JsonSchema } from "./schemas.ts"

export type ModelProblem = { model: string; message: string }

const SCALARS = new Map<string, JsonSchema>([
  ...["string", "char", "varchar", "text"].map((name) => [name, { type: "string" }] as const),
  ...["number", "integer", "int", "float", "bigint"].map((name) => [name, { type: "number" }] as const),
  ...["boolean", "bool"].map((name) => [name, { type: "boolean" }] as const),
  ...["date", "Date"].map((name) => [name, { type: "string", format: "date-time" }] as const),
  ...["object", "Record<string, any>", "Record<string, unknown>"].map((name) => [name, { type: "object" }] as const),
  ...["any", "unknown"].map((name) => [name, {}] as const),
  ...["null", "undefined", "void"].map((name) => [name, { type: "null" }] as const),
  ...["array", "any[]"].map((name) => [name, { type: "array" }] as const),
  ["true", { const: true }],
  ["false", { const: false }],
])
const MAX_DEPTH = 20

/**
 * Turns the `models` section of a nango.yaml into JSON schema definitions. Understands `__extends`, `field?`, unions,
 * `T[]`, literals, `__string` index signatures, nested models and references; an unknown name becomes "anything".
 */
export function toDefinitions(models: ReadonlyMap<string, unknown>): {
  definitions: Record<string, JsonSchema>
  problems: ModelProblem[]
} {
  const problems: ModelProblem[] = []
  const definitions: Record<string, JsonSchema> = {}
  const flat: Flat = { models, problems, done: new Map() }
  for (const [name, fields] of models) {
    if (name === "__proto__") continue
    definitions[name] = isFields(fields) ? toObject(flatten(flat, name, []), models, 0) : toSchema(fields, models, 0)
  }
  return { definitions, problems }
}

/** The schema of a type text such as `Issue[]`, `string | null` or `"open" | "closed"`. */
export function toSchema(type: unknown, models: ReadonlyMap<string, unknown>, depth = 0): JsonSchema {
  if (depth > MAX_DEPTH) return {}
  if (type === null) return { type: "null" }
  if (typeof type === "number" || typeof type === "boolean") return { const: type }
  if (Array.isArray(type)) return { type: "array", items: union(type.map((one) => toSchema(one, models, depth + 1))) }
  if (isFields(type)) return toObject(new Map(Object.entries(type)), models, depth + 1)
  return typeof type === "string" ? fromText(type.trim(), models, depth) : {}
}

function fromText(text: string, models: ReadonlyMap<string, unknown>, depth: number): JsonSchema {
  const scalar = SCALARS.get(text) ?? SCALARS.get(text.toLowerCase())
  if (scalar !== undefined && !models.has(text)) return { ...scalar }
  const members = text.split("|").map((one) => one.trim())
  if (members.length > 1) return union(members.map((one) => toSchema(one, models, depth + 1)))
  if (text.endsWith("[]")) return { type: "array", items: toSchema(text.slice(0, -2), models, depth + 1) }
  if (models.has(text)) return { $ref: `#/definitions/${text}` }
  const quoted = /^(["'])(.*)\1$/.exec(text)
  if (quoted !== null) return { const: quoted[2] ?? "" }
  // Lower-case words without quotes are literals in unions (`open | closed`); other names are types from elsewhere.
  return depth > 0 && /^[a-z0-9_-]+$/.test(text) ? { const: text } : {}
}

function toObject(
  fields: ReadonlyMap<string, unknown>,
  models: ReadonlyMap<string, unknown>,
  depth: number,
): JsonSchema {
  const properties: Record<string, JsonSchema> = {}
  const required: string[] = []
  let additional: JsonSchema | boolean = false
  for (const [key, type] of fields) {
    if (key === "__extends") continue
    if (key === "__string") {
      additional = toSchema(type, models, depth + 1)
      continue
    }
    const name = key.endsWith("?") ? key.slice(0, -1) : key
    Object.defineProperty(properties, name, { value: toSchema(type, models, depth), enumerable: true })
    if (name === key && !allowsUndefined(type)) required.push(name)
  }
  const schema: JsonSchema = { type: "object", properties, additionalProperties: additional }
  return required.length > 0 ? { ...schema, required } : schema
}

type Flat = {
  models: ReadonlyMap<string, unknown>
  problems: ModelProblem[]
  done: Map<string, ReadonlyMap<string, unknown>>
}

/** The fields of a model with those of the models it extends in front; the model's own fields win. */
function flatten(flat: Flat, name: string, path: string[]): ReadonlyMap<string, unknown> {
  const own = flat.models.get(name)
  const done = flat.done.get(name)
  if (done !== undefined || !isFields(own)) return done ?? new Map()
  if (path.includes(name) || path.length > MAX_DEPTH) {
    flat.problems.push({ model: name, message: `model ${name} extends itself or too many others` })
    return new Map()
  }
  const parents = typeof own.__extends === "string" ? own.__extends.split(",").map((one) => one.trim()) : []
  const fields = new Map<string, unknown>()
  for (const parent of new Set(parents.filter((one) => one !== ""))) {
    if (!flat.models.has(parent)) {
      flat.problems.push({ model: name, message: `model ${name} extends ${parent}, which is missing` })
    }
    for (const [key, type] of flatten(flat, parent, [...path, name])) fields.set(key, type)
  }
  for (const [key, type] of Object.entries(own)) {
    fields.delete(key.endsWith("?") ? key.slice(0, -1) : `${key}?`)
    fields.set(key, type)
  }
  flat.done.set(name, fields)
  return fields
}

function union(members: JsonSchema[]): JsonSchema {
  const known = members.filter((one) => Object.keys(one).length > 0)
  if (known.length !== members.length || known.length === 0) return {}
  const [only] = known
  if (known.length === 1 && only !== undefined) return only
  const values = known.map((one) => one.const)
  return values.every((value) => value !== undefined) ? { enum: values } : { anyOf: known }
}

function allowsUndefined(type: unknown): boolean {
  return typeof type === "string" && type.split("|").some((one) => one.trim() === "undefined")
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
