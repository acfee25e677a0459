import { type App, type EnvironmentCtx, inTransaction } from "../app/context.ts"
import type { SavedConnection } from "../app/moments.ts"
import { findConnectionById } from "../connections/connections.ts"
import { readConnectionConfig, saveSecrets } from "../connections/credentials.ts"
import type { ConnectionRow } from "../connections/model.ts"
import { getEnvironment } from "../environments/environments.ts"
import { getIntegrationById } from "../integrations/integrations.ts"
import { lookupsOf } from "../providers/lookup.ts"
import type { TaskHandler } from "../queue/loop.ts"
import { priorities, type TaskRow } from "../queue/model.ts"
import { addTask, cancelTask, settleTask } from "../queue/queue.ts"
import { lookUp, type LookedUp } from "./look-up.ts"

type LookupTask = { environmentId: number; connectionId: number; operation: SavedConnection["operation"] }

/**
 * Queues what is to be looked up about a connection that is being saved; one whose provider has nothing to tell is ready as
 * it is. A task of an earlier save gives way, because it asks with older credentials.
 */
export async function queueLookups(ctx: EnvironmentCtx, saved: SavedConnection): Promise<void> {
  const { connection, operation } = saved
  const { provider } = await getIntegrationById(ctx, connection.integration_id)
  if (lookupsOf(ctx.catalogue.find(provider)).length === 0) return ctx.moments.connectionReady(ctx, saved)
  const key = `lookup:${connection.id}`
  const reason = "the connection was saved again"
  const earlier = await cancelTask(ctx, key, reason)
  const payload: LookupTask = {
    environmentId: ctx.environment.id,
    connectionId: connection.id,
    // Nobody has heard yet that it was made.
    operation: earlier ? (earlier.payload as LookupTask).operation : operation,
  }
  await addTask(ctx, { kind: "lookup", key, group: "lookup", priority: priorities.event, payload })
  ctx.tx?.after(() => {
    if (earlier) ctx.queue.abort(earlier.id, reason)
    ctx.queue.wake()
  })
}

/**
 * How queued lookups are carried out. What was found, and that the connection is ready, is stored with the end of the
 * task; so a daemon that dies on the way asks again. A task that is given up still makes the connection ready.
 */
export function lookupHandler(app: () => App): TaskHandler {
  return {
    async run(task, signal) {
      const ctx = await contextOf(app(), task)
      const { connectionId } = task.payload as LookupTask
      const found = await findConnectionById(ctx, connectionId)
      const isLive = found?.connection.deleted_at === null
      const result = isLive ? await lookUp(ctx, found, { signal }) : undefined
      // The daemon stops, or the connection was saved again: another attempt or task does it.
      if (signal.aborted) return
      await inTransaction(ctx, async (ctx) => {
        if (await settleTask(ctx, task, { unlessCancelled: true })) await makeReady(ctx, task, result)
      })
    },
    async lost(task, givenUp) {
      if (!givenUp || task.cancel_reason !== null) return
      await inTransaction(await contextOf(app(), task), (ctx) => makeReady(ctx, task, undefined))
    },
  }
}

const contextOf = async (app: App, task: TaskRow): Promise<EnvironmentCtx> => ({
  ...app,
  environment: await getEnvironment(app, (task.payload as LookupTask).environmentId),
})

async function makeReady(ctx: EnvironmentCtx, task: TaskRow, result: LookedUp | undefined): Promise<void> {
  const { connectionId, operation } = task.payload as LookupTask
  const current = await findConnectionById(ctx, connectionId)
  if (!current || current.connection.deleted_at !== null) return
  const connection = result ? await mergeConfig(ctx, current.connection, result) : current.connection
  await ctx.moments.connectionReady(ctx, { connection, operation })
}

/** Over the configuration as it is: others may have changed it while the provider was asked. */
async function mergeConfig(ctx: EnvironmentCtx, row: ConnectionRow, result: LookedUp): Promise<ConnectionRow> {
  const { found, removed } = result
  if (Object.keys(found).length === 0 && removed.length === 0) return row
  const merged = Object.entries({ ...readConnectionConfig(ctx, row), ...found })
  const connectionConfig = Object.fromEntries(merged.filter(([name]) => !removed.includes(name)))
  return saveSecrets(ctx, row, { connectionConfig })
}
