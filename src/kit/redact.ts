import { remember } from "./remember.ts"
import { formsOf, type SecretForm } from "./secret-forms.ts"

const secretName =
  /^(authorization|proxy-authorization|cookie|set-cookie|x-api-key|api[-_]?key|access[-_]?token|refresh[-_]?token|id[-_]?token|token|client[-_]?secret|secret|password|passwd|private[-_]?key|session[-_]?id|assertion|signature|code[-_]?verifier|dev[-_]?key|secret[-_]?access[-_]?key|session[-_]?token)$/i

export const mask = "[redacted]"

/** Whether a member, header or query parameter of this name holds a secret. */
export const isSecretName = remember(
  1_000,
  (name: string): boolean => secretName.test(name) || /(secret|password|token|api-?key)$/i.test(name),
)

type How = { names: boolean; deepest: number }
const byName: How = { names: true, deepest: 20 }
/** What is given on to somebody is JSON that was made or parsed here, which is never deeper. */
const byText: How = { names: false, deepest: 10_000 }

/**
 * Masks every member with a secret's name, at any depth, and every occurrence of the given secret texts in any of the
 * forms in which they travel, also in names. What lies too deep to be looked through is masked as a whole. The copy can always be written as JSON.
 */
export function redact(value: unknown, secrets: readonly string[] = []): unknown {
  return redactValue(value, formsOfAll(secrets), byName, 0)
}

/** Masks the given secret texts alone, and leaves everything else as it is, whatever its name. */
export function hideSecrets<T>(value: T, secrets: readonly string[]): T {
  return redactValue(value, formsOfAll(secrets), byText, 0) as T
}

function redactValue(value: unknown, forms: readonly SecretForm[], how: How, depth: number): unknown {
  if (typeof value === "string") return replaceAll(value, forms)
  if (typeof value === "bigint") return String(value)
  if (value === null || typeof value !== "object" || value instanceof Date) return value
  if (depth > how.deepest) return mask
  if (Array.isArray(value)) return value.map((item) => redactValue(item, forms, how, depth + 1))
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key]
    const hidden = how.names && member !== null && member !== undefined && member !== "" && isSecretName(key)
    const shown = hidden ? mask : redactValue(member, forms, how, depth + 1)
    const name = replaceAll(key, forms)
    // Not assignment: a key named __proto__ must stay data.
    if (name === "__proto__") Object.defineProperty(copy, name, { value: shown, enumerable: true })
    else copy[name] = shown
  }
  return copy
}

/** Masks secret texts inside a text. Texts shorter than four characters are no secrets worth the false alarms. */
export const redactText = (text: string, secrets: readonly string[]): string => replaceAll(text, formsOfAll(secrets))

/** `redactText` for many texts of one piece of work: what is looked for is made ready once. */
export function redactorOf(secrets: readonly string[]): (text: string) => string {
  const forms = formsOfAll(secrets)
  return (text) => replaceAll(text, forms)
}

/** One secret may be the beginning of another: replacing the shorter first would leave the rest of the longer. */
const formsOfAll = (secrets: readonly string[]): readonly SecretForm[] =>
  secrets.length === 0
    ? []
    : secrets
        .filter((secret) => secret.length >= 4)
        .toSorted((a, b) => b.length - a.length)
        .flatMap(formsOf)

function replaceAll(text: string, forms: readonly SecretForm[]): string {
  let result = text
  for (const { core, pattern } of forms) if (result.includes(core)) result = result.replace(pattern, mask)
  return result
}

/** Masks the values of secret parameters in the query and fragment of a URL, and its user info. */
export const redactUrl = (url: string, secrets: readonly string[] = []): string => hideInUrl(url, redactorOf(secrets))

/** The same with a redactor that is there already. */
export function hideInUrl(url: string, hide: (text: string) => string): string {
  const plain = hide(url).replace(/^(\w+:\/\/)[^/?#]*@/, `$1${mask}@`)
  const at = plain.search(/[?#]/)
  if (at < 0) return plain
  const parameters = plain
    .slice(at)
    .replace(/([^?&=#]+)=([^&#]*)/g, (pair, name: string) =>
      isSecretName(decodeName(name)) ? `${name}=${mask}` : pair,
    )
  return plain.slice(0, at) + parameters
}

const decodeName = (name: string): string => new URLSearchParams(`${name}=`).keys().next().value ?? name
