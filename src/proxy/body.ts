import type { MultipartPart, ProxyBody, RequestBody } from "./model.ts"

/** Methods that may carry a body; others drop what the caller gave. */
const bodyMethods = new Set(["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "REPORT"])
export const formType = "application/x-www-form-urlencoded"

export type BodyInput = {
  method: string
  body: ProxyBody
  /** What the caller asked for. */
  contentType?: string
  /** The provider's resolved `proxy.body`; wins over members of the same name. */
  merge?: Record<string, unknown>
  boundary: string
}

export type BodyResult = { body: RequestBody; contentType?: string }

/** Whether a request of this method sends its body. */
export function carriesBody(method: string): boolean {
  return bodyMethods.has(method)
}

/** Whether the body can be sent again, as a retry does. */
export function isReplayable(body: ProxyBody): boolean {
  return body.kind !== "stream"
}

/**
 * The bytes to send and their content type. Text, bytes and streams are left alone; objects, forms and multipart take
 * the provider's members in, and an absent body becomes them. Without a type, POST, PUT and PATCH send text and
 * bytes of a function as a form, as axios does.
 */
export function buildBody(input: BodyInput): BodyResult {
  const { method, body, contentType } = input
  if (!carriesBody(method)) return { body: null, contentType }
  switch (body.kind) {
    case "none":
      return buildFromNothing(input)
    case "json":
      return buildJson(input, body.text)
    case "form":
      return buildForm(input, body.entries)
    case "multipart":
      return buildMultipart(input, body.parts)
    case "text":
      return {
        body: quoteForJson(body.text, contentType),
        contentType: contentType ?? rawType(method),
      }
    case "bytes":
      return { body: body.bytes, contentType: contentType ?? (body.asIs ? undefined : rawType(method)) }
    default:
      return { body: body.stream, contentType }
  }
}

/** Pairs of a form in bracket notation: `a[b]=1`, `list[]=x`, `list[0][id]=1`; null is empty. */
export function flattenForm(value: Record<string, unknown>): [string, string][] {
  return Object.entries(value).flatMap(([key, child]) => flattenMember(key, child))
}

function buildFromNothing({ merge, contentType }: BodyInput): BodyResult {
  if (!merge || Object.keys(merge).length === 0) return { body: null, contentType }
  return {
    body: JSON.stringify(merge),
    contentType: contentType ?? "application/json",
  }
}

function buildJson(input: BodyInput, text: string): BodyResult {
  const { merge, contentType } = input
  const type = mediaType(contentType)
  const asForm = type === formType
  const asMultipart = type === "multipart/form-data" && !contentType?.includes(";")
  if (!merge && !asForm && !asMultipart) return { body: text, contentType: contentType ?? "application/json" }
  const value = parseObject(text)
  if (value === undefined) return { body: text, contentType: contentType ?? "application/json" }
  if (asForm) return buildForm(input, flattenForm(value))
  if (asMultipart) {
    return buildMultipart(
      input,
      flattenForm(value).map(([name, member]) => ({ name, value: member })),
    )
  }
  return {
    body: JSON.stringify({ ...value, ...merge }),
    contentType: contentType ?? "application/json",
  }
}

function buildForm({ merge, contentType }: BodyInput, entries: readonly [string, string][]): BodyResult {
  const form = new URLSearchParams([...entries])
  for (const [name, value] of flattenForm(merge ?? {})) form.set(name, value)
  return { body: form.toString(), contentType: contentType ?? formType }
}

function buildMultipart(input: BodyInput, parts: readonly MultipartPart[]): BodyResult {
  const merged = flattenForm(input.merge ?? {}).map(([name, value]) => ({
    name,
    value,
  }))
  const replaced = new Set(merged.map((part) => part.name))
  const all: MultipartPart[] = [...parts.filter((part) => !replaced.has(part.name)), ...merged]
  const given = /;\s*boundary="?([A-Za-z0-9'()+_,./:=?-]{1,70})"?\s*$/i.exec(input.contentType ?? "")?.[1]
  const boundary = given ?? `sluice-${input.boundary.replace(/[^A-Za-z0-9-]/g, "")}`
  const chunks = all.flatMap((part) => [Buffer.from(partHead(part, boundary)), partContent(part), Buffer.from("\r\n")])
  return {
    body: new Uint8Array(Buffer.concat([...chunks, Buffer.from(`--${boundary}--\r\n`)])),
    contentType: given === undefined ? `multipart/form-data; boundary=${boundary}` : input.contentType,
  }
}

function partHead(part: MultipartPart, boundary: string): string {
  const lines = [`--${boundary}`]
  if ("value" in part) {
    lines.push(`Content-Disposition: form-data; name="${quotePart(part.name)}"`)
  } else {
    const file = part.filename === undefined ? "" : `; filename="${quotePart(part.filename)}"`
    lines.push(`Content-Disposition: form-data; name="${quotePart(part.name)}"${file}`)
    lines.push(`Content-Type: ${(part.contentType ?? "application/octet-stream").replace(/[\r\n]/g, "")}`)
  }
  return `${lines.join("\r\n")}\r\n\r\n`
}

function partContent(part: MultipartPart): Uint8Array {
  return "value" in part ? Buffer.from(part.value) : part.bytes
}

/** Names and file names as the HTML standard escapes them, so that they cannot end their header line. */
function quotePart(text: string): string {
  return text.replace(/\r/g, "%0D").replace(/\n/g, "%0A").replace(/"/g, "%22")
}

function flattenMember(key: string, value: unknown): [string, string][] {
  if (value === undefined) return []
  if (value === null) return [[key, ""]]
  if (value instanceof Date) return [[key, value.toISOString()]]
  if (Array.isArray(value)) {
    const flat = value.every((item) => item === null || typeof item !== "object")
    return value.flatMap((item, index) => flattenMember(flat ? `${key}[]` : `${key}[${index}]`, item))
  }
  if (typeof value === "object") {
    return Object.entries(value).flatMap(([name, child]) => flattenMember(`${key}[${name}]`, child))
  }
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? [[key, String(value)]]
    : []
}

/** The type without its parameters, in lower case; `""` when there is none. */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? "").split(";")[0]!.trim().toLowerCase()
}

function rawType(method: string): string | undefined {
  return method === "POST" || method === "PUT" || method === "PATCH" ? formType : undefined
}

/** Text under a JSON type goes out as it is when it is JSON, else as a JSON string. */
function quoteForJson(text: string, contentType: string | undefined): string {
  if (mediaType(contentType) !== "application/json") return text
  try {
    JSON.parse(text)
    return text
  } catch {
    // Not JSON: the caller meant the text itself.
    return JSON.stringify(text)
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The provider judges malformed JSON, as it would without members to merge.
    return undefined
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) return undefined
  return value as Record<string, unknown>
}
