import { defineFaults, type AppError } from "../kit/errors.ts"
import { nestsDeeperThan } from "../kit/json.ts"
import type { WebhookRecipe } from "../providers/webhook-recipe.ts"

/** A webhook of a provider as it came: names of headers in small letters, the body as bytes, because signatures are over them. */
export type Incoming = {
  headers: Record<string, string>
  query: Record<string, string>
  bytes: Uint8Array
  receivedAt: Date
}

/** The same with its body understood. `item` is one event of several. */
export type Parsed = Incoming & { body: unknown; decoded: unknown; item?: unknown }

/** What the sender is told; the words are for whoever reads the provider's delivery log. */
export const incomingFaults = defineFaults({
  webhook_missing_signature: [401, "The webhook has no signature."],
  webhook_invalid_signature: [401, "The signature of the webhook is not valid."],
  webhook_invalid_payload: [400, "The body of the webhook is not what this provider sends."],
})
export type IncomingFault = AppError

const deepest = 500

/** Understands the body: JSON, or a form. Throws `webhook_invalid_payload`. */
export function parseIncoming(incoming: Incoming, recipe: WebhookRecipe): Parsed {
  const body = readBody(incoming, recipe.form_field)
  if (nestsDeeperThan(body, deepest)) throw incomingFaults.webhook_invalid_payload()
  const parsed: Parsed = { ...incoming, body, decoded: undefined }
  if (recipe.decode === undefined) return parsed
  const text = textOf(valueAt(parsed, recipe.decode))
  return { ...parsed, decoded: text === undefined ? undefined : parseJson(Buffer.from(text, "base64").toString()) }
}

function readBody({ headers, bytes }: Incoming, formField: string | undefined): unknown {
  const text = new TextDecoder().decode(bytes)
  if (text.trim() === "") return {}
  if (!headers["content-type"]?.toLowerCase().startsWith("application/x-www-form-urlencoded")) return parseJson(text)
  const form = Object.fromEntries(new URLSearchParams(text))
  const inner = formField === undefined ? undefined : form[formField]
  return inner === undefined ? form : parseJson(inner)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw incomingFaults.webhook_invalid_payload({ cause })
  }
}

/** The value at a source (`body.team.id`, `header.x-event`); of one with `*` a list. */
export function valueAt(parsed: Parsed, source: string): unknown {
  const dot = source.indexOf(".")
  const place = dot < 0 ? source : source.slice(0, dot)
  const path = dot < 0 ? "" : source.slice(dot + 1)
  if (place === "header") return own(parsed.headers, path.toLowerCase())
  if (place === "query") return own(parsed.query, path)
  const root = place === "item" ? parsed.item : place === "decoded" ? parsed.decoded : parsed.body
  return path === "" ? root : walk(root, path.split("."))
}

function walk(value: unknown, [head, ...rest]: string[]): unknown {
  if (head === undefined) return value
  if (head === "*") return Array.isArray(value) ? value.map((one) => walk(one, rest)) : []
  return walk(own(value, head), rest)
}

const own = (value: unknown, name: string): unknown =>
  value !== null && typeof value === "object" && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined

/** A scalar as text. Ids are numbers with some providers and text with others. */
export const textOf = (value: unknown): string | undefined => {
  if (typeof value === "string") return value === "" ? undefined : value
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined
}

/** The texts that templates give; one of which a source gives nothing is left out. */
export function fill(parsed: Parsed, templates: string | string[] | undefined): string[] {
  return [templates ?? []].flat().flatMap((template) => {
    let isWhole = true
    const text = template.replace(/\$\{([^}]+)\}/g, (_match, source: string) => {
      const found = textOf(valueAt(parsed, source))
      isWhole &&= found !== undefined
      return found ?? ""
    })
    return isWhole ? [text] : []
  })
}

/** Whether all conditions hold; `true` stands for any value. */
export const holds = (parsed: Parsed, conditions: Record<string, string | number | true>): boolean =>
  Object.entries(conditions).every(([source, wanted]) => {
    const found = textOf(valueAt(parsed, source))
    return wanted === true ? found !== undefined : found === String(wanted)
  })

/** The events that one webhook carries, each as what functions get and sources look at. */
export function eventsOf(parsed: Parsed, recipe: WebhookRecipe): Parsed[] {
  if (recipe.each === undefined) return [parsed]
  const found = valueAt(parsed, recipe.each)
  const items = Array.isArray(found) ? found : found === undefined || found === null ? [] : [found]
  const events = items.map((item): Parsed => ({ ...parsed, item }))
  return events.filter((event) => recipe.skip === undefined || !holds(event, recipe.skip))
}
