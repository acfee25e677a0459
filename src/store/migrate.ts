import type { Database } from "bun:sqlite"
import { createHash } from "node:crypto"
import { defineFaults } from "../kit/errors.ts"
import logs0001 from "./migrations/sqlite/logs_0001_init.sql" with { type: "text" }
import logs0002 from "./migrations/sqlite/logs_0002_search.sql" with { type: "text" }
import main0001 from "./migrations/sqlite/main_0001_init.sql" with { type: "text" }
import main0002 from "./migrations/sqlite/main_0002_connect.sql" with { type: "text" }
import main0003 from "./migrations/sqlite/main_0003_providers.sql" with { type: "text" }
import main0004 from "./migrations/sqlite/main_0004_keys.sql" with { type: "text" }
import main0005 from "./migrations/sqlite/main_0005_secret_headers.sql" with { type: "text" }
import main0006 from "./migrations/sqlite/main_0006_failing_syncs.sql" with { type: "text" }

const faults = defineFaults({
  database_newer: [409, "The database was written by a newer sluice."],
  migration_changed: [409, "A migration that was already applied has changed."],
})

/** Numbered SQL, embedded. A migration that has landed is never edited: the checksum of each applied one is kept. */
export const migrations: Record<"main" | "logs", string[]> = {
  main: [main0001, main0002, main0003, main0004, main0005, main0006],
  logs: [logs0001, logs0002],
}

/** Brings a database to this executable's schema; refuses one that is newer. Each migration is one transaction. */
export function migrate(db: Database, which: "main" | "logs", list: string[] = migrations[which]): void {
  db.run(
    "CREATE TABLE IF NOT EXISTS migrations (id INTEGER PRIMARY KEY, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT",
  )
  const applied = db
    .query<{ id: number; checksum: string }, []>("SELECT id, checksum FROM migrations ORDER BY id")
    .all()
  if (applied.length > list.length) {
    throw faults.database_newer({
      message: `The ${which} database has schema ${applied.length}, but this sluice knows only ${list.length}.`,
      hint: "Start the newer sluice again, or restore a backup that was made before the upgrade.",
    })
  }
  for (const [index, sql] of list.entries()) {
    const checksum = createHash("sha256").update(sql).digest("hex")
    const done = applied[index]
    if (done && done.checksum !== checksum) {
      throw faults.migration_changed({
        message: `Migration ${done.id} of the ${which} database does not match this executable.`,
      })
    }
    if (!done) applyMigration(db, index + 1, sql, checksum)
  }
}

function applyMigration(db: Database, id: number, sql: string, checksum: string): void {
  db.transaction(() => {
    db.run(sql)
    db.run("INSERT INTO migrations (id, checksum, applied_at) VALUES (?, ?, ?)", [id, checksum, Date.now()])
  }).immediate()
}

/** The schema of a database as text, in a stable order: compared with `migrations/schema.sql` by a test. */
export function dumpSchema(db: Database): string {
  const rows = db
    .query<{ sql: string }, []>(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name",
    )
    .all()
  return rows.map((row) => `${row.sql.replace(/\s+/g, " ")};\n`).join("")
}
