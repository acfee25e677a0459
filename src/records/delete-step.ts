import type { Step } from "../store/store.ts"
import { type Entry, invalidRecord, parseEntry } from "./entries.ts"
import { bareText, hashText, type Json } from "./payload.ts"
import { insertRecord } from "./stored-payload.ts"
import { type Decide, writeRecords } from "./write-step.ts"

/**
 * `records.delete`: marks records as deleted and keeps their last payload. A record that is deleted already is marked
 * anew, so that readers of changes meet it again; an unknown id leaves a tombstone. `deletedAt` of the given object, if
 * any, becomes the time of deletion. Only records that were live count as deleted.
 */
export const deleteStep: Step = {
  database: "main",
  run: (db, input, body) => writeRecords(db, input, body, decideDelete),
}

const decideDelete: Decide = (_db, entry, stored) => {
  const { id } = entry
  const deletedUs = readDeletedAt(entry, parseEntry(entry).deletedAt)
  if (!stored) {
    const text = bareText(id)
    return {
      id,
      counts: undefined,
      live: 0,
      bytes: Buffer.byteLength(text),
      run: (to) =>
        insertRecord(to, {
          id,
          text,
          hash: hashText(text),
          deletedUs: deletedUs ?? to.clock.nowUs,
        }),
    }
  }
  const wasLive = stored.deleted_us === null
  return {
    id,
    counts: wasLive ? "deleted" : undefined,
    live: wasLive ? -1 : 0,
    bytes: 0,
    run: ({ db, runId, clock }) =>
      db.run(
        "UPDATE records SET change = ?, updated_us = ?, deleted_us = ?, run_id = max(run_id, ?) WHERE id = ?",
        clock.next(),
        clock.nowUs,
        deletedUs ?? clock.nowUs,
        runId,
        stored.id,
      ),
  }
}

const yearOneMs = Date.parse("0001-01-01T00:00:00Z")

/** Microseconds of a date text or of epoch milliseconds; undefined for what counts as not given. */
function readDeletedAt(entry: Entry, value: Json | undefined): number | undefined {
  if (!value) return undefined
  const ms = typeof value === "string" || typeof value === "number" ? new Date(value).getTime() : Number.NaN
  const beyondMs = typeof value === "string" ? /T\d\d:\d\d:\d\d\.\d{3}(\d{1,3})/.exec(value)?.[1] : undefined
  const us = ms * 1000 + Number((beyondMs ?? "").padEnd(3, "0"))
  // Beyond the safe integers (year 2255) a time would not survive as a number.
  if (!Number.isSafeInteger(us) || ms < yearOneMs) throw invalidRecord(entry.index, "its deletedAt is not a date")
  return us
}
