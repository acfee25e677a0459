import type { Payload } from "../protocol.ts"
import type { Send } from "./request.ts"
import { BodyStream } from "./stream.ts"

/**
 * axios semantics: whatever parses as JSON is parsed, whatever its content type; otherwise text. `arraybuffer` gives a
 * Buffer; `blob` and `document` give text, as they do outside of browsers.
 */
export function decode(
  body: Payload | undefined,
  type: Send["responseType"],
  parse: (text: string) => unknown,
): unknown {
  const raw = body ?? ""
  if (type === "arraybuffer" || type === "stream") {
    const buffer = typeof raw === "string" ? Buffer.from(raw) : Buffer.from(raw)
    return type === "stream" ? new BodyStream(buffer) : buffer
  }
  const text = typeof raw === "string" ? raw : new TextDecoder().decode(raw)
  if (type === "text" || type === "blob" || type === "document" || text === "") return text
  // Not JSON is a normal answer, not a failure.
  try {
    return parse(text)
  } catch {
    return text
  }
}

const binaryTypes = new Set<Send["responseType"]>(["arraybuffer", "stream"])

/** The data of a fixture stands there as JSON, also when it is a text; bytes are a Buffer's JSON form. */
export function recorded(
  body: Payload | undefined,
  type: Send["responseType"],
  parse: (text: string) => unknown,
): unknown {
  if (typeof body !== "string" || body === "") return undefined
  const data = parse(body)
  const bytes = data as { type?: unknown; data?: unknown } | null
  if (bytes?.type !== "Buffer" || !Array.isArray(bytes.data) || !binaryTypes.has(type)) return data
  return decode(Uint8Array.from(bytes.data as number[]), type, parse)
}

/** Plain indexing by lower-case name is what functions do; `get` and `has` are there as in axios, out of sight. */
export function lowerCased(headers: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(headers)) result[name.toLowerCase()] = value
  const hidden = (value: unknown) => ({ value, enumerable: false, configurable: true, writable: true })
  if (!("get" in result)) {
    Object.defineProperty(
      result,
      "get",
      hidden((name: unknown) => result[String(name).toLowerCase()] ?? null),
    )
  }
  if (!("has" in result)) {
    Object.defineProperty(
      result,
      "has",
      hidden((name: unknown) => String(name).toLowerCase() in result),
    )
  }
  return result
}
