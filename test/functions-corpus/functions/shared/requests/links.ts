/** Entries of a Link header by their relation. */
export function readLinks(header: unknown): Map<string, URL> {
  const links = new Map<string, URL>()
  for (const part of String(header ?? "").split(/,\s*(?=<)/)) {
    const [, url, rel] = /^<([^>]+)>.*;\s*rel="?([^";]+)"?/.exec(part) ?? []
    if (url !== undefined && rel !== undefined) links.set(rel, new URL(url))
  }
  return links
}
