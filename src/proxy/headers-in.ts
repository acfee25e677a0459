import { z } from "zod"
import { ConnectionId, issuesOf, UniqueKey } from "../kit/shapes.ts"
import { faults } from "./model.ts"

const switchText = z.enum(["true", "false"]).transform((text) => text === "true")

/** An http(s) URL; the placeholders of a template may stand in it. An empty text counts as absent: clients always send it. */
const overrideText = z
  .string()
  .refine((text) => text === "" || /^https?:$/.test(URL.parse(text)?.protocol ?? ""), "Invalid URL")
  .transform((text) => text || undefined)

/** What the headers of a gateway request say about how it is passed on. */
export const ProxyHeaders = z.object({
  "provider-config-key": UniqueKey,
  "connection-id": ConnectionId,
  retries: z
    .string()
    .regex(/^\d{1,9}$/, "Not a whole number")
    .transform(Number)
    .default(0),
  "base-url-override": overrideText.optional(),
  decompress: switchText.default(false),
  "retry-on": z
    .string()
    .regex(/^\d+(,\d+)*$/)
    .transform((text) => text.split(",").map(Number))
    .default([]),
  "forward-headers-on-redirect": switchText.optional(),
  "nango-activity-log-id": z.string().max(255).optional(),
  "nango-is-sync": switchText.optional(),
  "nango-is-dry-run": switchText.optional(),
})
export type ProxyHeaders = z.output<typeof ProxyHeaders>

export type HeadersIn = {
  given: ProxyHeaders
  /** What goes to the provider, under lower-case names and without the prefix. */
  forwarded: Record<string, string>
}

const prefix = "nango-proxy-"

/** Splits the headers of a gateway request. Only what has the prefix is passed on. Throws `invalid_headers`. */
export function readProxyHeaders(headers: Headers): HeadersIn {
  const own: Record<string, string> = {}
  const forwarded: Record<string, string> = {}
  headers.forEach((value, name) => {
    if (!name.startsWith(prefix)) own[name] = value
    else if (name.length > prefix.length) forwarded[name.slice(prefix.length)] = value
  })
  const parsed = ProxyHeaders.safeParse(own)
  if (!parsed.success) throw faults.invalid_headers({ message: "", errors: issuesOf(parsed.error) })
  return { given: parsed.data, forwarded }
}
