import type { Provider } from "./model.ts"
import { parseTemplate, sourceOf, splitNodes, trimNodes, type TemplateNode } from "./template-parser.ts"

/** A text of an entry that is rendered as a template, and where it stands. */
export type FoundTemplate = { path: string[]; template: string }

const sections = [
  "authorization_url",
  "token_url",
  "refresh_url",
  "request_url",
  "registration_url",
  "authorization_params",
  "token_params",
  "token_headers",
  "refresh_params",
  "refresh_token_params",
  "refresh_token_headers",
  "request_params",
  "registration_params",
  "token",
  "assertion",
  "additional_steps",
  "token_exchange",
  "refresh_exchange",
  "extra_token",
  "installation_proof",
  "revocation",
  "introspection_url",
] as const
/** Queries in the data of a look-up have braces of their own. */
const lookupParts = ["endpoint", "base_url_override", "headers", "query"] as const
const proxySections = ["base_url", "headers", "query", "body", "verification"] as const

/** Every template of an entry. */
export function collectTemplates(provider: Provider): FoundTemplate[] {
  const found: FoundTemplate[] = []
  for (const section of sections) collectTexts(provider[section], [section], found)
  for (const section of proxySections) collectTexts(provider.proxy?.[section], ["proxy", section], found)
  for (const [n, { request }] of (provider.post_connection ?? []).entries())
    for (const part of lookupParts)
      collectTexts(request?.[part], ["post_connection", String(n), "request", part], found)
  return found
}

function collectTexts(value: unknown, path: string[], found: FoundTemplate[]): void {
  if (typeof value === "string") found.push({ path, template: value })
  if (typeof value !== "object" || value === null) return
  for (const [key, member] of Object.entries(value)) collectTexts(member, [...path, key], found)
}

/** Whether the text at this place must make a URL. */
export const isUrlPath = (path: string[]): boolean =>
  /(?:^|\.)(?:authorization_url|token_url|refresh_url|request_url|registration_url|base_url|base_url_override|introspection_url|(?:token_exchange|refresh_exchange|extra_token)\.url)(?:\.[A-Z0-9_]+)?$/.test(
    path.join("."),
  )

/** The one or two sides of `A || B`, as templates. */
export const sidesOf = (template: string): string[] =>
  splitNodes(parseTemplate(template), "||").map((side) => sourceOf(trimNodes(side)))

/** Whether a `${` of the template begins no placeholder. */
export function isMalformed(template: string): boolean {
  const broken = (nodes: readonly TemplateNode[]): boolean =>
    nodes.some((node) => (node.kind === "text" ? node.text.includes("${") : node.kind === "call" && broken(node.body)))
  return broken(parseTemplate(template))
}
