const secretName =
  /^(authorization|proxy-authorization|cookie|set-cookie|x-api-key|api[-_]?key|access[-_]?token|refresh[-_]?token|id[-_]?token|token|client[-_]?secret|secret|password|passwd|private[-_]?key|session[-_]?id|assertion|signature|code[-_]?verifier|dev[-_]?key|secret[-_]?access[-_]?key|session[-_]?token)$/i

export const mask = "[redacted]"

/** Whether a member, header or query parameter of this name holds a secret. */
export const isSecretName = (name: string): boolean =>
  secretName.test(name) || /(secret|password|token|api-?key)$/i.test(name)

/** Masks every member with a secret's name, at any depth, and every occurrence of the given secret texts. */
export function redact(value: unknown, secrets: readonly string[] = [], depth = 0): unknown {
  if (typeof value === "string") return redactText(value, secrets)
  if (value === null || typeof value !== "object" || value instanceof Date || depth > 20) return value
  if (Array.isArray(value)) return value.map((item) => redact(item, secrets, depth + 1))
  const copy: Record<string, unknown> = {}
  for (const [key, member] of Object.entries(value)) {
    copy[key] = isSecretName(key) && member !== null && member !== "" ? mask : redact(member, secrets, depth + 1)
  }
  return copy
}

/** Masks secret texts inside a text. Texts shorter than four characters are no secrets worth the false alarms. */
export function redactText(text: string, secrets: readonly string[]): string {
  let result = text
  for (const secret of secrets) if (secret.length >= 4) result = result.replaceAll(secret, mask)
  return result
}

/** Masks the values of secret query parameters in a URL, and its user info. */
export function redactUrl(url: string, secrets: readonly string[] = []): string {
  const plain = redactText(url, secrets).replace(/^(\w+:\/\/)[^/?#@]*@/, `$1${mask}@`)
  const at = plain.indexOf("?")
  if (at < 0) return plain
  const query = plain
    .slice(at + 1)
    .replace(/([^&=#]+)=([^&#]*)/g, (pair, name: string) => (isSecretName(name) ? `${name}=${mask}` : pair))
  return `${plain.slice(0, at)}?${query}`
}
