/**
 * JSON text with the members of every object in alphabetical order and undefined ones left out: two equal values give the
 * same bytes, which is what a signature over them needs.
 */
export function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (member === null || typeof member !== "object" || Array.isArray(member)) return member
    return Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
  })
}

/** Whether a value nests deeper than that many levels. Looks without recursion: the value may come from anybody. */
export function nestsDeeperThan(value: unknown, levels: number): boolean {
  let layer: unknown[] = [value]
  for (let depth = 0; layer.length > 0; depth++) {
    if (depth > levels) return true
    layer = layer.flatMap((one) => (one !== null && typeof one === "object" ? Object.values(one) : []))
  }
  return false
}
