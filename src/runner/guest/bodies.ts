import { refuse, writeJson } from "./arguments.ts"

/**
 * A request body as it travels to the daemon, and the content type when the caller named none: what the body implies,
 * or `fallback`, which goes with POST, PUT and PATCH only.
 */
export type EncodedBody = {
  kind: "none" | "json" | "text" | "form" | "multipart" | "bytes"
  body?: string | Uint8Array
  contentType?: string
  fallback?: string
  boundary?: string
}

const formType = "application/x-www-form-urlencoded"
const maxDepth = 64

/**
 * Encodes `data` as axios does: objects as JSON, or as a form or as multipart when the content type says so; strings
 * and bytes as they are. `contentType` is the caller's own.
 */
export async function encodeBody(data: unknown, contentType: string | undefined): Promise<EncodedBody> {
  if (data === undefined || data === null) return { kind: "none" }
  const type = contentType?.trim().toLowerCase() ?? ""
  if (typeof data === "string") return encodeText(data, type)
  if (data instanceof URLSearchParams) {
    return { kind: "form", body: data.toString(), contentType: `${formType};charset=utf-8` }
  }
  if (typeof data === "function" || typeof data === "symbol")
    throw refuse(`"data" cannot be sent: it is a ${typeof data}`)
  const bytes = asBytes(data) ?? (await collectBytes(data))
  if (bytes) return { kind: "bytes", body: bytes, fallback: formType }
  if (data instanceof FormData) return encodeMultipart(data)
  if (data instanceof Blob) {
    return { kind: "bytes", body: await data.bytes(), contentType: data.type || undefined, fallback: formType }
  }
  if (type.startsWith(formType) && typeof data === "object") {
    return { kind: "form", body: encodeForm(data), contentType: formType }
  }
  if (type === "multipart/form-data" && typeof data === "object") return encodeMultipart(toFormData(data))
  if (typeof data === "object" || isJsonType(type)) {
    return { kind: "json", body: writeJson(data, '"data"'), contentType: "application/json" }
  }
  return { kind: "text", body: String(data), fallback: formType }
}

function encodeText(data: string, type: string): EncodedBody {
  if (!isJsonType(type)) return { kind: "text", body: data, fallback: formType }
  // As text: what the caller wrote is not taken apart to add the provider's own members.
  return { kind: "text", body: isJson(data) ? data : JSON.stringify(data), contentType: "application/json" }
}

function isJsonType(type: string): boolean {
  return type.startsWith("application/json")
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Buffer, typed arrays, ArrayBuffer of any realm; also the JSON form of a Buffer is left to be plain data. */
function asBytes(data: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
  const tag = Object.prototype.toString.call(data)
  if (tag !== "[object ArrayBuffer]" && tag !== "[object SharedArrayBuffer]") return undefined
  return new Uint8Array(data as ArrayBuffer).slice()
}

/** What a stream gives, as far as it gives bytes or text: a response that was asked for as a stream, mostly. */
async function collectBytes(data: unknown): Promise<Uint8Array | undefined> {
  const steps = typeof data === "object" ? (data as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] : undefined
  if (typeof steps !== "function") return undefined
  const chunks: Uint8Array[] = []
  for await (const chunk of data as AsyncIterable<unknown>) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : asBytes(chunk)
    if (!bytes) throw refuse('"data" is a stream of something that is neither bytes nor text')
    chunks.push(bytes)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

/**
 * Bracket notation: `a[b]=1`, flat lists `a[]=1`, lists of objects and lists deeper down `a[0][b]=1`, `a[b][0]=1`; dates
 * in ISO, null empty. A name may end in `[]` by itself, and `{}` at its end asks for JSON.
 */
export function encodeForm(data: object): string {
  const form = new URLSearchParams()
  visit(data, "", 0, (name, value) => form.append(name, value))
  return form.toString()
}

function toFormData(data: object): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(data)) {
    if (value instanceof Blob) form.append(name, value)
    else if (asBytes(value)) form.append(name, new Blob([asBytes(value) as Uint8Array<ArrayBuffer>]))
    else visit({ [name]: value }, "", 0, (key, text) => form.append(key, text))
  }
  return form
}

function visit(value: unknown, name: string, depth: number, emit: (name: string, value: string) => void): void {
  if (value === undefined || typeof value === "function") return
  if (depth > maxDepth) throw refuse("Form data is nested too deeply, or refers to itself")
  if (value === null) return emit(name, "")
  if (value instanceof Date) return emit(name, value.toISOString())
  if (typeof value !== "object") return emit(name, String(value))
  const flat = depth === 1 && Array.isArray(value) && value.every((item) => typeof item !== "object" || item === null)
  if (depth === 1 && name.endsWith("{}")) return emit(name, writeJson(value, '"data"') ?? "")
  for (const [key, item] of Object.entries(value)) {
    const inner = flat ? "" : key.replace(/\[\]$/, "")
    visit(item, name === "" ? key : `${name.replace(/\[\]$/, "")}[${inner}]`, depth + 1, emit)
  }
}

async function encodeMultipart(form: FormData): Promise<EncodedBody> {
  const response = new Response(form)
  const contentType = response.headers.get("content-type") ?? "multipart/form-data"
  const boundary = /boundary="?([^";]+)/.exec(contentType)?.[1]
  return { kind: "multipart", body: new Uint8Array(await response.arrayBuffer()), contentType, boundary }
}
