import type { Client } from "./client.ts"
import { readableTime, table } from "./print.ts"

export type SyncStatus = {
  id: string
  connection_id: string
  name: string
  variant: string
  status: "RUNNING" | "PAUSED" | "SUCCESS" | "ERROR" | "STOPPED"
  frequency: string | null
  finishedAt?: string
  nextScheduledSyncAt: string | null
  latestResult?: Record<string, { added: number; updated: number; deleted: number }>
  latestExecutionStatus?: "RUNNING" | "SUCCESS" | "STOPPED"
  recordCount: Record<string, number>
}
export type SyncChoice = { integration: string; connection?: string; names: string[] }

const pollMs = 100

export function readStatus(client: Client, choice: SyncChoice) {
  const query = {
    provider_config_key: choice.integration,
    connection_id: choice.connection,
    syncs: choice.names.length > 0 ? choice.names.join(",") : "*",
  }
  return client.call<{ syncs: SyncStatus[] }>("GET", "/sync/status", { query })
}

/**
 * Waits until each sync has ended a run that `before` does not know yet, and answers where they stand. A sync that is
 * deleted meanwhile is no longer waited for.
 */
export async function waitForRuns(client: Client, choice: SyncChoice, before: SyncStatus[]) {
  const known = new Map(before.map((sync) => [sync.id, sync.finishedAt]))
  for (;;) {
    const answer = await readStatus(client, choice)
    const open = answer.body.syncs.filter(
      (sync) => sync.status === "RUNNING" || sync.finishedAt === undefined || sync.finishedAt === known.get(sync.id),
    )
    if (open.length === 0) return answer
    await Bun.sleep(pollMs)
  }
}

export function statusTable(syncs: (SyncStatus & { integration: string })[]): string {
  return table(
    ["SYNC", "INTEGRATION", "CONNECTION", "STATUS", "FREQUENCY", "LAST RUN", "RECORDS", "LATEST"],
    syncs.map((sync) => [
      sync.variant === "base" ? sync.name : `${sync.name}::${sync.variant}`,
      sync.integration,
      sync.connection_id,
      sync.status,
      sync.frequency,
      readableTime(sync.finishedAt),
      Object.entries(sync.recordCount)
        .map(([model, count]) => `${model} ${count}`)
        .join(", "),
      latestText(sync.latestResult),
    ]),
  )
}

/** `Contact +2 ~1 -1`: added, updated, deleted. */
const latestText = (latest: SyncStatus["latestResult"]): string =>
  Object.entries(latest ?? {})
    .map(([model, counts]) => `${model} +${counts.added} ~${counts.updated} -${counts.deleted}`)
    .join(", ")
