/** RFC 3986 encoding: `encodeURIComponent` leaves five characters alone that signatures want encoded. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** Pairs as signatures want them: percent-encoded, in the order of encoded names and then values. */
export function sortedPairs(pairs: Iterable<readonly [string, string]>): string {
  return [...pairs]
    .map(([name, value]) => [percentEncode(name), percentEncode(value)] as const)
    .toSorted(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join("&")
}

/** The query of a URL in the same form. */
export function sortedQuery(query: string): string {
  return query === "" ? "" : sortedPairs(new URLSearchParams(query))
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
