import { and, desc, eq, isNull } from "drizzle-orm"
import type { EnvironmentCtx } from "../app/context.ts"
import { findConnection } from "../connections/connections.ts"
import { findFunction } from "../functions/functions.ts"
import { findIntegration } from "../integrations/integrations.ts"
import { isoTime } from "../kit/times.ts"
import type { ScheduleRow } from "../queue/model.ts"
import { findSchedule } from "../queue/schedule.ts"
import { runCounts } from "../records/counts.ts"
import { countRecords, listModels } from "../records/list.ts"
import { listSyncs, type Target } from "./find.ts"
import {
  checkpointKey,
  checkpoints,
  scheduleKey,
  syncFaults,
  type SyncName,
  type SyncRunRow,
  syncRuns,
  variantModel,
} from "./model.ts"

export type StatusQuery = { providerConfigKey: string; connectionId?: string; names: SyncName[] | "*" }

/** Where syncs stand. Names that match nothing are left out; an unknown integration has none. */
export async function syncStatus(ctx: EnvironmentCtx, query: StatusQuery) {
  const integration = await findIntegration(ctx, query.providerConfigKey)
  if (!integration) return []
  const connection =
    query.connectionId === undefined
      ? undefined
      : await findConnection(ctx, { ...query, connectionId: query.connectionId })
  if (query.connectionId !== undefined && !connection)
    throw syncFaults.invalid_body({ message: "Connection not found" })
  const all = await listSyncs(ctx, { integrationId: integration.id, connectionId: connection?.connection.id })
  const { names } = query
  const chosen =
    names === "*"
      ? all
      : all.filter(({ sync }) => names.some((name) => name.name === sync.name && name.variant === sync.variant))
  return Promise.all(chosen.map((target) => describeSync(ctx, target)))
}

async function describeSync(ctx: EnvironmentCtx, target: Target) {
  const { sync, connection } = target
  const schedule = await findSchedule(ctx, scheduleKey(sync.id))
  const run = await latestRun(ctx, sync.id)
  const fn = await findFunction(ctx, { integrationId: sync.integration_id, type: "sync", name: sync.name })
  const [checkpoint] = await ctx.db
    .select()
    .from(checkpoints)
    .where(
      and(
        eq(checkpoints.connection_id, connection.id),
        eq(checkpoints.key, checkpointKey("sync", sync)),
        isNull(checkpoints.deleted_at),
      ),
    )
  const live = schedule?.state === "active" && schedule.intent === "started"
  return {
    id: sync.id,
    connection_id: connection.connection_id,
    name: sync.name,
    variant: sync.variant,
    status: statusOf(schedule, run),
    type: run?.type === "INCREMENTAL" ? "INCREMENTAL" : "INITIAL",
    finishedAt: run && run.finished_at !== null ? isoTime(run.finished_at) : undefined,
    nextScheduledSyncAt: live && schedule.next_at !== null ? isoTime(schedule.next_at) : null,
    frequency: sync.frequency ?? fn?.definition.frequency ?? null,
    latestResult: run ? await runCounts(ctx.store, run.id) : undefined,
    latestExecutionStatus: run?.status,
    recordCount: await recordCount(ctx, target, fn?.definition.models ?? null),
    checkpoint: checkpoint?.value ?? null,
  }
}

/** Live records by base model. A sync that declares no models counts whatever the connection has. */
async function recordCount(
  ctx: EnvironmentCtx,
  { sync, connection }: Target,
  models: string[] | null,
): Promise<Record<string, number>> {
  if (models === null) return countRecords(ctx.store, connection.id, await listModels(ctx.store, connection.id))
  const counts = await countRecords(
    ctx.store,
    connection.id,
    models.map((model) => variantModel(model, sync.variant)),
  )
  return Object.fromEntries(models.map((model) => [model, counts[variantModel(model, sync.variant)] ?? 0]))
}

/** The latest scheduled or triggered run; runs of webhook functions do not count. */
export async function latestRun(ctx: EnvironmentCtx, syncId: string): Promise<SyncRunRow | undefined> {
  const [run] = await ctx.db
    .select()
    .from(syncRuns)
    .where(and(eq(syncRuns.sync_id, syncId), eq(syncRuns.kind, "sync")))
    .orderBy(desc(syncRuns.id))
    .limit(1)
  return run
}

function statusOf(
  schedule: ScheduleRow | undefined,
  run: SyncRunRow | undefined,
): "RUNNING" | "PAUSED" | "SUCCESS" | "ERROR" | "STOPPED" {
  if (run?.status === "RUNNING") return "RUNNING"
  if (!schedule || schedule.state === "disabled") return "STOPPED"
  if (schedule.intent === "paused") return "PAUSED"
  return run?.status === "STOPPED" ? "ERROR" : "SUCCESS"
}
