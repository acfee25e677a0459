import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair } from "yaml"
import { messageOf } from "../kit/errors.ts"

/** A path inside a document, as zod reports it. */
export type FieldPath = readonly PropertyKey[]
export type YamlProblem = { line: number; message: string }
/** A key that stands twice in one map; `key` is the top-level member in which it does. */
export type Duplicate = { key: string; line: number; topLevel: boolean }
export type YamlMap = {
  value: Record<string, unknown>
  /** Line of a member, or of the closest thing above it that exists; from 1. Costs a second parse of that part. */
  lineOf: (path: FieldPath) => number
  duplicates: Duplicate[]
}

/** Values that aliases may grow a document to; a bomb of nested anchors has billions. */
const mostNodes = 2_000_000

/**
 * Reads a YAML map. The runtime's parser reads it in a tenth of the time of `yaml`, but tells no lines and takes a key
 * twice without a word; so `yaml` looks at the parts where a line is asked for or a key seems to stand twice, and at
 * all of it when the fast parser refuses.
 */
export function readYaml(text: string): YamlMap | YamlProblem[] {
  const parts = splitParts(text)
  const value = parseFast(text)
  // A marker of a second document, or keys in an unusual spelling: the slow parser knows.
  if (!isRecord(value) || Object.keys(value).length > parts.length) return readSlowly(text)
  if (hasAliases(text) && countNodes(value) > mostNodes)
    return [{ line: 1, message: "grows without bound by its anchors" }]
  return { value, lineOf: lineFinder(text, parts), duplicates: findDuplicates(parts) }
}

function parseFast(text: string): unknown {
  // Why a text is no YAML, and where, is told by the slow parser.
  try {
    return Bun.YAML.parse(text)
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const hasAliases = (text: string) => /(?:^|[\s[{,])\*[^\s*]/.test(text)

function countNodes(root: unknown): number {
  const open = [root]
  let count = 0
  while (open.length > 0 && count <= mostNodes) {
    const value = open.pop()
    count++
    if (typeof value === "object" && value !== null) for (const member of Object.values(value)) open.push(member)
  }
  return count
}

/** A top-level member: its key, its first line (from 0) and its text. */
type Part = { key: string; line: number; text: string }

function splitParts(text: string): Part[] {
  const parts: Part[] = []
  let line = 0
  let from = 0
  let open: { key: string; line: number; from: number } | undefined
  const close = (to: number) => open && parts.push({ key: open.key, line: open.line, text: text.slice(open.from, to) })
  for (; from < text.length; line++) {
    const newline = text.indexOf("\n", from)
    const next = newline === -1 ? text.length : newline + 1
    const first = text.charCodeAt(from)
    // Neither white space nor a comment, a list or a marker: a key.
    if (first > 35 && first !== 45) {
      close(from)
      open = { key: keyAt(text.slice(from, next)), line, from }
    }
    from = next
  }
  close(text.length)
  return parts
}

const keyAt = (line: string) => (/^(["']?)([^"':]+)\1\s*:(?:\s|$)/.exec(line)?.[2] ?? line).trim()

function findDuplicates(parts: Part[]): Duplicate[] {
  const found: Duplicate[] = []
  const seen = new Set<string>()
  for (const { key, line, text } of parts) {
    if (seen.has(key)) found.push({ key, line: line + 1, topLevel: true })
    seen.add(key)
    if (!mayRepeatKeys(text)) continue
    const lines = new LineCounter()
    const twice = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true }).errors.find(
      ({ code }) => code === "DUPLICATE_KEY",
    )
    if (twice) found.push({ key, line: line + Math.max(1, lines.linePos(twice.pos[0]).line), topLevel: false })
  }
  return found
}

/** Whether a key seems to stand twice in a map: true too often rather than too seldom. */
function mayRepeatKeys(text: string): boolean {
  if (/(?:: |- |\[|, )\{|^[ -]*["'][^"'\n]*:/m.test(text)) return true
  const open: { indent: number; keys: Set<string> }[] = []
  for (const [, spaces = "", dash = "", key = ""] of text.matchAll(/^( *)((?:- +)*)([^\s#:][^\n:]*):(?=\s|$)/gm)) {
    const indent = spaces.length + dash.length
    while (open.length > 0 && (open.at(-1) as { indent: number }).indent > (dash ? spaces.length : indent)) open.pop()
    const map = open.at(-1)
    if (map?.indent !== indent || dash) open.push({ indent, keys: new Set([key]) })
    else if (map.keys.has(key)) return true
    else map.keys.add(key)
  }
  return false
}

function lineFinder(text: string, parts: Part[]): (path: FieldPath) => number {
  let whole: ((path: FieldPath) => number) | undefined
  const inPart = new Map<string, (path: FieldPath) => number>()
  return (path) => {
    const part = parts.find(({ key }) => key === String(path[0]))
    if (path.length === 0) return (parts[0]?.line ?? 0) + 1
    // What an alias stands for may be in another part.
    if (!part || hasAliases(part.text)) return (whole ??= lineFinderOf(text))(path)
    const find = inPart.get(part.key) ?? lineFinderOf(part.text)
    inPart.set(part.key, find)
    return part.line + find(path)
  }
}

function lineFinderOf(text: string): (path: FieldPath) => number {
  const lines = new LineCounter()
  return finderIn(parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true }), lines)
}

function finderIn(document: Document, lines: LineCounter): (path: FieldPath) => number {
  // The index keeps the search for a line short in a file of a thousand entries.
  const items = isMap(document.contents) ? document.contents.items : []
  const index = new Map(items.map((pair) => [keyOf(pair), pair]))
  return (path) => Math.max(1, lines.linePos(offsetOf(document, index, path)).line)
}

function readSlowly(text: string): YamlMap | YamlProblem[] {
  const lines = new LineCounter()
  // The parser gives up on documents that nest without end, or that grow without end through their anchors.
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true })
    if (document.errors.length > 0) {
      return document.errors.map(({ pos, message }) => ({ line: Math.max(1, lines.linePos(pos[0]).line), message }))
    }
    const { contents } = document
    if (!isMap(contents)) return [{ line: 1, message: contents === null ? "is empty" : "must be a map" }]
    return { value: document.toJS() as Record<string, unknown>, lineOf: finderIn(document, lines), duplicates: [] }
  } catch (error) {
    return [{ line: 1, message: messageOf(error) }]
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
