import type { EntryRow } from "./aliases.ts"
import type { ProviderEntry } from "./model.ts"
import type { CatalogueProblem, CatalogueWarning, Source } from "./source.ts"

/** Where an entry comes from. Later ones win over earlier ones. */
export const origins = ["built-in", "file", "api"] as const
export type Origin = (typeof origins)[number]

/**
 * The entries of one origin, aliases not resolved. Entries are kept as JSON and parsed when one is asked for: most of a
 * thousand are never.
 */
export type Layer = {
  origin: Origin
  rows: Map<string, EntryRow>
  /** A new object each time. */
  read: (id: string) => ProviderEntry
  /** Ids that are left out because their entry is broken; an entry of an earlier layer does not come back through this. */
  broken: Set<string>
  /** Of the entries themselves; what is wrong with aliases shows only when all layers are together. */
  problems: CatalogueProblem[]
  warnings: CatalogueWarning[]
}

export const emptyLayer = (origin: Origin): Layer => ({
  origin,
  rows: new Map(),
  read: () => {
    throw new Error("The layer has no entries.")
  },
  broken: new Set(),
  problems: [],
  warnings: [],
})

/** The ids whose entry could not be read. */
export const brokenIds = ({ problems, entries }: Pick<Source, "problems" | "entries">): Set<string> =>
  new Set(problems.flatMap(({ provider }) => (provider === undefined || entries.has(provider) ? [] : provider)))

/** A layer of entries that were just read. */
export function layerOf(source: Source, origin: Origin): Layer {
  const rows = new Map<string, EntryRow>()
  for (const [id, { entry, file, lineOf }] of source.entries) {
    const { alias } = entry
    const aliasLine = alias === undefined ? undefined : lineOf(["alias"])
    rows.set(id, { alias, mode: entry.auth_mode !== undefined, file, line: lineOf([]), aliasLine })
  }
  return {
    origin,
    rows,
    read: (id) => structuredClone(source.entries.get(id)?.entry) as ProviderEntry,
    broken: brokenIds(source),
    problems: source.problems,
    warnings: source.warnings,
  }
}

/** What stands on the first line of a packed layer. */
type Head = {
  files: string[]
  /** id, bytes of its JSON, alias, own mode, number of its file, line, line of the alias. */
  rows: [string, number, string | null, boolean, number, number | null, number | null][]
  broken: string[]
  problems: CatalogueProblem[]
  warnings: CatalogueWarning[]
}

/** The layer as lines of JSON: one that tells what there is, then one for each entry. The same layer gives the same text. */
export function packLayer(layer: Layer): string {
  const files = [...new Set([...layer.rows.values()].map(({ file }) => file))]
  const fileNumbers = new Map(files.map((file, number) => [file, number]))
  const lines = [...layer.rows.keys()].map((id) => JSON.stringify(layer.read(id)))
  const rows = [...layer.rows].map(([id, { alias, mode, file, line, aliasLine }], index): Head["rows"][number] => [
    id,
    Buffer.byteLength(lines[index] as string),
    alias ?? null,
    mode,
    fileNumbers.get(file) as number,
    line ?? null,
    aliasLine ?? null,
  ])
  const { problems, warnings } = layer
  const head: Head = { files, rows, broken: [...layer.broken], problems, warnings }
  return `${[JSON.stringify(head), ...lines].join("\n")}\n`
}

/** The inverse. Throws when the bytes are no packed layer; the entries themselves are trusted. */
export function unpackLayer(bytes: Uint8Array, origin: Origin): Layer {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = text.indexOf(10)
  const head = JSON.parse(text.toString("utf8", 0, end)) as Head
  const places = new Map<string, [from: number, to: number]>()
  const rows = new Map<string, EntryRow>()
  let from = end + 1
  for (const [id, length, alias, mode, file, line, aliasLine] of head.rows) {
    places.set(id, [from, from + length])
    from += length + 1
    rows.set(id, {
      alias: alias ?? undefined,
      mode,
      file: head.files[file] as string,
      line: line ?? undefined,
      aliasLine: aliasLine ?? undefined,
    })
  }
  if (from !== text.length) throw new Error("The packed catalogue is cut off.")
  const read = (id: string) => JSON.parse(text.toString("utf8", ...(places.get(id) as [number, number])))
  const { broken, problems, warnings } = head
  return { origin, rows, read, broken: new Set(broken), problems, warnings }
}
