/** Reads `a.b[0].c` (also `a["b"]`) out of a value; undefined when a step is missing. */
export function getPath(value: unknown, path: string): unknown {
  let current: unknown = value
  for (const step of splitPath(path)) {
    if (current === undefined || current === null) return undefined
    current = (current as Record<string, unknown>)[step]
  }
  return current
}

export function splitPath(path: string): string[] {
  return path
    .replace(
      /\[(?:"([^"]*)"|'([^']*)'|([^\]]*))\]/g,
      (_, a?: string, b?: string, c?: string) => `.${a ?? b ?? c ?? ""}`,
    )
    .split(".")
    .filter((step) => step !== "")
}

/** Expands keys with dots into nested objects: `{"variables.after": 1}` → `{variables: {after: 1}}`. */
export function expandDots(bag: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(bag)) {
    if (key.includes(".")) setPath(result, key.split("."), value)
    else result[key] = value
  }
  return result
}

function setPath(target: Record<string, unknown>, steps: string[], value: unknown): void {
  let current = target
  for (const step of steps.slice(0, -1)) {
    const next = Object.hasOwn(current, step) ? current[step] : undefined
    // A copy, so that the caller's own nested object is not written to.
    const child: Record<string, unknown> = typeof next === "object" && next !== null ? { ...next } : {}
    define(current, step, child)
    current = child
  }
  define(current, steps.at(-1) ?? "", value)
}

/** Defines instead of assigning, so that a step named `__proto__` is only a key. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}
