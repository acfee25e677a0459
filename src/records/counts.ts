import { eq } from "drizzle-orm"
import { int, table, text } from "../store/columns.ts"
import type { Db, Store } from "../store/store.ts"

export type ModelCounts = Record<string, { added: number; updated: number; deleted: number }>

/** What a run changed so far, by base model. */
export async function runCounts(store: Store, runId: number): Promise<ModelCounts> {
  const rows = await store.select<{ model: string; added: number; updated: number; deleted: number }>(
    "SELECT model, added, updated, deleted FROM run_counts WHERE run_id = ? ORDER BY model",
    [runId],
  )
  return Object.fromEntries(rows.map(({ model, ...counts }) => [model, counts]))
}

const runCountsTable = table("run_counts", {
  run_id: int("run_id").notNull(),
  model: text("model").notNull(),
  added: int("added").notNull(),
  updated: int("updated").notNull(),
  deleted: int("deleted").notNull(),
})

/** The same as an open transaction sees it. */
export async function countsOf(db: Db, runId: number): Promise<ModelCounts> {
  const rows = await db.select().from(runCountsTable).where(eq(runCountsTable.run_id, runId))
  return Object.fromEntries(rows.map(({ run_id: _, model, ...counts }) => [model, counts]))
}
