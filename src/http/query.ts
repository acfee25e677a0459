/** A query as it arrives: text, lists (`a=1&a=2`, `a[]=1`, `a[0]=1`) and nested objects (`a[b]=1`). */
export type QueryValue = string | QueryValue[] | { [key: string]: QueryValue }
type Members = { [key: string]: QueryValue }

const deepest = 5

/**
 * Reads a query string with bracket notation. The objects have no prototype, so a name like `constructor` or `__proto__`
 * is a name like any other, and reaches the route's shape.
 */
export function parseQuery(search: string): Members {
  const result: Members = Object.create(null)
  for (const [key, value] of new URLSearchParams(search)) put(result, splitKey(key), value)
  return result
}

function splitKey(key: string): string[] {
  const open = key.indexOf("[")
  if (open <= 0 || !key.endsWith("]")) return [key]
  const inner = key.slice(open + 1, -1).split("][")
  return inner.length > deepest ? [key] : [key.slice(0, open), ...inner]
}

function put(target: Members, [head = "", ...rest]: string[], value: string): void {
  const present = target[head]
  const isList = rest.length === 1 && /^\d{0,3}$/.test(rest[0] ?? "")
  if (rest.length === 0 || isList) {
    target[head] = join(present, value, isList)
    return
  }
  const nested: Members = isMembers(present) ? present : Object.create(null)
  put(nested, rest, value)
  if (present !== nested) target[head] = join(present, nested, false)
}

/** A name that is given again makes a list; so does the bracket form, also when it is given once. */
function join(present: QueryValue | undefined, value: QueryValue, isList: boolean): QueryValue {
  if (present === undefined) return isList ? [value] : value
  if (!Array.isArray(present)) return [present, value]
  present.push(value)
  return present
}

const isMembers = (value: QueryValue | undefined): value is Members =>
  typeof value === "object" && !Array.isArray(value)
