import { and, asc, eq, isNull } from "drizzle-orm"
import { type App, type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { seal, unseal } from "../kit/crypto.ts"
import {
  type Environment,
  environmentFaults,
  type EnvironmentSettings,
  environments,
  environmentVariables,
  type ProxySettings,
  type ValidationSettings,
  validationOff,
} from "./model.ts"
import { createKey } from "./keys.ts"

/** The environments of a fresh data directory. The first is the default one. */
const firstEnvironments = ["dev", "prod"]

/** Makes the first environments and a key for each, when there are none yet. Answers the keys, which exist nowhere else in clear. */
export async function ensureEnvironments(app: App): Promise<{ name: string; secretKey: string }[]> {
  if ((await listEnvironments(app)).length > 0) return []
  return inTransaction(app, async (ctx) => {
    const made: { name: string; secretKey: string }[] = []
    for (const name of firstEnvironments) {
      const environment = await createEnvironment(ctx, { name, isProduction: name === "prod" })
      const { secretKey } = await createKey(ctx, { environment, displayName: "Default - Full access" })
      made.push({ name, secretKey })
    }
    return made
  })
}

export async function createEnvironment(
  ctx: App,
  input: { name: string; isProduction: boolean; settings?: EnvironmentSettings },
): Promise<Environment> {
  const now = ctx.now().getTime()
  return inTransaction(ctx, async (ctx) => {
    const [row] = await ctx.db
      .insert(environments)
      .values({
        uuid: crypto.randomUUID(),
        name: input.name,
        is_production: input.isProduction,
        settings: input.settings ?? {},
        created_at: now,
        updated_at: now,
      })
      .returning()
    if (!row) throw new Error("The environment was not stored.")
    // The ciphertext is bound to the row, so it can only be made once the row has its id.
    const webhook_signing_key = seal(ctx.masterKey, signingKeyPlace(row.id), crypto.randomUUID())
    await ctx.db.update(environments).set({ webhook_signing_key }).where(eq(environments.id, row.id))
    return { ...row, webhook_signing_key }
  })
}

/** Gives the environment another key to sign webhooks with; the old one stops at once. */
export async function rotateSigningKey(ctx: EnvironmentCtx): Promise<string> {
  const key = crypto.randomUUID()
  const { id } = ctx.environment
  await inTransaction(ctx, (ctx) =>
    ctx.db
      .update(environments)
      .set({
        webhook_signing_key: seal(ctx.masterKey, signingKeyPlace(id), key),
        updated_at: ctx.now().getTime(),
      })
      .where(eq(environments.id, id)),
  )
  return key
}

/** The key that the environment's webhooks are signed with, in clear. */
export function readSigningKey(ctx: EnvironmentCtx): string | undefined {
  const { id, webhook_signing_key } = ctx.environment
  return webhook_signing_key === null ? undefined : unseal(ctx.masterKey, signingKeyPlace(id), webhook_signing_key)
}

const signingKeyPlace = (id: number) => ({ table: "environments", column: "webhook_signing_key", row: id })

export async function listEnvironments(ctx: App): Promise<Environment[]> {
  return ctx.db.select().from(environments).where(isNull(environments.deleted_at)).orderBy(asc(environments.id))
}

/** A live environment by its number or its UUID. Throws `not_found`. */
export async function getEnvironmentById(ctx: App, by: number | string): Promise<Environment> {
  const found = (await listEnvironments(ctx)).find(({ id, uuid }) => by === id || by === uuid)
  if (!found) throw environmentFaults.not_found()
  return found
}

export async function getEnvironmentByName(ctx: App, name: string): Promise<Environment> {
  const [row] = await ctx.db
    .select()
    .from(environments)
    .where(and(eq(environments.name, name), isNull(environments.deleted_at)))
  if (!row) throw environmentFaults.unknown_environment({ message: `There is no environment "${name}".` })
  return row
}

export async function getEnvironment(ctx: App, id: number): Promise<Environment> {
  const [row] = await ctx.db.select().from(environments).where(eq(environments.id, id))
  if (!row) throw environmentFaults.unknown_environment()
  return row
}

/** What runs of the environment check. */
export function validationOf({ settings }: Environment): ValidationSettings {
  const names = Object.keys(validationOff) as (keyof ValidationSettings)[]
  return Object.fromEntries(names.map((name) => [name, settings[name] === true])) as ValidationSettings
}

/** Changes the named settings and leaves the others. */
export function saveSettings(
  ctx: EnvironmentCtx,
  change: Partial<ValidationSettings & ProxySettings>,
): Promise<Environment> {
  return inTransaction(ctx, async (ctx) => {
    const { id } = ctx.environment
    const settings = { ...(await getEnvironment(ctx, id)).settings, ...change }
    await ctx.db.update(environments).set({ settings, updated_at: ctx.now().getTime() }).where(eq(environments.id, id))
    return getEnvironment(ctx, id)
  })
}

/** The environment's variables in clear, by name. */
export async function listVariables(ctx: EnvironmentCtx): Promise<{ name: string; value: string }[]> {
  const rows = await ctx.db
    .select()
    .from(environmentVariables)
    .where(eq(environmentVariables.environment_id, ctx.environment.id))
    .orderBy(asc(environmentVariables.name))
  return rows.map((row) => ({
    name: row.name,
    value: row.value === null ? "" : unseal(ctx.masterKey, variablePlace(row.id), row.value),
  }))
}

/** Replaces the whole set of variables. */
export async function saveVariables(ctx: EnvironmentCtx, variables: { name: string; value: string }[]): Promise<void> {
  await inTransaction(ctx, async (ctx) => {
    const environment_id = ctx.environment.id
    await ctx.db.delete(environmentVariables).where(eq(environmentVariables.environment_id, environment_id))
    for (const { name, value } of variables) {
      const [row] = await ctx.db.insert(environmentVariables).values({ environment_id, name }).returning()
      if (!row) throw new Error("The variable was not stored.")
      const sealedValue = seal(ctx.masterKey, variablePlace(row.id), value)
      await ctx.db.update(environmentVariables).set({ value: sealedValue }).where(eq(environmentVariables.id, row.id))
    }
  })
}

const variablePlace = (id: number) => ({ table: "environment_variables", column: "value", row: id })

/** Where providers send browsers back to. */
export function callbackUrlOf(ctx: EnvironmentCtx): string {
  const { callback_url } = ctx.environment.settings
  return typeof callback_url === "string" && callback_url !== "" ? callback_url : `${ctx.serverUrl()}/oauth/callback`
}
