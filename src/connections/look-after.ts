import { and, asc, eq, gt, isNotNull, isNull, lt, or } from "drizzle-orm"
import { type App, type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { modes } from "../auth/modes.ts"
import { describeError, operationOf } from "../auth/operations.ts"
import { getEnvironment } from "../environments/environments.ts"
import { integrations } from "../integrations/model.ts"
import { AppError } from "../kit/errors.ts"
import { newOperationId } from "../kit/ids.ts"
import type { TaskHandler } from "../queue/loop.ts"
import { deleteSchedule, ensureSchedule } from "../queue/schedule.ts"
import { settleTask } from "../queue/queue.ts"
import { priorities } from "../queue/model.ts"
import type { FoundConnection } from "./connections.ts"
import { readConnectionConfig, readCredentials } from "./credentials.ts"
import { freshCredentials } from "./fresh.ts"
import { connections } from "./model.ts"
import { failedState, freshState, withoutAuthErrors } from "./refresh-state.ts"
import { verifyCredentials } from "./verify.ts"

const scheduleKey = "credentials:check"
const dayMs = 24 * 60 * 60_000
const marginMs = 15 * 60_000
/** Tokens that live no longer than this are renewed by whoever uses them. */
const shortLifeMs = 45 * 60_000
const page = 100
const atOnce = 4

/** Makes the schedule that looks after credentials nobody is using right now, or removes it. */
export async function scheduleCredentialCheck(app: App): Promise<void> {
  const { connectionCheckMinutes: minutes } = app.config
  await inTransaction(app, (ctx) => {
    if (minutes === 0) return deleteSchedule(ctx, scheduleKey)
    return ensureSchedule(ctx, {
      key: scheduleKey,
      kind: "credentials",
      group: "credentials",
      priority: priorities.sync,
      payload: {},
      timing: { intervalMs: minutes * 60_000 },
      intent: "started",
    })
  })
}

export function credentialsHandler(app: () => App): TaskHandler {
  return {
    async run(task, signal) {
      await lookAfterCredentials(app(), signal)
      await inTransaction(app(), (ctx) => settleTask(ctx, task))
    },
    lost: () => Promise.resolve(),
  }
}

/**
 * Renews what is in use and about to end, so that no caller has to wait, and once a day what nobody uses: that keeps
 * refresh tokens alive and finds keys that no longer work. Answers how many connections were looked at.
 */
export async function lookAfterCredentials(app: App, signal?: AbortSignal): Promise<number> {
  const started = app.now().getTime()
  let looked = 0
  for (let after = 0; !signal?.aborted;) {
    const due = await findDue(app, started, after)
    for (let at = 0; at < due.length && !signal?.aborted; at += atOnce) {
      const batch = due.slice(at, at + atOnce)
      await Promise.all(batch.map((found) => lookAfter(app, found, started)))
      looked += batch.length
    }
    if (due.length < page) break
    after = due.at(-1)?.connection.id ?? after
  }
  return looked
}

/** Connections, not exhausted, whose daily look is due, or that are in use and whose credentials end soon. */
function findDue(app: App, now: number, after: number): Promise<FoundConnection[]> {
  const { last_fetched_at, credentials_checked_at, expires_at } = connections
  const soon = now + marginMs + app.config.connectionCheckMinutes * 60_000
  const ending = and(gt(last_fetched_at, now - dayMs), isNotNull(expires_at), lt(expires_at, soon))
  return app.db
    .select({ connection: connections, integration: integrations })
    .from(connections)
    .innerJoin(integrations, eq(integrations.id, connections.integration_id))
    .where(
      and(
        gt(connections.id, after),
        isNull(connections.deleted_at),
        eq(connections.refresh_exhausted, false),
        or(lt(credentials_checked_at, now - dayMs), ending),
      ),
    )
    .orderBy(asc(connections.id))
    .limit(page)
}

async function lookAfter(app: App, found: FoundConnection, now: number): Promise<void> {
  try {
    const environment = await getEnvironment(app, found.connection.environment_id)
    await renewOrTest({ ...app, environment }, found, now)
  } catch (error) {
    // One connection's failure is stored with it and told to its owner; the others go on.
    if (error instanceof AppError) return
    app.log.error({ err: error, connection: found.connection.id }, "credentials could not be checked")
  }
}

async function renewOrTest(ctx: EnvironmentCtx, found: FoundConnection, now: number): Promise<void> {
  const row = found.connection
  const isUnused = (row.last_fetched_at ?? 0) < now - dayMs
  // One that is in use comes up again a day after its last use.
  if (row.credentials_checked_at < now - dayMs)
    await noteChecked(ctx, row.id, isUnused ? now : (row.last_fetched_at ?? now))
  const lifeMs = (row.expires_at ?? 0) - (row.last_refresh_success_at ?? row.updated_at)
  if (!isUnused && lifeMs <= shortLifeMs) return
  const provider = ctx.catalogue.find(found.integration.provider)
  const mode = provider && modes[provider.auth_mode]
  if (mode?.renew) {
    const isExact = provider?.token_expiration_buffer !== undefined
    const aheadMs = isExact ? 0 : ctx.config.connectionCheckMinutes * 60_000
    await freshCredentials(ctx, found, { touch: false, aheadMs })
  } else if (mode?.verified && isUnused) await testAgain(ctx, found)
}

const noteChecked = (ctx: EnvironmentCtx, id: number, at: number) =>
  inTransaction(ctx, (ctx) =>
    ctx.db.update(connections).set({ credentials_checked_at: at }).where(eq(connections.id, id)),
  )

/** Tries stored keys and passwords again. What came of it counts only for the credentials that were tried. */
async function testAgain(ctx: EnvironmentCtx, { connection, integration }: FoundConnection): Promise<void> {
  if (connection.credentials === null) return
  const same = and(eq(connections.id, connection.id), eq(connections.credentials, connection.credentials))
  try {
    await verifyCredentials(ctx, {
      integration,
      connectionId: connection.connection_id,
      credentials: readCredentials(ctx, connection),
      connectionConfig: readConnectionConfig(ctx, connection),
    })
  } catch (error) {
    const { type, message: description } = describeError(error)
    const logId = operationOf(error) ?? newOperationId(ctx.now())
    await inTransaction(ctx, async (ctx) => {
      const set = failedState(connection, ctx.now().getTime(), logId)
      const [failed] = await ctx.db.update(connections).set(set).where(same).returning()
      if (failed) await ctx.moments.credentialsFailed(ctx, { connection: failed, error: { type, description } })
    })
    throw error
  }
  if (connection.last_refresh_failure_at === null) return
  const set = { ...freshState, errors: withoutAuthErrors(connection) }
  await inTransaction(ctx, (ctx) => ctx.db.update(connections).set(set).where(same))
}
