const prefix = "change:"

/** The opaque text of a place in a collection: base64url without padding, so it needs no escaping in a URL. */
export const encodeCursor = (change: number): string => Buffer.from(`${prefix}${change}`).toString("base64url")

/** The change number in a cursor; undefined when the text is not one that `encodeCursor` made. */
export function decodeCursor(cursor: string): number | undefined {
  const text = Buffer.from(cursor, "base64url").toString("latin1")
  if (!text.startsWith(prefix)) return undefined
  const change = Number(text.slice(prefix.length))
  if (!Number.isSafeInteger(change) || change < 0) return undefined
  return encodeCursor(change) === cursor ? change : undefined
}
