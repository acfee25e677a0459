import { and, eq, isNull, sql } from "drizzle-orm"
import { type App, inTransaction } from "../app/context.ts"
import { sha256Hex } from "../kit/crypto.ts"
import { prepareRows } from "../store/prepared.ts"
import {
  type ApiKeyRow,
  apiKeys,
  type Caller,
  type Environment,
  environmentFaults,
  environments,
  type KeyCaller,
} from "./model.ts"

const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Makes a secret key. The answer is the only place where it stands in clear. */
export async function createKey(
  ctx: App,
  input: { environment: Environment; displayName: string; scopes?: string[] },
): Promise<{ row: ApiKeyRow; secretKey: string }> {
  const secretKey = crypto.randomUUID()
  const [row] = await inTransaction(ctx, (ctx) =>
    ctx.db
      .insert(apiKeys)
      .values({
        uuid: crypto.randomUUID(),
        environment_id: input.environment.id,
        display_name: input.displayName,
        hash: sha256Hex(secretKey),
        scopes: input.scopes ?? ["environment:*"],
        created_at: ctx.now().getTime(),
      })
      .returning(),
  )
  if (!row) throw new Error("The key was not stored.")
  return { row, secretKey }
}

const environmentNamed = prepareRows({ environment: environments }, (db, fields) =>
  db
    .select(fields)
    .from(environments)
    .where(and(eq(environments.name, sql.placeholder("name")), isNull(environments.deleted_at))),
)

const keyOfHash = prepareRows({ key: apiKeys, environment: environments }, (db, fields) =>
  db
    .select(fields)
    .from(apiKeys)
    .innerJoin(environments, eq(environments.id, apiKeys.environment_id))
    .where(and(eq(apiKeys.hash, sql.placeholder("hash")), isNull(environments.deleted_at))),
)

/**
 * Finds who calls from an Authorization header. Keys are looked up by digest, so the time of the look-up says nothing
 * about how much of a guess was right. Keys of the configuration (`SLUICE_SECRET_KEY`, `NANGO_SECRET_KEY_<ENV>`) come first
 * and may have any form. A call in the name of a running function (`isScript`) is not for keys of the database: functions
 * of this daemon call it without any key.
 */
export async function authenticate(
  app: App,
  header: string | null,
  isScript = false,
): Promise<{ environment: Environment; caller: KeyCaller }> {
  if (header === null) throw environmentFaults.missing_auth_header()
  const key = header.replace(/^.*bearer\s+/i, "").trim()
  const hash = sha256Hex(key)
  const fixed = app.config.fixedKeys.get(hash)
  if (fixed !== undefined) {
    const [found] = await environmentNamed(app.db, { name: fixed })
    if (found) return { ...found, caller: { kind: "key", keyId: "fixed", scopes: ["environment:*", "account:*"] } }
  }
  if (!uuidV4.test(key)) throw environmentFaults.invalid_secret_key_format()
  const [row] = await keyOfHash(app.db, { hash })
  if (!row || isScript) throw environmentFaults.unknown_account()
  app.keyTouches.add(row.key.id)
  return { environment: row.environment, caller: { kind: "key", keyId: row.key.id, scopes: row.key.scopes } }
}

/**
 * Throws `forbidden` unless the caller holds one of the scopes (given without the prefix `environment:`). An empty list
 * asks for nothing beyond a valid key.
 */
export function requireScope(caller: Caller, scope: string | string[]): void {
  const wanted = Array.isArray(scope) ? scope : [scope]
  if (wanted.length === 0 || wanted.some((name) => holdsScope(caller, name))) return
  const names = wanted.map(fullScope)
  throw environmentFaults.forbidden({
    message:
      names.length === 1
        ? `Insufficient scope. Required: ${names[0]}`
        : `Insufficient scope. Required one of: ${names.join(" or ")}`,
  })
}

/** Whether the caller may do what the scope names; `prefix:*` covers everything below the prefix. */
export function holdsScope(caller: Caller, scope: string): boolean {
  const name = fullScope(scope)
  return caller.scopes.some((held) => held === name || (held.endsWith(":*") && name.startsWith(held.slice(0, -1))))
}

/** A scope as keys hold it: with its prefix. */
export const fullScope = (scope: string): string => (scope.startsWith("account:") ? scope : `environment:${scope}`)
