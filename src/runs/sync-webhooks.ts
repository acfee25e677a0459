import type { EnvironmentCtx } from "../app/context.ts"
import { isoTime } from "../kit/times.ts"
import { countsOf } from "../records/counts.ts"
import type { HostRun } from "../runner/host-run.ts"
import type { RunError } from "../runner/runner.ts"
import type { Checkpoint, SyncRunRow } from "../syncs/model.ts"
import { queueWebhook } from "../webhooks/outbox.ts"

/** What a webhook says about a run. */
export type ToldRun = Pick<HostRun, "found" | "syncName" | "variant" | "syncType" | "models">

type Range = { from: Checkpoint | null; to: Checkpoint | null }

const nothing = { added: 0, updated: 0, deleted: 0 }

/** One webhook for each model of a run that ended well, in the transaction that ends it. */
export async function queueSuccess(
  ctx: EnvironmentCtx,
  run: HostRun,
  row: SyncRunRow,
  checkpoints: Range,
): Promise<void> {
  const counts = await countsOf(ctx.db, row.id)
  for (const model of run.models ?? Object.keys(counts)) {
    const { added, updated, deleted } = counts[model] ?? nothing
    const startedAt = isoTime(row.started_at)
    await queueWebhook(ctx, {
      type: "sync",
      found: run.found,
      when: added + updated + deleted === 0 ? "on_sync_completion_always" : undefined,
      body: {
        ...about(run, model),
        checkpoints,
        success: true,
        responseResults: { added, updated, deleted },
        modifiedAfter: startedAt,
        // The same under its older name.
        queryTimeStamp: startedAt,
      },
    })
  }
}

/** One webhook for a run that failed. */
export async function queueFailure(
  ctx: EnvironmentCtx,
  run: ToldRun,
  row: Pick<SyncRunRow, "started_at">,
  failure: { error: Pick<RunError, "message" | "payload" | "upstream">; checkpoints: Range; at: number },
): Promise<void> {
  const { message, payload, upstream } = failure.error
  await queueWebhook(ctx, {
    type: "sync",
    found: run.found,
    when: "on_sync_error",
    body: {
      ...about(run, (run.models ?? []).join(",")),
      checkpoints: failure.checkpoints,
      success: false,
      error: {
        type: "script_error",
        description: message,
        payload,
        additional_properties: upstream ? { upstream_response: upstream } : undefined,
      },
      startedAt: isoTime(row.started_at),
      failedAt: isoTime(failure.at),
    },
  })
}

function about(run: ToldRun, model: string) {
  const { connection, integration } = run.found
  return {
    from: "nango",
    type: "sync",
    connectionId: connection.connection_id,
    providerConfigKey: integration.unique_key,
    syncName: run.syncName,
    syncVariant: run.variant,
    model,
    syncType: run.syncType,
  }
}
