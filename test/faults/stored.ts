import { Database } from "bun:sqlite"
import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"

/**
 * Looks into the database that a killed daemon left behind, as it is on disk. It reads a copy: opening the file itself
 * would carry out the recovery that the next daemon has to do.
 */
export function readStored<T>(dataDir: string, read: (db: Database) => T, name = "sluice.db"): T {
  const folder = join(dataDir, "copy")
  mkdirSync(folder, { recursive: true })
  for (const suffix of ["", "-wal"]) {
    const file = `${name}${suffix}`
    if (existsSync(join(dataDir, file))) copyFileSync(join(dataDir, file), join(folder, file))
  }
  const db = new Database(join(folder, name), { readwrite: true, create: false })
  try {
    return read(db)
  } finally {
    db.close()
    rmSync(folder, { recursive: true })
  }
}

/** What SQLite itself says of the file: `ok`, or what is broken. */
export function integrityOf(db: Database): string {
  const rows = db.query<{ integrity_check: string }, []>("PRAGMA integrity_check").all()
  return rows.map((row) => row.integrity_check).join("\n")
}

/** The live checkpoint under a key. */
export function checkpointOf(db: Database, key: string): Record<string, unknown> | undefined {
  const sql = "SELECT value FROM checkpoints WHERE key = ? AND deleted_at IS NULL"
  const row = db.query<{ value: string }, [string]>(sql).get(key)
  return row ? (JSON.parse(row.value) as Record<string, unknown>) : undefined
}

/** Payloads of the live records by external id. */
export function payloadsOf(db: Database, model: string): Map<string, string> {
  const sql = `SELECT external_id AS id, payload FROM records JOIN collections ON collections.id = collection_id
    WHERE model = ? AND deleted_us IS NULL`
  return new Map(
    db
      .query<{ id: string; payload: string }, [string]>(sql)
      .all(model)
      .map(({ id, payload }) => [id, payload]),
  )
}

/** Numbers that should all be one: rows that share a change number, over the whole store. */
export function doubledChanges(db: Database): number {
  return db.query("SELECT change FROM records GROUP BY change HAVING count(*) > 1").all().length
}

/** The one task that is not finished. */
export function liveTask(db: Database): { state: string; losses: number } | undefined {
  const sql = "SELECT state, losses FROM tasks WHERE state <> 'finished'"
  return db.query<{ state: string; losses: number }, []>(sql).get() ?? undefined
}

/** Rows that only live while a run or a delete window does; when nothing runs there must be none. */
export function leftovers(db: Database): Record<string, number> {
  const count = (table: string) => db.query<{ n: number }, []>(`SELECT count(*) AS n FROM ${table}`).get()?.n ?? -1
  return Object.fromEntries(["delete_windows", "record_sightings", "locks"].map((table) => [table, count(table)]))
}
