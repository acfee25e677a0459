import { readXml, type XmlTree } from "../kit/xml.ts"

/** What a provider answered, as data; a bare text is one too. */
export type AnswerBody = Record<string, unknown> | string | unknown[]

/**
 * Reads a token answer by what it is, not by what its content type says: JSON, a form (RFC 6749 allows it no more, and
 * providers still send it), XML, or a short bare text. Undefined for everything else, such as a web page.
 */
export function readAnswer(text: string, contentType: string): AnswerBody | undefined {
  const trimmed = text.trim()
  if (trimmed === "") return undefined
  if (trimmed.startsWith("<"))
    return /html/i.test(contentType) || /^<!doctype html|^<html/i.test(trimmed) ? undefined : readTree(trimmed)
  const json = readJson(trimmed)
  if (typeof json === "object" && json !== null) return json as Record<string, unknown>
  if (typeof json === "string") return json
  if (/json/i.test(contentType) && json === undefined) return undefined
  if (/^[\w.%+~-]+=/.test(trimmed) && !/[\s{}<>]/.test(trimmed)) return Object.fromEntries(new URLSearchParams(trimmed))
  return /\s/.test(trimmed) ? undefined : trimmed
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Other forms are tried next.
    return undefined
  }
}

function readTree(text: string): XmlTree | undefined {
  try {
    return readXml(text)
  } catch {
    // Not XML either: the caller says that the answer cannot be read.
    return undefined
  }
}

/**
 * The member at a dotted path. The rest of the path may at each step also be one key with dots in it; an empty path is the
 * whole body; elements of lists are named by number.
 */
export function memberAt(value: unknown, path: string): unknown {
  if (path === "") return value
  if (typeof value !== "object" || value === null) return undefined
  if (Object.hasOwn(value, path)) return (value as Record<string, unknown>)[path]
  for (let dot = path.indexOf("."); dot >= 0; dot = path.indexOf(".", dot + 1)) {
    const head = path.slice(0, dot)
    if (!Object.hasOwn(value, head)) continue
    const found = memberAt((value as Record<string, unknown>)[head], path.slice(dot + 1))
    if (found !== undefined) return found
  }
  return undefined
}

/** The text at a path; a number counts, an empty text does not. */
export function textAt(value: unknown, path: string): string | undefined {
  const found = memberAt(value, path)
  if (typeof found === "number" && Number.isFinite(found)) return String(found)
  return typeof found === "string" && found !== "" ? found : undefined
}

/** Members of a token answer that the provider's entry wants in the connection's configuration; texts and booleans only. */
export function metadataOf(body: unknown, paths: readonly string[] = []): Record<string, unknown> {
  const found = paths.map((path) => [path, memberAt(body, path)] as const)
  return Object.fromEntries(
    found.filter(([, value]) => typeof value === "boolean" || (typeof value === "string" && value !== "")),
  )
}
