export const helperNames = [
  "base64",
  "sha256Hex",
  "sha256Base64",
  "hmacSha1Hex",
  "ed25519Sign",
  "fingerprint",
  "awsSigV4",
] as const
export type HelperName = (typeof helperNames)[number]

/** A parsed template. `raw` is the source of a placeholder: what remains when it cannot be resolved. */
export type TemplateNode =
  | { kind: "text"; text: string }
  | { kind: "name"; name: string; raw: string }
  | { kind: "call"; helper: HelperName; body: TemplateNode[]; raw: string }

type Frame = {
  helper: HelperName | undefined
  start: number
  opener: string
  nodes: TemplateNode[]
}

const callOpener = new RegExp(`\\$\\{(${helperNames.join("|")})\\(`, "y")
const nameExpression = /\$\{([^${}]+)\}/y
/** Deeper nesting than any provider needs; keeps the recursion of the renderer bounded. */
const depthLimit = 16

/**
 * Parses a template in one pass. `${name}` is a name, `${helper(…)}` a call whose body is a template again and ends at
 * its own `)}`. Whatever is not well formed stays as text; nothing is an error.
 */
export function parseTemplate(template: string): readonly TemplateNode[] {
  const known = parsed.get(template)
  if (known) return known
  const nodes = parse(template)
  if (parsed.size >= mostParsed) parsed.clear()
  if (template.length <= longestParsed) parsed.set(template, nodes)
  return nodes
}

/** The catalogue has a few hundred different templates, which every request renders again. */
const parsed = new Map<string, readonly TemplateNode[]>()
const mostParsed = 2_000
const longestParsed = 1_000

function parse(template: string): TemplateNode[] {
  const frames: Frame[] = [{ helper: undefined, start: 0, opener: "", nodes: [] }]
  let at = 0
  while (at < template.length) {
    const frame = frames.at(-1) as Frame
    const next = nextMark(template, at)
    appendText(frame.nodes, template.slice(at, next))
    at = next
    if (at === template.length) break
    at = readMark(template, at, frames)
  }
  while (frames.length > 1) unwindFrame(frames)
  return (frames[0] as Frame).nodes
}

function nextMark(template: string, from: number): number {
  for (let at = from; at < template.length; at++) {
    const char = template[at]
    if ((char === "$" && template[at + 1] === "{") || (char === ")" && template[at + 1] === "}")) return at
  }
  return template.length
}

function readMark(template: string, at: number, frames: Frame[]): number {
  const frame = frames.at(-1) as Frame
  if (template[at] === ")") {
    if (frame.helper === undefined) {
      appendText(frame.nodes, ")}")
      return at + 2
    }
    frames.pop()
    const raw = template.slice(frame.start, at + 2)
    ;(frames.at(-1) as Frame).nodes.push({
      kind: "call",
      helper: frame.helper,
      body: frame.nodes,
      raw,
    })
    return at + 2
  }
  callOpener.lastIndex = at
  const call = callOpener.exec(template)
  if (call && frames.length <= depthLimit) {
    frames.push({
      helper: call[1] as HelperName,
      start: at,
      opener: call[0],
      nodes: [],
    })
    return at + call[0].length
  }
  nameExpression.lastIndex = at
  const name = nameExpression.exec(template)
  if (!name) {
    appendText(frame.nodes, "${")
    return at + 2
  }
  frame.nodes.push({
    kind: "name",
    name: (name[1] as string).trim(),
    raw: name[0],
  })
  return at + name[0].length
}

/** A call that was never closed is text, but what stands inside it still counts. */
function unwindFrame(frames: Frame[]): void {
  const open = frames.pop() as Frame
  const { nodes } = frames.at(-1) as Frame
  appendText(nodes, open.opener)
  for (const node of open.nodes) {
    if (node.kind === "text") appendText(nodes, node.text)
    else nodes.push(node)
  }
}

function appendText(nodes: TemplateNode[], text: string): void {
  if (text === "") return
  const last = nodes.at(-1)
  if (last?.kind === "text") last.text += text
  else nodes.push({ kind: "text", text })
}

/**
 * Splits where the separator stands in literal text, never inside a placeholder or a value.
 * With `outsideParens`, separators between `(` and `)` do not count.
 */
export function splitNodes(nodes: readonly TemplateNode[], separator: string, outsideParens = false): TemplateNode[][] {
  if (!nodes.some((node) => node.kind === "text" && node.text.includes(separator))) return [[...nodes]]
  const parts: TemplateNode[][] = [[]]
  let depth = 0
  for (const node of nodes) {
    if (node.kind !== "text") {
      ;(parts.at(-1) as TemplateNode[]).push(node)
      continue
    }
    let from = 0
    for (let at = 0; at < node.text.length; at++) {
      const char = node.text[at]
      if (outsideParens && char === "(") depth++
      if (outsideParens && char === ")") depth = Math.max(0, depth - 1)
      if (depth > 0 || !node.text.startsWith(separator, at)) continue
      appendText(parts.at(-1) as TemplateNode[], node.text.slice(from, at))
      parts.push([])
      at += separator.length - 1
      from = at + 1
    }
    appendText(parts.at(-1) as TemplateNode[], node.text.slice(from))
  }
  return parts
}

/** Splits at the last separator in literal text; undefined when there is none. */
export function splitLast(
  nodes: readonly TemplateNode[],
  separator: string,
): [TemplateNode[], TemplateNode[]] | undefined {
  const parts = splitNodes(nodes, separator)
  const last = parts.pop() as TemplateNode[]
  if (parts.length === 0) return undefined
  const before: TemplateNode[] = []
  for (const [index, part] of parts.entries()) {
    if (index > 0) appendText(before, separator)
    for (const node of part) {
      if (node.kind === "text") appendText(before, node.text)
      else before.push(node)
    }
  }
  return [before, last]
}

/** Removes white space of the template (not of values) at both ends. */
export function trimNodes(nodes: readonly TemplateNode[]): TemplateNode[] {
  const trimmed = [...nodes]
  const first = trimmed[0]
  if (first?.kind === "text") trimmed[0] = { kind: "text", text: first.text.trimStart() }
  const last = trimmed.at(-1)
  if (last?.kind === "text") trimmed[trimmed.length - 1] = { kind: "text", text: last.text.trimEnd() }
  return trimmed
}

/** The template text that the nodes came from. */
export const sourceOf = (nodes: readonly TemplateNode[]): string =>
  nodes.map((node) => (node.kind === "text" ? node.text : node.raw)).join("")
