/** A query as it arrives: text, lists (`a=1&a=2`, `a[]=1`) and nested objects (`a[b]=1`). */
export type QueryValue = string | QueryValue[] | { [key: string]: QueryValue }

const longestList = 100

/** Reads a query string with bracket notation. Keys that could reach a prototype are left out. */
export function parseQuery(search: string): Record<string, QueryValue> {
  const result: Record<string, QueryValue> = Object.create(null)
  for (const [key, value] of new URLSearchParams(search)) put(result, splitKey(key), value)
  return { ...result }
}

function splitKey(key: string): string[] {
  const open = key.indexOf("[")
  if (open <= 0 || !key.endsWith("]")) return [key]
  const inner = key.slice(open + 1, -1).split("][")
  return inner.length > 5 ? [key] : [key.slice(0, open), ...inner]
}

function put(target: Record<string, QueryValue>, path: string[], value: string): void {
  const [head, ...rest] = path
  if (head === undefined || head === "__proto__" || head === "constructor" || head === "prototype") return
  const present = target[head]
  if (rest.length === 0 || rest[0] === "") {
    const isList = rest[0] === ""
    if (present === undefined) target[head] = isList ? [value] : value
    else if (Array.isArray(present)) {
      if (present.length < longestList) present.push(value)
    }
    else if (typeof present === "string") target[head] = [present, value]
    return
  }
  const nested =
    present !== null && typeof present === "object" && !Array.isArray(present) ? present : Object.create(null)
  put(nested, rest, value)
  target[head] = { ...nested }
}
