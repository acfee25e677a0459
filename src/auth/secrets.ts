import type { Credentials } from "./credentials.ts"
import type { AuthTarget } from "./mode.ts"
import { modes } from "./modes.ts"

/** Members that say nothing secret whatever the mode. */
const always = ["type", "expires_at", "expires_in", "token_type", "scope", "scopes", "issued_at"]

const openMembers = new Set([...always, ...Object.values(modes).flatMap((mode) => mode.open)])

/** Every text inside that must not reach a log: all of them, but for members that are known to be open. */
export function secretTexts(value: unknown, name = ""): string[] {
  if (typeof value === "string") return openMembers.has(name) || value === "" ? [] : [value]
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => secretTexts(member, Array.isArray(value) ? name : key))
}

/** What work on this integration must not show: its app, its own settings, and whatever credentials are at hand. */
export function secretsFor({ app, custom }: AuthTarget, credentials?: Credentials | Record<string, unknown>): string[] {
  const own = Object.entries(custom).filter(([name]) => /secret|password|key|token/i.test(name))
  const { app_link: _, client_id: __, app_id: ___, scopes: ____, ...secretApp } = { ...app } as Record<string, unknown>
  return [...secretTexts(secretApp), ...own.map(([, value]) => value), ...secretTexts(credentials)]
}

const secretConfigMembers = ["userCredentials", "oauth_client_info", "oauth_client_secret", "jwtToken"]

/** Members that are secrets by their name, or hold a token of their own. */
const isSecretMember = ([name, value]: [string, unknown]): boolean =>
  secretConfigMembers.includes(name) || (typeof value === "object" && value !== null && "access_token" in value)

/** A connection's configuration for somebody who may not see credentials. */
export const openConfig = (config: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(config).filter((member) => !isSecretMember(member)))

/** The members of a connection's configuration that are secrets; the others are names and addresses. */
export const secretConfig = (config: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(config).filter(isSecretMember))
