import { readdir, stat } from "node:fs/promises"
import { basename, extname, join } from "node:path"
import { ProviderEntry, providerIdPattern } from "./model.ts"
import { type FieldPath, readYaml, type YamlMap, type YamlProblem } from "./yaml-text.ts"

/** Something about one place of a catalogue file. `field` is a dotted path inside the entry. */
export type CatalogueProblem = {
  file: string
  line?: number
  provider?: string
  field?: string
  message: string
}
/** Something that does not keep an entry from being used. `rule`: the format forbids it, so nothing new may have it. */
export type CatalogueWarning = CatalogueProblem & { rule?: true }
/** An entry before its alias is resolved, with the place it came from. */
export type SourceEntry = {
  entry: ProviderEntry
  file: string
  /** Line of a member, or of the closest thing above it that exists. */
  lineOf: (path: FieldPath) => number
}
/** A problem without a `provider` is about the whole file. */
export type Source = {
  entries: Map<string, SourceEntry>
  problems: CatalogueProblem[]
  warnings: CatalogueWarning[]
}

/**
 * Who wrote the file: `own` files may hold nothing that the format does not know, in `foreign` ones that is a warning.
 */
export type Authorship = "own" | "foreign"

/** One file as it was read. In a file of its own an entry has its id from the file's name. */
export type SourceFile = { file: string; id?: string; text: string }
export type SourceFiles = { files: SourceFile[]; problems: CatalogueProblem[] }

/** A catalogue of all known APIs has one megabyte. */
export const largestCatalogueBytes = 32 * 1024 * 1024

/** Not what editors and file systems put beside a file, such as `.#a.yaml` and `._a.yaml`. */
const isYaml = (name: string) => [".yaml", ".yml"].includes(extname(name)) && !name.startsWith(".")

/**
 * Reads the files of a folder with one entry each, or one file of many entries. What cannot be read or is larger than
 * 32 MiB in all is a problem, found before anything is read.
 */
export async function readFiles(path: string): Promise<SourceFiles> {
  // A path that cannot be read is a mistake of the person who typed it; it is reported like one in a file.
  try {
    const isFolder = (await stat(path)).isDirectory()
    const names = isFolder ? (await readdir(path)).filter(isYaml).toSorted() : []
    const found = isFolder ? names.map((name) => join(path, name)) : [path]
    const stats = await Promise.all(found.map((file) => stat(file)))
    const paths = found.filter((_, index) => !stats[index]?.isDirectory())
    const total = stats.reduce((sum, { size }) => sum + size, 0)
    if (total > largestCatalogueBytes) return { files: [], problems: [tooLarge(path, total)] }
    const texts = await Promise.all(paths.map((file) => Bun.file(file).text()))
    const files = paths.map((file, index) => ({
      file,
      id: isFolder ? basename(file, extname(file)) : undefined,
      text: texts[index] as string,
    }))
    return { files, problems: [] }
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error
    return { files: [], problems: [{ file: path, message: `cannot be read: ${error.message}` }] }
  }
}

const tooLarge = (file: string, bytes: number): CatalogueProblem => ({
  file,
  message: `has ${Math.ceil(bytes / 1024 / 1024)} MiB; a catalogue may have at most ${largestCatalogueBytes / 1024 / 1024} MiB`,
})

/** Makes entries of files. Never throws for what stands in them. */
export function readEntries({ files, problems }: SourceFiles, authorship: Authorship): Source {
  const source: Source = { entries: new Map(), problems: [...problems], warnings: [] }
  for (const { file, id: named, text } of files) {
    const map = readYaml(text)
    const id = named ?? (isOneEntry(map) ? basename(file, extname(file)) : undefined)
    if (Array.isArray(map)) {
      for (const { line, message } of map) source.problems.push({ file, line, provider: id, message })
      continue
    }
    const twice = duplicatesIn(map, file, source, id)
    const ids = id === undefined ? Object.keys(map.value) : [id]
    for (const name of ids) {
      if (twice.has(name)) continue
      addEntry(source, { file, map, id: name, prefix: id === undefined ? [name] : [], authorship })
    }
  }
  return source
}

/** Whether a file holds one entry instead of a map of them, in which no member is a text. */
const isOneEntry = (map: YamlMap | YamlProblem[]): boolean =>
  !Array.isArray(map) && ["display_name", "auth_mode", "alias"].some((name) => typeof map.value[name] === "string")

/** Reads a folder or file and makes entries of it. */
export const readSource = async (path: string, authorship: Authorship): Promise<Source> =>
  readEntries(await readFiles(path), authorship)

