import { and, eq, gt, isNull, lt } from "drizzle-orm"
import { randomBytes } from "node:crypto"
import { type App, type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { equalInConstantTime, seal, sha256Hex, unseal } from "../kit/crypto.ts"
import { type AuthorizationDetails, type AuthorizationRow, authorizations } from "./model.ts"

/** Time that a person has at the provider. */
export const authorizationLifeMs = 10 * 60_000
/** Used and expired ones are kept this long, so that a second callback can be told apart from an invented one. */
const keepMs = 24 * 60 * 60_000

const place = (row: number) => ({ table: "authorizations", column: "details", row })

/** A text that nobody can guess: 256 random bits, base64url. */
export const newSecret = (): string => randomBytes(32).toString("base64url")

/** Remembers what the callback will need, under the digests of its state and of the browser's cookie. */
export async function rememberAuthorization(
  ctx: EnvironmentCtx,
  input: {
    state: string
    browser: string
    integrationId: number
    connectionId: string
    details: AuthorizationDetails
  },
): Promise<void> {
  const now = ctx.now().getTime()
  await inTransaction(ctx, async (ctx) => {
    const [row] = await ctx.db
      .insert(authorizations)
      .values({
        environment_id: ctx.environment.id,
        integration_id: input.integrationId,
        connection_id: input.connectionId,
        state_hash: sha256Hex(input.state),
        browser_hash: sha256Hex(input.browser),
        created_at: now,
        expires_at: now + authorizationLifeMs,
      })
      .returning({ id: authorizations.id })
    if (!row) throw new Error("The authorization was not stored.")
    const details = seal(ctx.masterKey, place(row.id), JSON.stringify(input.details))
    await ctx.db.update(authorizations).set({ details }).where(eq(authorizations.id, row.id))
  })
}

/** Finds the row of a state, whatever became of it. */
export async function findAuthorization(app: App, state: string): Promise<AuthorizationRow | undefined> {
  const [row] = await app.db
    .select()
    .from(authorizations)
    .where(eq(authorizations.state_hash, sha256Hex(state)))
  return row
}

/** What is kept with a row that was not used yet. */
export const readDetails = (app: App, row: AuthorizationRow): AuthorizationDetails | undefined =>
  row.details === null
    ? undefined
    : (JSON.parse(unseal(app.masterKey, place(row.id), row.details)) as AuthorizationDetails)

export const isSameBrowser = (row: AuthorizationRow, cookie: string | undefined): boolean =>
  cookie !== undefined && equalInConstantTime(row.browser_hash, sha256Hex(cookie))

/** Uses it up. Of callbacks that come at the same time exactly one gets true. */
export async function useAuthorization(app: App, row: AuthorizationRow): Promise<boolean> {
  const now = app.now().getTime()
  const live = and(eq(authorizations.id, row.id), isNull(authorizations.used_at), gt(authorizations.expires_at, now))
  const used = await inTransaction(app, (ctx) =>
    ctx.db.update(authorizations).set({ used_at: now, details: null }).where(live).returning({ id: authorizations.id }),
  )
  return used.length === 1
}

/** Forgets authorizations that ended a day ago. */
export async function sweepAuthorizations(app: App): Promise<void> {
  const old = lt(authorizations.expires_at, app.now().getTime() - keepMs)
  await inTransaction(app, (ctx) => ctx.db.delete(authorizations).where(old))
}
