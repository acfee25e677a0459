import { Database } from "bun:sqlite"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type KeyRing, keyIdOf, unseal } from "../../src/kit/crypto.ts"
import { sealedColumns } from "../../src/keys/model.ts"
import { until } from "../helpers/sluice.ts"

/** Sealed values of a closed or running daemon: `table.column` → row → ciphertext. */
export function sealedValues(dataDir: string): Map<string, Map<string | number, string>> {
  const db = new Database(join(dataDir, "sluice.db"), { readonly: true })
  try {
    return new Map(
      sealedColumns.map(({ table, column, primaryKey }) => {
        const rows = db
          .query(`SELECT "${primaryKey}", "${column}" FROM "${table}" WHERE "${column}" IS NOT NULL`)
          .values()
        return [`${table}.${column}`, new Map(rows as [string | number, string][])]
      }),
    )
  } finally {
    db.close()
  }
}

/** The same in clear. */
export const openedValues = (dataDir: string, ring: KeyRing) =>
  new Map(
    [...sealedValues(dataDir)].map(([name, rows]) => {
      const [table = "", column = ""] = name.split(".")
      return [name, new Map([...rows].map(([row, text]) => [row, unseal(ring, { table, column, row }, text)]))]
    }),
  )

/** The ids of the keys that sealed values still need. */
export const keysOf = (dataDir: string): string[] => [
  ...new Set(
    [...sealedValues(dataDir).values()].flatMap((rows) => [...rows.values()].map((text) => keyIdOf(text) ?? "")),
  ),
]

/**
 * The files of the data directory whose bytes hold the text, once what is in the journal is in the database; `vacuum` also
 * takes what no row holds any more out of its pages.
 */
export function filesWith(dataDir: string, text: string, options: { vacuum?: boolean } = {}): string[] {
  const db = new Database(join(dataDir, "sluice.db"))
  if (options.vacuum) db.run("VACUUM")
  db.run("PRAGMA wal_checkpoint(TRUNCATE)")
  db.close()
  return readdirSync(dataDir).filter((name) => readFileSync(join(dataDir, name), "latin1").includes(text))
}

type Call = (method: string, path: string) => Promise<{ body: any }>

/** Waits until the rotation has ended, and gives its last state. */
export const ended = (call: Call): Promise<any> =>
  until(async () => {
    const { data } = (await call("GET", "/sluice/keys/rotation")).body
    return data?.state !== "running" && data
  }, "the rotation to end")
