export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [key: string]: Json }

/** The first 16 bytes of SHA-256. */
export const hashText = (text: string): Uint8Array => (Bun.SHA256.hash(text) as Uint8Array).slice(0, 16)

export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The payload as it is stored: `id` as text, no `_nango_metadata`. Keeps the given object when that is so already. */
export function normalisePayload(record: JsonObject, externalId: string): JsonObject {
  if (record.id === externalId && !Object.hasOwn(record, "_nango_metadata")) return record
  const { _nango_metadata: _dropped, ...rest } = record
  rest.id = externalId
  return rest
}

/** The payload of a tombstone and of a pruned record. */
export const bareText = (externalId: string): string => `{"id":${JSON.stringify(externalId)}}`

/** Equal as JSON values: the order of keys does not matter, the order of elements does, numbers compare by value. */
export function equalJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((element, index) => equalJson(element, b[index]))
  }
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && equalJson(a[key], b[key]))
}

/** One text for each JSON value: the keys of every object are sorted (by UTF-16 unit), no white space, -0 is 0. */
export function canonicalText(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`
  if (!isObject(value)) return JSON.stringify(value)
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonicalText(value[key] as Json)}`)
  return `{${members.join(",")}}`
}

/** Merges objects recursively; arrays, null and everything else of `patch` replace. Neither input is changed. */
export function mergeJson(base: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(base))
  for (const [key, value] of Object.entries(patch)) {
    const before = merged.get(key)
    merged.set(key, isObject(before) && isObject(value) ? mergeJson(before, value) : value)
  }
  // Not assignment: a key named __proto__ must stay data.
  return Object.fromEntries(merged)
}

/** How deep a value nests, counted no further than `max + 1`. */
export function nestsDeeperThan(value: Json, max: number): boolean {
  if (typeof value !== "object" || value === null) return false
  if (max === 0) return true
  for (const child of Object.values(value)) if (nestsDeeperThan(child, max - 1)) return true
  return false
}
