/**
 * A token of TypeScript source. `text` is the raw text; `value` is the decoded value of a string. Comments and white
 * space are left out; a template is cut into its text parts and the tokens of its `${…}` holes.
 */
export type Token = {
  kind: "name" | "number" | "string" | "template" | "regex" | "punct"
  text: string
  at: number
  value?: string
}

const VALUE_KEYWORDS = new Set(
  "return typeof case do else in of instanceof new delete void throw await yield default extends".split(" "),
)
const NAME = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy
const NUMBER = /\.?\d[\w.]*/y
const SPACE = /[\s\ufeff]+/y
const PUNCT = /\+\+|--|=>|\?\.|\.\.\.|[^]/y

/** `openUntil`: up to there quotes and slashes have no partner, so looking for one again would take quadratic time. */
type Cursor = { source: string; at: number; tokens: Token[]; holes: number[]; openUntil: number }

/**
 * Cuts TypeScript into tokens, well enough to find positions and to judge shapes; it never throws. What is a module
 * import and what is not is decided by Bun's own parser, this only says where it stands.
 */
export function tokenize(source: string): Token[] {
  const cursor: Cursor = { source, at: 0, tokens: [], holes: [], openUntil: 0 }
  while (cursor.at < source.length) {
    if (!skipBlank(cursor)) readToken(cursor)
  }
  return cursor.tokens
}

function skipBlank(cursor: Cursor): boolean {
  const { source, at } = cursor
  const space = match(SPACE, source, at)
  if (space !== "") cursor.at += space.length
  else if (source.startsWith("//", at) || (at === 0 && source.startsWith("#!"))) cursor.at = endOf(source, "\n", at)
  else if (source.startsWith("/*", at)) cursor.at = endOf(source, "*/", at + 2)
  else return false
  return true
}

function readToken(cursor: Cursor): void {
  const char = cursor.source[cursor.at] ?? ""
  if (char === '"' || char === "'") return readString(cursor, char)
  if (char === "`") return readTemplate(cursor)
  if (char === "/" && !endsValue(cursor.tokens) && readRegex(cursor)) return
  const name = match(NAME, cursor.source, cursor.at)
  if (name !== "") return push(cursor, "name", name)
  const number = match(NUMBER, cursor.source, cursor.at)
  if (number !== "") return push(cursor, "number", number)
  readPunct(cursor)
}

function readPunct(cursor: Cursor): void {
  const text = match(PUNCT, cursor.source, cursor.at)
  const depth = cursor.holes.length - 1
  if (depth >= 0 && text === "{") cursor.holes[depth] = (cursor.holes[depth] ?? 0) + 1
  if (depth >= 0 && text === "}") {
    if (cursor.holes[depth] === 0) {
      cursor.holes.pop()
      return readTemplate(cursor)
    }
    cursor.holes[depth] = (cursor.holes[depth] ?? 0) - 1
  }
  push(cursor, "punct", text)
}

function readString(cursor: Cursor, quote: string): void {
  const { source, at } = cursor
  const isOpen = at < cursor.openUntil
  let end = at + 1
  for (; !isOpen && end < source.length && source[end] !== "\n"; end++) {
    const char = source[end]
    if (char === "\\") end++
    else if (char === quote) {
      const raw = source.slice(at, end + 1)
      return push(cursor, "string", raw, decodeString(raw.slice(1, -1)))
    }
  }
  // A quote without a partner on its line is not a string (it stands in a regular expression that was not recognised).
  if (!isOpen) cursor.openUntil = end
  push(cursor, "punct", quote)
}

/** Reads template text from a backtick, or from the `}` that closes a hole, to the closing backtick or the next hole. */
function readTemplate(cursor: Cursor): void {
  const { source, at } = cursor
  let end = at + 1
  for (; end < source.length; end++) {
    const char = source[end]
    if (char === "\\") end++
    else if (char === "`") break
    else if (char === "$" && source[end + 1] === "{") {
      end++
      cursor.holes.push(0)
      break
    }
  }
  push(cursor, "template", source.slice(at, Math.min(end + 1, source.length)))
}

function readRegex(cursor: Cursor): boolean {
  const { source, at } = cursor
  if (at < cursor.openUntil) return false
  let inClass = false
  let end = at + 1
  for (; end < source.length && source[end] !== "\n"; end++) {
    const char = source[end]
    if (char === "\\") end++
    else if (char === "[") inClass = true
    else if (char === "]") inClass = false
    else if (char === "/" && !inClass) {
      push(cursor, "regex", source.slice(at, end + 1))
      return true
    }
  }
  cursor.openUntil = end
  return false
}

/** Whether a `/` after these tokens divides (true) or begins a regular expression (false). */
function endsValue(tokens: Token[]): boolean {
  const last = tokens.at(-1)
  if (last === undefined) return false
  if (last.kind === "name") return !VALUE_KEYWORDS.has(last.text)
  if (last.kind === "template") return !last.text.endsWith("${")
  if (last.kind !== "punct") return true
  return last.text === ")" || last.text === "]" || last.text === "}" || last.text === "++" || last.text === "--"
}

function push(cursor: Cursor, kind: Token["kind"], text: string, value?: string): void {
  cursor.tokens.push(value === undefined ? { kind, text, at: cursor.at } : { kind, text, at: cursor.at, value })
  cursor.at += text.length
}

function match(pattern: RegExp, source: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(source)?.[0] ?? ""
}

function endOf(source: string, mark: string, from: number): number {
  const found = source.indexOf(mark, from)
  return found === -1 ? source.length : found + mark.length
}

const ESCAPE = /\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([^]))/g
const SINGLE: Record<string, string> = {
  n: "\n",
  r: "\r",
  t: "\t",
  b: "\b",
  f: "\f",
  v: "\v",
  "0": "\0",
  "\n": "",
}

function decodeString(raw: string): string {
  if (!raw.includes("\\")) return raw
  return raw.replace(ESCAPE, (_all, long?: string, short?: string, hex?: string, single?: string) => {
    const digits = long ?? short ?? hex
    if (digits === undefined) return SINGLE[single ?? ""] ?? single ?? ""
    const point = Number.parseInt(digits, 16)
    return point <= 0x10ffff ? String.fromCodePoint(point) : ""
  })
}
