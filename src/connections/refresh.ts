import { and, eq, isNull, isNotNull, lte, or, sql } from "drizzle-orm"
import { type App, type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { authFaults } from "../auth/faults.ts"
import type { AuthCtx, AuthTarget, Obtained } from "../auth/mode.ts"
import { modes } from "../auth/modes.ts"
import { closeOperation, describeError, openAuth, openOperation } from "../auth/operations.ts"
import { secretConfig, secretsFor } from "../auth/secrets.ts"
import { AppError } from "../kit/errors.ts"
import { newUuid } from "../kit/ids.ts"
import { findConnectionById, type FoundConnection } from "./connections.ts"
import { readConnectionConfig, sealSecrets } from "./credentials.ts"
import { type Fresh, type FreshOptions, readFresh, renewable } from "./renewable.ts"
import { connectionFaults, type ConnectionRow, connections } from "./model.ts"
import { checkMayRefresh, failedState, freshState, withoutAuthErrors } from "./refresh-state.ts"

/** Beyond the time that a provider gets, so that the lease outlives every refresh that is still alive. */
const leaseSlackMs = 5_000
const pollMs = 50

/**
 * Renews the credentials of a connection, one at a time in all daemons on this store. Who waited finds the result of the
 * other in the row and asks nobody. The new credentials are stored before they are used.
 */
export async function refreshConnection(
  ctx: EnvironmentCtx,
  found: FoundConnection,
  options: FreshOptions,
): Promise<Fresh> {
  const lease = newUuid()
  const row = await waitForLease(ctx, found.connection.id, lease)
  const held = { ...found, connection: row ?? (await reread(ctx, found)) }
  const current = readFresh(ctx, held)
  if (!row) {
    if (!renewable(ctx, current, { ...options, force: false })) return current
    throw connectionFaults.connection_refresh_backoff({ message: "Another refresh of this connection takes too long." })
  }
  let target: AuthTarget | undefined
  try {
    if (!options.force) checkMayRefresh(row, ctx.now().getTime())
    target = renewable(ctx, current, options)
  } finally {
    if (!target) await releaseLease(ctx, row.id, lease)
  }
  return target ? renew(ctx, current, target, { ...options, lease }) : withoutLease(current)
}

const withoutLease = (fresh: Fresh): Fresh => ({
  ...fresh,
  found: { ...fresh.found, connection: { ...fresh.found.connection, refresh_lease: null, refresh_lease_until: null } },
})

type Renewal = FreshOptions & { lease: string }

async function renew(ctx: EnvironmentCtx, current: Fresh, target: AuthTarget, options: Renewal): Promise<Fresh> {
  const auth = openAuth(ctx)
  let obtained: Obtained
  try {
    const mode = modes[target.provider.auth_mode]
    if (!mode.renew) throw new Error(`${target.provider.auth_mode} credentials are never renewed.`)
    obtained = await mode.renew(auth, target, current.credentials, options)
  } catch (error) {
    throw await recordFailure(ctx, current, target, { auth, error, lease: options.lease })
  }
  const stored = await commit(ctx, current, obtained, options.lease)
  const operation = openOperation(ctx, workOf(current, target))
  closeOperation(operation, auth)
  // Somebody connected again meanwhile: theirs are newer.
  return stored
    ? readFresh(ctx, { ...current.found, connection: stored })
    : readFresh(ctx, await findAgain(ctx, current))
}

async function commit(
  ctx: EnvironmentCtx,
  { found }: Fresh,
  obtained: Obtained,
  lease: string,
): Promise<ConnectionRow | undefined> {
  const now = ctx.now().getTime()
  const row = found.connection
  const { credentials, connectionConfig: change = {} } = obtained
  return inTransaction(ctx, async (ctx) => {
    // Others may have changed it while the provider was asked.
    const [current] = Object.keys(change).length > 0 ? await rowHeld(ctx, row.id, lease) : []
    const secrets = { credentials, connectionConfig: current && { ...readConnectionConfig(ctx, current), ...change } }
    const [stored] = await ctx.db
      .update(connections)
      .set({
        ...sealSecrets(ctx, row, secrets),
        ...freshState,
        last_refresh_success_at: now,
        errors: withoutAuthErrors(row),
        updated_at: now,
      })
      .where(heldBy(row.id, lease))
      .returning()
    return stored
  })
}

const rowHeld = (ctx: EnvironmentCtx, id: number, lease: string) =>
  ctx.db.select().from(connections).where(heldBy(id, lease))

/** Stores that it failed and tells the owner, in one transaction. Answers what the caller should throw. */
async function recordFailure(
  ctx: EnvironmentCtx,
  current: Fresh,
  target: AuthTarget,
  failure: { auth: AuthCtx; error: unknown; lease: string },
): Promise<unknown> {
  const row = current.found.connection
  const error = explain(ctx, row, failure.error)
  const operation = openOperation(ctx, workOf(current, target))
  closeOperation(operation, failure.auth, error)
  const { type, message: description } = describeError(error)
  await inTransaction(ctx, async (ctx) => {
    const [failed] = await ctx.db
      .update(connections)
      .set(failedState(row, ctx.now().getTime(), operation.id))
      .where(heldBy(row.id, failure.lease))
      .returning()
    if (failed) await ctx.moments.credentialsFailed(ctx, { connection: failed, error: { type, description } })
  })
  return error
}

const workOf = ({ found, credentials, connectionConfig }: Fresh, target: AuthTarget) => ({
  action: "refresh_token" as const,
  message: "Token refresh",
  integration: found.integration,
  connectionId: found.connection.connection_id,
  secrets: secretsFor(target, { credentials, ...secretConfig(connectionConfig) }),
})

/** What is not the provider's fault stays in the process log; a refusal after a cut-off refresh says why it may be. */
function explain(ctx: EnvironmentCtx, row: ConnectionRow, error: unknown): AppError {
  if (!(error instanceof AppError)) {
    ctx.log.error({ err: error, connection: row.id }, "a refresh failed unexpectedly")
    return authFaults.refresh_token_external_error({ message: "The refresh failed unexpectedly.", cause: error })
  }
  if (!row.refresh_interrupted) return error
  const message = `${error.message} An earlier refresh was cut off before its answer could be stored, so the provider may have replaced the refresh token: connect again.`
  return new AppError(error.code, error.status, message, { ...error.details, message })
}

const heldBy = (id: number, lease: string) => and(eq(connections.id, id), eq(connections.refresh_lease, lease))

/** Undefined when another daemon holds the lease for longer than it may. */
async function waitForLease(ctx: EnvironmentCtx, id: number, lease: string): Promise<ConnectionRow | undefined> {
  const leaseMs = ctx.config.tokenTimeoutSeconds * 1000 + leaseSlackMs
  const until = performance.now() + leaseMs + leaseSlackMs
  for (;;) {
    const row = (await isLeased(ctx, id)) ? undefined : await takeLease(ctx, id, { lease, leaseMs })
    if (row || performance.now() > until) return row
    await Bun.sleep(pollMs)
  }
}

/** Asked on the read connection: waiting must not hold up the writer. */
async function isLeased(ctx: EnvironmentCtx, id: number): Promise<boolean> {
  const [row] = await ctx.store.read
    .select({ until: connections.refresh_lease_until })
    .from(connections)
    .where(and(eq(connections.id, id), isNotNull(connections.refresh_lease)))
  return row !== undefined && (row.until ?? 0) > ctx.now().getTime()
}

/** A lease that ran out was held by a refresh that died: from then on its answer counts as lost. */
function takeLease(
  ctx: EnvironmentCtx,
  id: number,
  { lease, leaseMs }: { lease: string; leaseMs: number },
): Promise<ConnectionRow | undefined> {
  const now = ctx.now().getTime()
  const { refresh_lease, refresh_lease_until, refresh_interrupted } = connections
  return inTransaction(ctx, async (ctx) => {
    const [row] = await ctx.db
      .update(connections)
      .set({
        refresh_lease: lease,
        refresh_lease_until: now + leaseMs,
        refresh_interrupted: sql`${refresh_lease} IS NOT NULL OR ${refresh_interrupted}`,
      })
      .where(and(eq(connections.id, id), or(isNull(refresh_lease), lte(refresh_lease_until, now))))
      .returning()
    return row
  })
}

async function releaseLease(ctx: EnvironmentCtx, id: number, lease: string): Promise<void> {
  await inTransaction(ctx, (ctx) =>
    ctx.db.update(connections).set({ refresh_lease: null, refresh_lease_until: null }).where(heldBy(id, lease)),
  )
}

/** At start: leases that a daemon left behind when it died. Nobody has to wait for them to run out. */
export async function recoverLeases(app: App): Promise<void> {
  await inTransaction(app, (ctx) =>
    ctx.db
      .update(connections)
      .set({ refresh_lease: null, refresh_lease_until: null, refresh_interrupted: true })
      .where(isNotNull(connections.refresh_lease)),
  )
}

async function findAgain(ctx: EnvironmentCtx, { found }: Fresh): Promise<FoundConnection> {
  const again = await findConnectionById(ctx, found.connection.id)
  if (!again?.connection.credentials) throw connectionFaults.not_found()
  return again
}

const reread = async (ctx: EnvironmentCtx, found: FoundConnection): Promise<ConnectionRow> =>
  (await findAgain(ctx, { found, credentials: {}, connectionConfig: {} })).connection
