import { eq } from "drizzle-orm"
import type { EnvironmentCtx } from "../app/context.ts"
import type { Credentials } from "../auth/credentials.ts"
import { readInstant } from "../auth/expiry.ts"
import { secretTexts } from "../auth/secrets.ts"
import { seal, unseal } from "../kit/crypto.ts"
import { type ConnectionRow, connections } from "./model.ts"

const place = (row: number, column: "credentials" | "connection_config") => ({ table: "connections", column, row })

/** The stored credentials in clear. */
export function readCredentials(ctx: EnvironmentCtx, row: ConnectionRow): Credentials {
  if (row.credentials === null) return {}
  return JSON.parse(unseal(ctx.masterKey, place(row.id, "credentials"), row.credentials)) as Credentials
}

/** The values that the provider's URLs and headers are filled with. Old rows may carry a prefix in their names. */
export function readConnectionConfig(
  ctx: EnvironmentCtx,
  row: Pick<ConnectionRow, "id" | "connection_config">,
): Record<string, unknown> {
  if (row.connection_config === null) return {}
  return JSON.parse(unseal(ctx.masterKey, place(row.id, "connection_config"), row.connection_config)) as Record<
    string,
    unknown
  >
}

/** Whether the connection waits for the provider, or for an administrator there, before it can be used. */
export const isPending = (ctx: EnvironmentCtx, row: Pick<ConnectionRow, "id" | "connection_config">): boolean =>
  readConnectionConfig(ctx, row).pending === true

/** Encrypts the secrets of a row that exists already: the ciphertext is bound to the row's id. */
export async function saveSecrets(
  ctx: EnvironmentCtx,
  row: ConnectionRow,
  secrets: { credentials?: Credentials; connectionConfig?: Record<string, unknown> },
): Promise<ConnectionRow> {
  const set = sealSecrets(ctx, row, secrets)
  await ctx.db.update(connections).set(set).where(eq(connections.id, row.id))
  return { ...row, ...set }
}

/** The columns of secrets as they are stored, with the end of the credentials beside them. */
export function sealSecrets(
  ctx: EnvironmentCtx,
  row: ConnectionRow,
  { credentials, connectionConfig }: { credentials?: Credentials; connectionConfig?: Record<string, unknown> },
): Partial<ConnectionRow> {
  const sealIn = (column: "credentials" | "connection_config", value: unknown) =>
    seal(ctx.masterKey, place(row.id, column), JSON.stringify(value))
  const set: Partial<ConnectionRow> = {}
  if (credentials) {
    set.credentials = sealIn("credentials", credentials)
    set.expires_at = expiryOf(credentials, ctx.now()) ?? null
  }
  // Nothing needs no lid; most connections have none, and opening it would cost each of their requests.
  if (connectionConfig)
    set.connection_config =
      Object.keys(connectionConfig).length === 0 ? null : sealIn("connection_config", connectionConfig)
  return set
}

/** When credentials end, in milliseconds since the epoch; undefined when they do not, or nobody knows. */
export function expiryOf(credentials: Credentials, now: Date): number | undefined {
  const at = "expires_at" in credentials ? readInstant(credentials.expires_at, now) : undefined
  return at === undefined ? undefined : Math.floor(at)
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
export const secretsOf = (credentials: Credentials): string[] => secretTexts(credentials)
