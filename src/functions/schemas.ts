/** A JSON schema (draft 7) as plain data. */
export type JsonSchema = Record<string, unknown>

const MAX_DEPTH = 64

/**
 * Makes a stand-alone schema fit under `#/definitions/<name>`: drops `$schema` and points its inner references
 * (`#`, `#/definitions/x`, `#/$defs/x`) at the new place. Throws nothing; what is nested deeper than 64 becomes `{}`.
 */
export function placeSchema(name: string, schema: JsonSchema): JsonSchema {
  const { $schema: _dialect, ...rest } = schema
  return moveRefs(rest, `#/definitions/${name}`, 0) as JsonSchema
}

function moveRefs(value: unknown, base: string, depth: number): unknown {
  if (depth > MAX_DEPTH) return {}
  if (Array.isArray(value)) return value.map((one) => moveRefs(one, base, depth + 1))
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).map(([key, inner]) => {
    const isRef = key === "$ref" && typeof inner === "string" && inner.startsWith("#")
    return [key, isRef ? `${base}${inner.slice(1)}` : moveRefs(inner, base, depth + 1)] as const
  })
  return Object.fromEntries(entries)
}

/** Whether data is nested at most this deep; guards recursive readers against hostile input. */
export function isShallow(value: unknown, maxDepth: number = MAX_DEPTH): boolean {
  if (typeof value !== "object" || value === null) return true
  return maxDepth > 0 && Object.values(value).every((inner) => isShallow(inner, maxDepth - 1))
}

/** The name of a schema that a function declares without naming it, such as `ActionInput_github_createissue`. */
export function generatedName(
  prefix: "SyncMetadata" | "ActionInput" | "ActionOutput",
  integrationId: string,
  name: string,
): string {
  return `${prefix}_${integrationId.replace(/[^a-zA-Z0-9]/g, "_")}_${name.replace(/[^a-zA-Z0-9]/g, "")}`
}
