import type { Field } from "./fields.ts"
import type { TextKey } from "./texts.ts"

/**
 * What a person meant who pasted a whole address where a part of it is asked: blanks, the prefix, the suffix and what
 * follows it go. `https://acme.example.com/login` for the suffix `.example.com` is `acme`.
 */
export function tidy(field: Pick<Field, "prefix" | "suffix" | "format" | "isLong">, typed: string): string {
  const text = typed.trim()
  if (field.isLong) return text
  const { value, isCut } = cutSuffix(text, field.suffix)
  const rest = dropPrefix(value, field.prefix, isCut)
  if (field.format !== "hostname") return field.prefix || field.suffix ? rest.replace(/\/+$/, "") : rest
  return rest.replace(/^https?:\/\//i, "").replace(/[/?#].*$/, "")
}

function cutSuffix(text: string, suffix: string | undefined): { value: string; isCut: boolean } {
  if (!suffix) return { value: text, isCut: false }
  // An address of another page of the same host is as good as one that has the whole suffix.
  for (const part of new Set([suffix, suffix.replace(/[/?#].*$/, "")])) {
    const at = part === "" ? -1 : text.toLowerCase().indexOf(part.toLowerCase())
    if (at <= 0) continue
    const after = text.slice(at + part.length)
    if (after === "" || part.endsWith("/") || /^[/?#:]/.test(after)) return { value: text.slice(0, at), isCut: true }
  }
  return { value: text, isCut: false }
}

function dropPrefix(text: string, prefix: string | undefined, isWholeAddress: boolean): string {
  if (!prefix) return isWholeAddress ? text.replace(/^https?:\/\//i, "") : text
  if (startsWith(text, prefix)) return text.slice(prefix.length)
  if (!/^https?:\/\//i.test(prefix)) return text
  const bare = text.replace(/^https?:\/\//i, "")
  const host = prefix.replace(/^https?:\/\//i, "")
  const isAddress = isWholeAddress || bare !== text
  return isAddress && host !== "" && startsWith(bare, host) ? bare.slice(host.length) : bare
}

const startsWith = (text: string, start: string): boolean => text.toLowerCase().startsWith(start.toLowerCase())

function isAddress(value: string): boolean {
  try {
    return new URL(value).protocol !== "" && !/\s/.test(value)
  } catch {
    return false
  }
}

const label = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
const formats: Record<NonNullable<Field["format"]>, { test: (value: string) => boolean; key: TextKey }> = {
  hostname: {
    test: (value) => new RegExp(`^${label}(\\.${label})*(:\\d{1,5})?$`, "i").test(value),
    key: "badHostname",
  },
  uuid: { test: (value) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value), key: "badUuid" },
  uri: { test: (value) => isAddress(value), key: "badUri" },
  email: { test: (value) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value), key: "badEmail" },
}

/** What is wrong with a tidied value, as the key of a sentence; undefined when nothing is. */
export function problemOf(field: Field, value: string): TextKey | undefined {
  if (value === "") return field.optional || field.default_value === "" ? undefined : "required"
  if (field.enum && !field.enum.map(String).includes(value)) return "badChoice"
  const format = field.format ? formats[field.format] : undefined
  if (format && !format.test(value)) return format.key
  return matches(field.pattern, value) ? undefined : "badPattern"
}

/** A pattern of a catalogue that is no regular expression refuses nobody. */
function matches(pattern: string | undefined, value: string): boolean {
  if (!pattern) return true
  try {
    return new RegExp(pattern).test(value)
  } catch {
    return true
  }
}
