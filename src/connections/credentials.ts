import { eq } from "drizzle-orm"
import type { EnvironmentCtx } from "../app/context.ts"
import type { Credentials } from "../auth/credentials.ts"
import { seal, unseal } from "../kit/crypto.ts"
import { type ConnectionRow, connections } from "./model.ts"

const place = (row: number, column: "credentials" | "connection_config") => ({ table: "connections", column, row })

/** The stored credentials in clear. */
export function readCredentials(ctx: EnvironmentCtx, row: ConnectionRow): Credentials {
  if (row.credentials === null) return {}
  return JSON.parse(unseal(ctx.masterKey, place(row.id, "credentials"), row.credentials)) as Credentials
}

/** The values that the provider's URLs and headers are filled with. Old rows may carry a prefix in their names. */
export function readConnectionConfig(ctx: EnvironmentCtx, row: ConnectionRow): Record<string, unknown> {
  if (row.connection_config === null) return {}
  return JSON.parse(unseal(ctx.masterKey, place(row.id, "connection_config"), row.connection_config)) as Record<
    string,
    unknown
  >
}

/** Encrypts the secrets of a row that exists already: the ciphertext is bound to the row's id. */
export async function saveSecrets(
  ctx: EnvironmentCtx,
  row: ConnectionRow,
  secrets: { credentials?: Credentials; connectionConfig?: Record<string, unknown> },
): Promise<ConnectionRow> {
  const set: Partial<ConnectionRow> = {}
  if (secrets.credentials)
    set.credentials = seal(ctx.masterKey, place(row.id, "credentials"), JSON.stringify(secrets.credentials))
  if (secrets.connectionConfig) {
    set.connection_config = seal(
      ctx.masterKey,
      place(row.id, "connection_config"),
      JSON.stringify(secrets.connectionConfig),
    )
  }
  await ctx.db.update(connections).set(set).where(eq(connections.id, row.id))
  return { ...row, ...set }
}

/** Notes that somebody read the connection with its credentials. */
export function markFetched(ctx: EnvironmentCtx, row: ConnectionRow): ConnectionRow {
  ctx.touches.add(row.id)
  return { ...row, last_fetched_at: ctx.now().getTime() }
}

/** Removes every member, at any depth, whose name says that it is a refresh token. */
export function withoutRefreshTokens<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutRefreshTokens) as T
  if (value === null || typeof value !== "object") return value
  const kept = Object.entries(value).filter(([name]) => name.toLowerCase().replace(/[^a-z]/g, "") !== "refreshtoken")
  return Object.fromEntries(kept.map(([name, member]) => [name, withoutRefreshTokens(member)])) as T
}

/** Every text in the credentials that must not reach a log. */
export function secretsOf(credentials: Credentials): string[] {
  const found: string[] = []
  const walk = (value: unknown, name: string) => {
    if (
      typeof value === "string" &&
      name !== "type" &&
      name !== "expires_at" &&
      name !== "token_type" &&
      name !== "scope"
    )
      found.push(value)
    else if (value !== null && typeof value === "object")
      for (const [key, member] of Object.entries(value)) walk(member, key)
  }
  walk(credentials, "")
  return found
}
