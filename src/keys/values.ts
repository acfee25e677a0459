import type { App } from "../app/context.ts"
import type { SealedColumn } from "../store/columns.ts"
import { sealedColumns } from "./model.ts"

export type SealedValue = { row: string | number; value: string | null }

/** Read on the thread that answers requests, and written in one transaction: both stay a matter of milliseconds. */
const batch = 200

/** Every value of a column in batches, by primary key. */
export async function* readColumn(
  app: App,
  { table, column, primaryKey, numbered }: SealedColumn,
): AsyncGenerator<SealedValue[], void, void> {
  const sql = `SELECT "${primaryKey}" AS row, "${column}" AS value FROM "${table}" WHERE "${primaryKey}" > ? ORDER BY "${primaryKey}" LIMIT ${batch}`
  let after: string | number = numbered ? 0 : ""
  for (;;) {
    const values: SealedValue[] = await app.store.select<SealedValue>(sql, [after])
    const last = values.at(-1)
    if (!last) return
    yield values
    after = last.row
    await Bun.sleep(0)
  }
}

/** How many rows a pass over every sealed column looks at. */
export async function countRows(app: App): Promise<number> {
  let rows = 0
  for (const { table } of sealedColumns) {
    const [counted] = await app.store.select<{ rows: number }>(`SELECT count(*) AS rows FROM "${table}"`, [])
    rows += counted?.rows ?? 0
    await Bun.sleep(0)
  }
  return rows
}