/** Reports keys that stand twice; answers the ids that can therefore not be used. */
function duplicatesIn({ duplicates }: YamlMap, file: string, source: Source, id?: string): Set<string> {
  for (const { key, line, topLevel } of duplicates) {
    const message = topLevel && id === undefined ? "is defined twice" : "has a key that stands twice"
    source.problems.push({ file, line, provider: id ?? key, message })
  }
  return new Set(duplicates.map(({ key }) => id ?? key))
}

type Place = { file: string; map: YamlMap; id: string; prefix: string[]; authorship: Authorship }

function addEntry(source: Source, { file, map, id, prefix, authorship }: Place): void {
  const lineOf = (path: FieldPath) => map.lineOf([...prefix, ...path])
  const report = (list: CatalogueWarning[], path: FieldPath, message: string, more: { rule?: true } = {}) =>
    list.push({
      file,
      line: lineOf(path),
      provider: id,
      field: path.map(String).join(".") || undefined,
      message,
      ...more,
    })
  if (!providerIdPattern.test(id)) {
    report(source.problems, [], "is not a provider id: use small letters, digits and hyphens")
    return
  }
  if (source.entries.has(id)) {
    // Which of the two is meant is not for us to guess.
    source.entries.delete(id)
    report(source.problems, [], "is defined twice")
    return
  }
  // The entry itself is kept, not zod's copy: unknown members stay with it.
  const entry = (prefix.length > 0 ? map.value[id] : map.value) as ProviderEntry
  let broken = false
  for (const { path, message, unknown } of shapeProblems(entry)) {
    const isForShow = authorship === "foreign" && isMissingForShow(entry, path)
    const isWarning = (unknown && authorship === "foreign") || isForShow
    report(isWarning ? source.warnings : source.problems, path, message, isForShow ? { rule: true } : {})
    if (!unknown && !isForShow) broken = true
  }
  if (!broken) source.entries.set(id, { entry: authorship === "foreign" ? named(id, entry) : entry, file, lineOf })
}

/** What people read, which nothing else depends on. */
const isMissingForShow = (entry: ProviderEntry | undefined, path: PropertyKey[]): boolean =>
  path.length === 1 &&
  ["display_name", "docs"].includes(String(path[0])) &&
  !Object.hasOwn(entry ?? {}, String(path[0]))

/** The entry with a name and a place for its page; an alias has those of the other entry. */
const named = (id: string, entry: ProviderEntry): ProviderEntry =>
  entry.alias === undefined ? { ...entry, display_name: entry.display_name ?? id, docs: entry.docs ?? "" } : entry

type ShapeProblem = { path: PropertyKey[]; message: string; unknown: boolean }

/** What the shape of an entry does not allow; `unknown` members are no more than that. */
export function shapeProblems(entry: unknown): ShapeProblem[] {
  const { error } = ProviderEntry.safeParse(entry)
  return (error?.issues ?? []).flatMap((issue): ShapeProblem[] =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ path: [...issue.path, key], message: "is not a known field", unknown: true }))
      : [{ path: issue.path, message: describeIssue(issue.message), unknown: false }],
  )
}

const describeIssue = (message: string) =>
  message.endsWith("received undefined") ? "is required" : message.replace(/^Invalid (?:input|option): /, "")

/** One entry of a JSON or YAML text, as the API takes it. */
export const readOneEntry = (text: string, id: string): Source =>
  readEntries({ files: [{ file: fromApi, id, text }], problems: [] }, "foreign")

const fromApi = "the API"

/** Entries that the API took before. Lines are those of JSON on one line. */
export function sourceOfAdditions(rows: readonly { name: string; entry: string }[]): Source {
  const source: Source = { entries: new Map(), problems: [], warnings: [] }
  for (const { name, entry } of rows) {
    const map: YamlMap = { value: JSON.parse(entry) as Record<string, unknown>, lineOf: () => 1, duplicates: [] }
    addEntry(source, { file: fromApi, map, id: name, prefix: [], authorship: "foreign" })
  }
  return source
}

/** One line for a person: `file:line: provider "x", field y: what is wrong`. */
export function describeProblem({ file, line, provider, field, message }: CatalogueProblem): string {
  const place = line === undefined ? file : `${file}:${line}`
  const subject = [provider && `provider "${provider}"`, field && `field ${field}`].filter(Boolean).join(", ")
  return subject ? `${place}: ${subject}: ${message}` : `${place}: ${message}`
}
