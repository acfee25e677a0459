import { generateKeyPairSync } from "node:crypto"
import { client as certificate } from "../kit/certificates.ts"
import type { Provider, ProviderField } from "../../src/providers/model.ts"

type Values = Record<string, string>

export const rsaKey = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
}).privateKey

/**
 * What a person would type, and what a provider would tell of itself, where the entry's own examples do not say it: by
 * provider, by field. A value that decides a host must be one that the provider could have.
 */
const known: Record<string, Values> = {
  "zoho-books": { "accounts-server": "https://accounts.zoho.eu" },
  "zoho-crm": { "accounts-server": "https://accounts.zoho.eu" },
}

/** Candidates for fields without an example: the first that the field's pattern takes. */
const candidates = ["sample", "2026-01-01", "1234567890", "acct_1234567890123456", "SAMPLE", "sample.example.com"]

/** A plausible value of a field: its example, choice or default, else a made-up one that its own rules take. */
export function sampleOf(name: string, field: ProviderField): string {
  if (field.hidden && field.default_value !== undefined) return String(field.default_value)
  const given = field.example ?? field.enum?.[0] ?? (field.default_value === "" ? undefined : field.default_value)
  if (given !== undefined) return String(given)
  if (name === "client_certificate") return certificate.cert
  if (name === "client_private_key") return certificate.key
  if (/private.?key/i.test(name)) return rsaKey
  if (field.format === "hostname") return "host.example.com"
  if (field.format === "uuid") return "11111111-2222-4333-8444-555555555555"
  if (field.format === "uri") return "https://sample.example.com"
  if (field.format === "email") return "ada@example.com"
  if (field.pattern === undefined) return `fake-${name}`
  const pattern = RegExp(field.pattern)
  const found = candidates.find((candidate) => pattern.test(candidate))
  if (found === undefined) throw new Error(`${name} has a pattern and no example: ${field.pattern}`)
  return found
}

/** Values of a section's fields; `bare`: only of those that a person must fill in. */
export function valuesOf(
  provider: Provider,
  section: "credentials" | "connection_config" | "integration_config" | "assertion_option",
  bare: boolean,
): Values {
  const fields = Object.entries(provider[section] ?? {}).filter(
    ([, field]) => !field.automated && !(bare && (field.optional || field.hidden)),
  )
  return Object.fromEntries(fields.map(([name, field]) => [name, sampleOf(name, field)]))
}

/** What the server would find out by itself: from the token's answer, the callback or a look-up. */
export function toldOf(name: string, provider: Provider, key: string): string {
  const own = known[name]?.[key]
  if (own !== undefined) return own
  const field = provider.connection_config?.[key]
  const sample = field?.example ?? field?.enum?.[0]
  if (sample !== undefined) return String(sample)
  const text = JSON.stringify([provider.proxy?.base_url, provider.token_url, provider.refresh_url])
  // A template that begins with it wants a whole URL.
  const isUrl = text.includes(`"\${connectionConfig.${key}}`) || text.includes(`|| \${connectionConfig.${key}}`)
  return isUrl ? `https://told-${key.toLowerCase().replaceAll("_", "-")}.example.com` : `told-${key}`
}
