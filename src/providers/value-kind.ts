import { createHash } from "node:crypto"
import { z } from "zod"

/** What a value is turned into before it is kept or compared. */
export const ValueKind = z.enum([
  /** Of a URL. */
  "origin",
  /** Of a host name or a URL. */
  "first-label",
  /** As the reference stores mail addresses, so that connections moved from it are found. */
  "email-hash",
])
export type ValueKind = z.infer<typeof ValueKind>

/** Undefined when the text is not of the kind that it must be. */
export function convertValue(text: string, as: ValueKind | undefined): string | undefined {
  if (as === "origin") return URL.canParse(text) ? new URL(text).origin : undefined
  if (as === "first-label") return (/^https?:/.test(text) ? URL.parse(text)?.hostname : text)?.split(".")[0]
  if (as === undefined) return text
  return createHash("sha256").update(`nango.emailAddressHash.v1:${text.toLowerCase()}`).digest("hex")
}
