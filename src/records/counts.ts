import type { Store } from "../store/store.ts"

export type ModelCounts = Record<string, { added: number; updated: number; deleted: number }>

/** What a run changed so far, by base model. */
export async function runCounts(store: Store, runId: number): Promise<ModelCounts> {
  const rows = await store.select<{ model: string; added: number; updated: number; deleted: number }>(
    "SELECT model, added, updated, deleted FROM run_counts WHERE run_id = ? ORDER BY model",
    [runId],
  )
  return Object.fromEntries(rows.map(({ model, ...counts }) => [model, counts]))
}
