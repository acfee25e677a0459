import { helpers } from "./template-helpers.ts"
import { parseTemplate, sourceOf, splitLast, splitNodes, trimNodes, type TemplateNode } from "./template-parser.ts"
import { configPrefix, lookUp, type TemplateEngine, type TemplateScope } from "./template-scope.ts"

export { connectionScope, requestScope } from "./template-scope.ts"
export type { TemplateEngine, TemplateScope } from "./template-scope.ts"

export type RenderOptions = {
  /** Default `object`. */
  engine?: TemplateEngine
  /** Applied to what replaces an outermost placeholder, for instance `encodeURIComponent`. */
  encode?: (value: string) => string
}
/** `complete` is false when a placeholder could not be resolved and stands in the text as it was written. */
export type Rendered = { text: string; complete: boolean }

type Pass = { scope: TemplateScope; engine: TemplateEngine }
type Evaluated = Rendered & { changed: boolean }

/**
 * Fills in the `${…}` placeholders of a template. Only texts and numbers are filled in, only own members are read, and
 * a value is never read as a template again. In the `object` engine `A || B` is A when anything in A could be filled
 * in, else B.
 */
export function renderTemplate(template: string, scope: TemplateScope, options: RenderOptions = {}): Rendered {
  if (!template.includes("${") && !template.includes("||")) return { text: template, complete: true }
  const pass: Pass = { scope, engine: options.engine ?? "object" }
  const nodes = parseTemplate(template)
  const [left, right] = pass.engine === "object" ? splitNodes(nodes, "||") : []
  if (!left || !right) return withoutChange(evaluate(nodes, pass, options.encode))
  const first = evaluate(trimNodes(left), pass, options.encode)
  return withoutChange(first.changed ? first : evaluate(trimNodes(right), pass, options.encode))
}

const withoutChange = ({ text, complete }: Evaluated): Rendered => ({
  text,
  complete,
})

function evaluate(nodes: readonly TemplateNode[], pass: Pass, encode?: (value: string) => string): Evaluated {
  let text = ""
  let complete = true
  let changed = false
  for (const node of nodes) {
    const value = node.kind === "text" ? undefined : resolveNode(node, pass)
    if (node.kind === "text") {
      text += node.text
      complete &&= !node.text.includes("${")
    } else if (value === undefined) {
      text += node.raw
      complete = false
    } else {
      text += encode ? encode(value) : value
      changed = true
    }
  }
  return { text, complete, changed }
}

function resolveNode(node: Exclude<TemplateNode, { kind: "text" }>, pass: Pass): string | undefined {
  if (node.kind === "name") return lookUp(node.name, pass.scope, pass.engine)
  const helper = helpers[node.helper]
  const parts = argumentsOf(node.body, helper.takes)
  const args = parts?.map((part) => evaluate(part, pass))
  if (!args || args.some((arg) => !arg.complete)) return undefined
  return helper.run(
    args.map((arg) => arg.text),
    pass.scope,
  )
}

function argumentsOf(body: TemplateNode[], takes: (typeof helpers)["base64"]["takes"]): TemplateNode[][] | undefined {
  if (takes === "whole") return [body]
  if (takes === "last comma") return splitLast(body, ",")
  return splitNodes(body, ",", true).map(trimNodes)
}

/**
 * Renders every text inside a value. A member or element whose text cannot be completed is left out; numbers, booleans
 * and null are kept. The result is undefined when the value itself is such a text.
 */
export function renderTree(value: unknown, scope: TemplateScope, options: RenderOptions = {}): unknown {
  if (typeof value === "string") {
    const { text, complete } = renderTemplate(value, scope, options)
    return complete ? text : undefined
  }
  if (Array.isArray(value)) {
    return value.map((item) => renderTree(item, scope, options)).filter((item) => item !== undefined)
  }
  if (typeof value !== "object" || value === null) return value
  const members = Object.entries(value).map(([key, member]) => [key, renderTree(member, scope, options)] as const)
  return Object.fromEntries(members.filter(([, member]) => member !== undefined))
}

const isComputed = (name: string) => name === "random" || /^now(?:$|[:+-])/.test(name)

function namesIn(nodes: readonly TemplateNode[]): string[] {
  return nodes.flatMap((node) => {
    if (node.kind === "text") return []
    if (node.kind === "call") return namesIn(node.body)
    return isComputed(node.name) ? [] : [node.name]
  })
}

/** The names that a template asks for, once each, in order; `now` and `random` are not asked for. */
export function placeholdersIn(template: string): string[] {
  return [...new Set(namesIn(parseTemplate(template)))]
}

/** The names that cannot be resolved. For `A || B` one side that resolves is enough; else the names of A count. */
export function missingPlaceholders(template: string, scope: TemplateScope): string[] {
  const sides = splitNodes(parseTemplate(template), "||")
    .slice(0, 2)
    .map((side) => [...new Set(namesIn(side))].filter((name) => lookUp(name, scope, "object") === undefined))
  return sides.some((missing) => missing.length === 0) ? [] : (sides[0] ?? [])
}

/**
 * Picks the side of a base URL `A || B`: A when the connection has a value for the first `connectionConfig.KEY` that
 * the text names, else B. The result is still a template.
 */
export function chooseBaseUrl(template: string, connectionConfig: Record<string, unknown>): string {
  const [left, right] = splitNodes(parseTemplate(template), "||")
  if (!left || !right) return template
  const name = placeholdersIn(template).find((placeholder) => placeholder.startsWith(configPrefix))
  const value = name && lookUp(name, { connectionConfig }, "object")
  return sourceOf(trimNodes(value ? left : right))
}

/**
 * The first name whose value would break out of the host of a URL template (`https://${connectionConfig.subdomain}.x`
 * with `evil.example/#`), undefined when there is none. A placeholder that is the whole beginning of the URL may hold
 * anything: there the connection chooses the host. For `A || B` both sides are looked at.
 */
export function unsafeHostValue(template: string, scope: TemplateScope): string | undefined {
  const sides = splitNodes(parseTemplate(template), "||").map(trimNodes)
  return sides.map((side) => unsafeHostNode(side, scope)).find((name) => name !== undefined)
}

/** The host in each side of a URL template `A || B`: the names in it, and the text after the last of them. */
export function hostsIn(template: string): { names: string[]; tail: string }[] {
  const sides = splitNodes(parseTemplate(template), "||").map(trimNodes)
  return sides.map((nodes) => {
    const text = nodes.map((node) => (node.kind === "text" ? node.text : "\0")).join("")
    const host = /^(?:[a-z]+:\/\/)?([^/?#]*)/i.exec(text)?.[1] ?? ""
    const filled = nodes.filter((node) => node.kind !== "text").slice(0, host.split("\0").length - 1)
    return { names: namesIn(filled), tail: host.slice(host.lastIndexOf("\0") + 1) }
  })
}

/** Whether a URL template is nothing but a placeholder after the scheme, so that its value may hold a path as well. */
export const isWholeUrl = (template: string): boolean => /^(?:https?:\/\/)?\$\{[^${}]+\}$/.test(template.trim())

function unsafeHostNode(nodes: readonly TemplateNode[], scope: TemplateScope): string | undefined {
  let before = ""
  for (const node of nodes) {
    const value = node.kind === "text" ? node.text : (resolveNode(node, { scope, engine: "object" }) ?? "")
    const inHost = /^[a-z]+:\/\/[^/?#]*$/i.test(before)
    if (node.kind !== "text" && inHost && /[/\\@#?\s]/.test(value)) return placeholdersIn(node.raw)[0] ?? node.raw
    before += value
  }
  return undefined
}
