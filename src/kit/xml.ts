/** Elements by name; several of one name are a list; attributes have `$` before their name. */
export type XmlTree = { [name: string]: unknown }

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }
const name = /^[A-Za-z_][\w.:-]*$/
const deepest = 50

export const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&${Object.keys(entities).find((key) => entities[key] === char) ?? "amp"};`)

/** Writes a tree as XML, without a declaration. Throws a TypeError for names that XML does not know. */
export function writeXml(tree: XmlTree): string {
  return Object.entries(tree)
    .map(([tag, value]) => (Array.isArray(value) ? value : [value]).map((one) => writeElement(tag, one)).join(""))
    .join("")
}

function writeElement(tag: string, value: unknown): string {
  if (!name.test(tag)) throw new TypeError("An element has a name that XML does not know.")
  if (typeof value !== "object" || value === null) return `<${tag}>${textOf(value)}</${tag}>`
  const members = Object.entries(value)
  const attributes = members
    .filter(([key]) => key.startsWith("$") && name.test(key.slice(1)))
    .map(([key, member]) => ` ${key.slice(1)}="${textOf(member)}"`)
  const children = Object.fromEntries(members.filter(([key]) => !key.startsWith("$")))
  return `<${tag}${attributes.join("")}>${writeXml(children)}</${tag}>`
}

const textOf = (value: unknown): string =>
  value === null || value === undefined
    ? ""
    : escapeXml(typeof value === "object" ? JSON.stringify(value) : String(value))

type Open = { tag: string; attributes: XmlTree; children: XmlTree; text: string }

/**
 * Reads a document into a tree: an element without children is its text, and `#text` holds the text of one that also
 * has attributes. There is no document type: nothing is fetched and nothing expands. Throws a SyntaxError.
 */
export function readXml(text: string): XmlTree {
  const root: Open = { tag: "", attributes: {}, children: {}, text: "" }
  const open = [root]
  let at = 0
  for (const token of text.matchAll(/<!\[CDATA\[([\s\S]*?)\]\]>|<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<([^<>]*)>/g)) {
    const top = open.at(-1) as Open
    top.text += decode(text.slice(at, token.index))
    at = token.index + token[0].length
    if (token[1] !== undefined) top.text += token[1]
    else if (token[2] !== undefined) readTag(open, token[2])
  }
  if (open.length !== 1 || Object.keys(root.children).length !== 1 || text.slice(at).trim() !== "") {
    throw new SyntaxError("The text is not an XML document.")
  }
  return root.children
}

function readTag(open: Open[], inside: string): void {
  const parts = /^(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)$/.exec(inside)
  if (!parts || open.length > deepest) throw new SyntaxError("The text has a tag that cannot be read.")
  const [, closing, tag = "", rest = "", empty] = parts
  if (closing) {
    const ended = open.pop() as Open
    if (ended.tag !== tag || open.length === 0) throw new SyntaxError("The text has a tag that closes nothing.")
    addChild(open.at(-1) as Open, ended)
    return
  }
  const attributes: XmlTree = {}
  for (const [, key, double, single] of rest.matchAll(/([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
    attributes[`$${key}`] = decode(double ?? single ?? "")
  }
  const element = { tag, attributes, children: {}, text: "" }
  if (empty) addChild(open.at(-1) as Open, element)
  else open.push(element)
}

function addChild(parent: Open, { tag, attributes, children, text }: Open): void {
  const inner = text.trim()
  const isLeaf = Object.keys(children).length === 0
  const isPlain = isLeaf && Object.keys(attributes).length === 0
  const value = isPlain ? inner : { ...attributes, ...children, ...(inner === "" ? {} : { "#text": inner }) }
  const local = tag.slice(tag.indexOf(":") + 1)
  if (!Object.hasOwn(parent.children, local)) {
    Object.defineProperty(parent.children, local, { value, writable: true, enumerable: true, configurable: true })
    return
  }
  const before = parent.children[local]
  parent.children[local] = Array.isArray(before) ? [...before, value] : [before, value]
}

function decode(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w+);/gi, (whole, code: string) => {
    if (!code.startsWith("#")) return entities[code] ?? whole
    const point = code[1]?.toLowerCase() === "x" ? Number.parseInt(code.slice(2), 16) : Number(code.slice(1))
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole
  })
}
