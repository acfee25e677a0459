/**
 * The target of the first entry of a Link header (RFC 8288) with this relation. Entries may carry several relations,
 * quoted or bare, and commas or semicolons inside the target or inside quotes.
 */
export function parseLinkHeader(header: unknown, rel: string): string | undefined {
  const text = Array.isArray(header) ? header.join(", ") : header
  if (typeof text !== "string") return undefined
  const wanted = rel.toLowerCase()
  for (const [, target, parameters = ""] of text.matchAll(
    /<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"[^"]*"|[^",;]*))?)*)/g,
  )) {
    const found = /;\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))/i.exec(parameters)
    const relations = (found?.[1] ?? found?.[2] ?? "").toLowerCase().split(/\s+/)
    if (relations.includes(wanted)) return target
  }
  return undefined
}
