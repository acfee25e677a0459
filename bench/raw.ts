import { Database } from "bun:sqlite"
import { statSync } from "node:fs"
import { join } from "node:path"
import { migrations } from "../src/store/migrate.ts"
import { type BenchRecord, makeBatch } from "./records.ts"
import type { Timing } from "./report.ts"

const upsert = `INSERT INTO records (collection_id, external_id, change, hash, payload, created_us, updated_us, run_id)
  VALUES (?, ?, ?, ?, ?, ?, ?, 1)
  ON CONFLICT (collection_id, external_id) DO UPDATE SET change = excluded.change, hash = excluded.hash,
    payload = excluded.payload, updated_us = excluded.updated_us WHERE hash IS NOT excluded.hash`
const page = `SELECT change, payload, created_us, updated_us FROM records
  WHERE collection_id = ? AND change > ? ORDER BY change LIMIT ?`

type Row = { change: number; payload: string; created_us: number; updated_us: number }

/**
 * The base of the ratios: what one would write by hand. The same tables, indexes and pragmas as the daemon's, one
 * connection in this process, one prepared upsert, a transaction for each 1,000 rows.
 */
export function openRaw(directory: string) {
  const path = join(directory, "raw.db")
  const db = new Database(path, { create: true, strict: true })
  db.run("PRAGMA page_size = 8192")
  db.run("PRAGMA auto_vacuum = INCREMENTAL")
  db.run("PRAGMA journal_mode = WAL")
  db.run("PRAGMA synchronous = FULL")
  db.run("PRAGMA journal_size_limit = 67108864")
  for (const sql of migrations.main) db.run(sql)
  const write = db.prepare(upsert)
  const read = db.prepare<Row, [number, number, number]>(page)
  let change = 0

  function saveBatch(collection: number, records: BenchRecord[]): void {
    const nowUs = Date.now() * 1000
    db.run("BEGIN IMMEDIATE")
    for (const record of records) {
      const text = JSON.stringify(record)
      const hash = (Bun.SHA256.hash(text) as Uint8Array).slice(0, 16)
      write.run(collection, record.id, ++change, hash, text, nowUs, nowUs)
    }
    db.run("COMMIT")
  }

  return {
    /** Saves `count` records. `ms` counts the saving, not the making of the objects; `cpuMs` counts both, as the daemon's does. */
    save(collection: number, input: { count: number; batch: number; version: number }): Timing {
      const cpu = process.cpuUsage()
      let ms = 0
      for (let from = 0; from < input.count; from += input.batch) {
        const records = makeBatch(from, Math.min(input.batch, input.count - from), input.version)
        const start = performance.now()
        saveBatch(collection, records)
        ms += performance.now() - start
      }
      return { ms, cpuMs: ownCpuMs(cpu), count: input.count }
    },
    /** Reads all records in pages, each made into the JSON text that the API answers: parse, add the metadata, stringify. */
    read(collection: number, limit: number): Timing & { characters: number } {
      const cpu = process.cpuUsage()
      const start = performance.now()
      let [after, count, characters] = [0, 0, 0]
      while (true) {
        const rows = read.all(collection, after, limit)
        const records = rows.map(toPublic)
        characters += JSON.stringify({ records, next_cursor: rows.at(-1)?.change ?? null }).length
        count += rows.length
        after = rows.at(-1)?.change ?? after
        if (rows.length < limit) break
      }
      return { ms: performance.now() - start, cpuMs: ownCpuMs(cpu), count, characters }
    },
    /** Bytes of the database file once the log is in it. */
    sizeBytes(): number {
      db.run("PRAGMA wal_checkpoint(TRUNCATE)")
      return statSync(path).size
    },
    count: () => db.query<{ n: number }, []>("SELECT count(*) AS n FROM records").get()?.n ?? 0,
    close: () => db.close(),
  }
}

export type Raw = ReturnType<typeof openRaw>

function toPublic({ payload, change, created_us, updated_us }: Row) {
  return {
    ...(JSON.parse(payload) as BenchRecord),
    _nango_metadata: {
      first_seen_at: new Date(created_us / 1000).toISOString(),
      last_modified_at: new Date(updated_us / 1000).toISOString(),
      last_action: created_us === updated_us ? "ADDED" : "UPDATED",
      deleted_at: null,
      pruned_at: null,
      cursor: String(change),
    },
  }
}

function ownCpuMs(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
