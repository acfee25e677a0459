import type { SealedColumn } from "../store/columns.ts"
import type { Steps } from "../store/store.ts"

export type Reseal = Pick<SealedColumn, "table" | "column" | "primaryKey"> & {
  changes: { row: string | number; from: string; to: string }[]
}

export const keySteps: Steps = {
  /** Replaces ciphertexts that are still those that were read; one that was changed meanwhile has the new key already. */
  "keys.reseal": {
    database: "main",
    run(db, input) {
      const { table, column, primaryKey, changes } = input as Reseal
      const sql = `UPDATE "${table}" SET "${column}" = ? WHERE "${primaryKey}" = ? AND "${column}" = ?`
      let changed = 0
      for (const { row, from, to } of changes) changed += db.run(sql, to, row, from)
      return changed
    },
  },
}
