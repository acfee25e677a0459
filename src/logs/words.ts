/**
 * What a person types into a search field as an expression of FTS5: every word must be there, in any order; a word also
 * finds longer ones that begin with it; what stands in quotes must be there as it is. Undefined when there is no word.
 */
export function searchExpression(environmentId: number, search: string): string | undefined {
  // FTS5 ends at a NUL.
  const terms = [...search.replaceAll("\0", " ").matchAll(/"([^"]*)"?|(\S+)/g)].flatMap(([, phrase, word]) => {
    const text = (phrase ?? word ?? "").replaceAll('"', " ")
    // A term without a letter or digit would match nothing.
    if (!/[\p{L}\p{N}]/u.test(text)) return []
    return `"${text}"${phrase === undefined ? "*" : ""}`
  })
  if (terms.length === 0) return undefined
  return `environment : "e${environmentId}" AND words : (${terms.join(" AND ")})`
}
