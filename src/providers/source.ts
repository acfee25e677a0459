import { readdir, stat } from "node:fs/promises"
import { basename, extname, join } from "node:path"
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair } from "yaml"
import { messageOf } from "../kit/errors.ts"
import { ProviderEntry, providerIdPattern } from "./model.ts"

/** Something about one place of a catalogue file. `field` is a dotted path inside the entry. */
export type CatalogueProblem = {
  file: string
  line?: number
  provider?: string
  field?: string
  message: string
}
/** A path inside a document, as zod reports it. */
export type FieldPath = readonly PropertyKey[]
/** An entry before its alias is resolved, with the place it came from. */
export type SourceEntry = {
  entry: ProviderEntry
  file: string
  /** Line of a member, or of the closest thing above it that exists; undefined for compiled entries. */
  lineOf?: (path: FieldPath) => number
  /** Written by the operator, not by us. */
  foreign: boolean
}
export type Source = {
  entries: Map<string, SourceEntry>
  problems: CatalogueProblem[]
  warnings: CatalogueProblem[]
}

/**
 * Who wrote the file: `own` files may hold nothing that the format does not know, in `foreign` ones that is a warning.
 */
export type Authorship = "own" | "foreign"

const isYaml = (name: string) => [".yaml", ".yml"].includes(extname(name))

/** Reads a folder of `<id>.yaml` files with one entry each. Never throws for what stands in a file. */
export async function readFolder(folder: string, authorship: Authorship): Promise<Source> {
  const source = emptySource()
  const names = (await readdir(folder)).filter(isYaml).toSorted()
  const files = names.map((name) => join(folder, name))
  const texts = await Promise.all(files.map((file) => Bun.file(file).text()))
  for (const [index, file] of files.entries()) {
    const id = basename(file, extname(file))
    const document = readDocument(file, texts[index] as string, source, id)
    if (document) addEntry(source, document, id, [], authorship)
  }
  return source
}

/** Reads one file that maps ids to entries. Never throws for what stands in the file. */
export async function readCatalogueFile(file: string, authorship: Authorship): Promise<Source> {
  const source = emptySource()
  const document = readDocument(file, await Bun.file(file).text(), source)
  for (const id of Object.keys(document?.value ?? {})) {
    addEntry(source, document as ReadDocument, id, [id], authorship)
  }
  return source
}

/** Reads what the operator points at: a folder of entries, or one file of many. */
export async function readExtra(path: string): Promise<Source> {
  // A path that cannot be read is a mistake of the person who typed it; it is reported like one in a file.
  try {
    const isFolder = (await stat(path)).isDirectory()
    return await (isFolder ? readFolder(path, "foreign") : readCatalogueFile(path, "foreign"))
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error
    return { ...emptySource(), problems: [{ file: path, message: `cannot be read: ${error.message}` }] }
  }
}

/** A source without anything in it. */
export const emptySource = (): Source => ({
  entries: new Map(),
  problems: [],
  warnings: [],
})

type ReadDocument = {
  file: string
  value: Record<string, unknown>
  lineOf: (path: FieldPath) => number
}

function readDocument(file: string, text: string, source: Source, provider?: string): ReadDocument | undefined {
  const refuse = (line: number, message: string) => {
    source.problems.push({ file, line, provider, message })
    return undefined
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line)
  for (const error of document.errors) refuse(lineAt(error.pos[0]), error.message)
  if (document.errors.length > 0) return undefined
  const { contents } = document
  if (!isMap(contents)) return refuse(1, contents === null ? "is empty" : "must be a map")
  // The index keeps the search for a line short in a file of a thousand entries.
  const index = new Map(contents.items.map((pair) => [keyOf(pair), pair]))
  const lineOf = (path: FieldPath) => lineAt(offsetOf(document, index, path))
  // The parser refuses documents that grow without bound through their anchors.
  try {
    return { file, value: document.toJS() as Record<string, unknown>, lineOf }
  } catch (error) {
    return refuse(1, messageOf(error))
  }
}

const keyOf = ({ key }: Pair) => String(isScalar(key) ? key.value : key)

/** Where the member at the path begins; what is missing is at the closest thing above it. */
function offsetOf(document: Document, index: ReadonlyMap<string, Pair>, path: FieldPath): number {
  let node: Node | null = document.contents
  let offset = node?.range?.[0] ?? 0
  for (const [depth, segment] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document) ?? null
    const pair = depth === 0 ? index.get(String(segment)) : findPair(node, String(segment))
    const item = isSeq(node) ? node.items[Number(segment)] : undefined
    const key = (pair?.key ?? item) as Node | undefined
    if (!key) return offset
    offset = key.range?.[0] ?? offset
    node = (pair ? pair.value : item) as Node | null
  }
  return offset
}

const findPair = (node: Node | null, name: string) =>
  isMap(node) ? node.items.find((pair) => keyOf(pair) === name) : undefined

function addEntry(source: Source, document: ReadDocument, id: string, prefix: string[], authorship: Authorship): void {
  const { file, value } = document
  const lineOf = (path: FieldPath) => document.lineOf([...prefix, ...path])
  const report = (list: CatalogueProblem[], path: FieldPath, message: string) =>
    list.push({
      file,
      line: lineOf(path),
      provider: id,
      field: path.map(String).join(".") || undefined,
      message,
    })
  if (!providerIdPattern.test(id)) {
    report(source.problems, [], "is not a provider id: use small letters, digits and hyphens")
    return
  }
  if (source.entries.has(id)) {
    report(source.problems, [], "is defined twice")
    return
  }
  const entry = (prefix.length > 0 ? value[id] : value) as ProviderEntry
  const parsed = ProviderEntry.safeParse(entry)
  let broken = false
  for (const issue of parsed.error?.issues ?? []) {
    if (issue.code === "unrecognized_keys") {
      const list = authorship === "own" ? source.problems : source.warnings
      for (const key of issue.keys) report(list, [...issue.path, key], "is not a known field")
      continue
    }
    broken = true
    report(source.problems, issue.path, describeIssue(issue.message))
  }
  // The entry itself is kept, not zod's copy: unknown members stay with it.
  if (!broken)
    source.entries.set(id, {
      entry,
      file,
      lineOf,
      foreign: authorship === "foreign",
    })
}

const describeIssue = (message: string) =>
  message.endsWith("received undefined") ? "is required" : message.replace(/^Invalid (?:input|option): /, "")

/** One line for a person: `file:line: provider "x", field y: what is wrong`. */
export function describeProblem({ file, line, provider, field, message }: CatalogueProblem): string {
  const place = line === undefined ? file : `${file}:${line}`
  const subject = [provider && `provider "${provider}"`, field && `field ${field}`].filter(Boolean).join(", ")
  return subject ? `${place}: ${subject}: ${message}` : `${place}: ${message}`
}
