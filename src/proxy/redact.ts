import type { Credentials } from "../auth/credentials.ts"
import { isSecretName, mask } from "../kit/redact.ts"
import type { ProxyIntegration } from "./model.ts"

const publicMembers = new Set(["type", "expires_at"])
const secretHint = /token|secret|passw|key|private|assertion|cookie|session|signature|jwt/i
const maxDepth = 5

/**
 * Every text that a log must not show: all string members of the credentials, the OAuth client, secret values of the
 * integration, and `more`.
 */
export function collectSecrets(
  credentials: Credentials,
  integration?: ProxyIntegration,
  more: readonly string[] = [],
): string[] {
  const found = new Set<string>(more)
  for (const [name, value] of Object.entries(credentials)) {
    if (publicMembers.has(name)) continue
    if (typeof value === "string") found.add(value)
    else collectNested(value, name === "config_override", found)
  }
  const { clientId, clientSecret, custom = {} } = integration ?? {}
  for (const value of [clientId, clientSecret]) if (value) found.add(value)
  for (const [name, value] of Object.entries(custom)) if (secretHint.test(name)) found.add(value)
  // Shorter texts would mask parts of everything and protect nothing.
  return [...found].filter((secret) => secret.length >= 4)
}

/**
 * Headers as a plain object with lower-case names; those that carry credentials by their name are masked whole, in the
 * others what `hide` finds.
 */
export function redactHeaders(
  headers: Headers | Record<string, string>,
  hide: (text: string) => string,
): Record<string, string> {
  const shown: Record<string, string> = {}
  const add = (value: string, name: string) => {
    const key = name.toLowerCase()
    shown[key] = isSecretName(key) || key === "x-wsse" ? mask : hide(value)
  }
  if (headers instanceof Headers) headers.forEach(add)
  else for (const name in headers) add(headers[name] as string, name)
  return shown
}

function collectNested(value: unknown, all: boolean, found: Set<string>, name = "", depth = 0): void {
  if (typeof value === "string" && (all || secretHint.test(name)) && !/_?type$|expires/i.test(name)) found.add(value)
  if (value === null || typeof value !== "object" || depth > maxDepth) return
  for (const [key, child] of Object.entries(value)) collectNested(child, all, found, key, depth + 1)
}
