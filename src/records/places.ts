/**
 * Where a reader of all models of a connection stands: the last change it has seen of each collection. Not one number,
 * because changes of different models may commit in another order than they were numbered in.
 */
export type Places = Map<number, number>

const prefix = "feed:"
const base = 36
/** `<collection>.<change>` in base 36, so that a few models make a short cursor. */
const pattern = /^([0-9a-z]{1,11})\.([0-9a-z]{1,11})$/

/** The opaque text of these places: base64url without padding, so it needs no escaping in a URL. */
export function encodePlaces(places: Places): string {
  const parts = [...places].map(([collection, change]) => `${collection.toString(base)}.${change.toString(base)}`)
  return Buffer.from(prefix + parts.join(",")).toString("base64url")
}

/** The places in a cursor; undefined when the text is not one that `encodePlaces` made. */
export function decodePlaces(cursor: string): Places | undefined {
  const text = Buffer.from(cursor, "base64url").toString("latin1")
  if (!text.startsWith(prefix)) return undefined
  const places: Places = new Map()
  const rest = text.slice(prefix.length)
  for (const part of rest === "" ? [] : rest.split(",")) {
    const [, collection = "", change = ""] = pattern.exec(part) ?? []
    places.set(Number.parseInt(collection, base), Number.parseInt(change, base))
  }
  const isWhole = [...places].flat().every((number) => Number.isSafeInteger(number) && number >= 0)
  return isWhole && encodePlaces(places) === cursor ? places : undefined
}
