import { mapFrame } from "./bundle.ts"
import { type Token, tokenize } from "./tokens.ts"

const mark = "//# sourceMappingURL="
const inline = /^data:application\/json(?:;charset=[\w-]+)?;base64,([A-Za-z0-9+/=]*)\s*$/

/**
 * Takes the source map that a compiler has written into the last line out of the code: it holds the owner's sources,
 * which are no business of the guest. `map` is null when there is none that can be read.
 */
export function takeSourceMap(js: string): { code: string; map: string | null } {
  const at = js.lastIndexOf(mark)
  if (at === -1 || (at > 0 && js[at - 1] !== "\n")) return { code: js, map: null }
  const reference = js.slice(at + mark.length)
  if (/\n\s*\S/.test(reference)) return { code: js, map: null }
  const data = inline.exec(reference)?.[1]
  return { code: js.slice(0, at), map: data === undefined ? null : tidy(Buffer.from(data, "base64").toString("utf8")) }
}

function tidy(text: string): string | null {
  try {
    const { version, sources, sourcesContent, mappings } = JSON.parse(text) as Record<string, unknown>
    const map = JSON.stringify({ version, sources, sourcesContent, mappings, names: [] })
    mapFrame(map, 1, 1)
    return map
  } catch {
    // It came with the code, and frames that stay as they are do no harm.
    return null
  }
}

/**
 * Whether the code calls a member named `constructor` (`x.constructor(…)`, `x["constructor"](…)`), the usual way to a
 * function that is made from text. `new x.constructor(…)` and reading the member are fine.
 */
export function callsConstructor(code: string): boolean {
  const tokens = tokenize(code)
  return tokens.some((token, at) => {
    const name = memberAt(tokens, at)
    if (name === undefined) return false
    const [open, next] = [tokens[name.end + 1]?.text, tokens[name.end + 2]?.text]
    const isCall = open === "(" || (open === "?." && next === "(")
    return isCall && !isNew(tokens, at)
  })
}

/** The member access that begins here, when it is one of `constructor`. */
function memberAt(tokens: Token[], at: number): { end: number } | undefined {
  const dot = tokens[at]?.text
  if ((dot === "." || dot === "?.") && tokens[at + 1]?.text === "constructor") return { end: at + 1 }
  if (dot !== "[" || tokens[at + 2]?.text !== "]") return undefined
  const key = tokens[at + 1]
  const isName = key?.value === "constructor" || (key?.kind === "template" && key.text === "`constructor`")
  return isName ? { end: at + 2 } : undefined
}

/** Whether the member access at this place ends a plain chain of names behind `new`. */
function isNew(tokens: Token[], at: number): boolean {
  let index = at - 1
  while (tokens[index]?.kind === "name" && tokens[index - 1]?.text === ".") index -= 2
  return tokens[index]?.kind === "name" && tokens[index - 1]?.text === "new"
}
