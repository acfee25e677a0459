import { fromLines } from "../kit/lines.ts"
import { holdFence } from "../queue/fence.ts"
import { readInput } from "../store/input.ts"
import type { StepDb } from "../store/store.ts"
import { type ChangeClock, startClock } from "./change-clock.ts"
import { addRunCounts, addTotals, ensureCollection, findCollection } from "./collection.ts"
import { type Entry, parseEntry, readEntries } from "./entries.ts"
import { listedIdsMax, type RecordOutcome, writeRecordsShape } from "./model.ts"

/** What a step needs to know of a stored record; the payload is read only where it matters. */
export type StoredRecord = {
  id: number
  change: number
  hash: Uint8Array
  deleted_us: number | null
  pruned_us: number | null
  run_id: number
}

/** One decided write. `live` and `bytes` are what it does to the totals of the collection. */
export type Write = {
  id: string
  counts: "added" | "updated" | "deleted" | "unchanged" | undefined
  live: -1 | 0 | 1
  bytes: number
  run: (to: WriteTarget) => void
}
export type WriteTarget = {
  db: StepDb
  collectionId: number
  runId: number
  clock: ChangeClock
}

/** `seen`: leave the record as it is but remember that the run named it. `nothing`: not even that. */
export type Decision = Write | "seen" | "nothing"

/** Decides what happens to one record; throws `invalid_record`. It only reads. */
export type Decide = (db: StepDb, entry: Entry, stored: StoredRecord | undefined) => Decision

/** All at once: a third faster than a statement for each record (measured, 0.54 us each instead of 0.80). */
const findRecords = `SELECT named.key AS place, r.id, r.change, r.hash, r.deleted_us, r.pruned_us, r.run_id
  FROM json_each(?) AS named CROSS JOIN records AS r ON r.collection_id = ? AND r.external_id = named.value`

/**
 * The course of every step that takes records of a run: hold the fence, decide on every record, then write. Deciding
 * comes first as a whole, so an invalid record leaves no trace even inside a transaction that goes on.
 */
export function writeRecords(db: StepDb, input: unknown, body: string | undefined, decide: Decide): RecordOutcome {
  const call = readInput(writeRecordsShape, input)
  holdFence(db, call.fence)
  const { entries, duplicates } = readEntries(fromLines(call.ids), body)
  const known = findCollection(db, call)
  const records = known === undefined ? [] : readStored(db, known, entries)
  const outcome = emptyOutcome(duplicates)
  const writes: Write[] = []
  const seen: number[] = []
  for (const [place, entry] of entries.entries()) {
    const stored = records[place]
    const ignored = stored !== undefined && stored.change > (call.ignoreAfter ?? Number.MAX_SAFE_INTEGER)
    if (ignored) parseEntry(entry)
    const decision = ignored ? "seen" : decide(db, entry, stored)
    if (decision === "nothing") continue
    if (decision !== "seen") {
      writes.push(decision)
      continue
    }
    outcome.unchanged++
    if (stored && stored.run_id < call.runId) seen.push(stored.id)
  }
  if (writes.length > 0) {
    const collectionId = known ?? ensureCollection(db, call)
    applyWrites({ db, collectionId, runId: call.runId, clock: startClock(db) }, writes, outcome)
  }
  if (seen.length > 0) addSighting(db, known as number, call.runId, seen)
  if (entries.length > 0) addRunCounts(db, call, outcome)
  return outcome
}

/** What is stored of each entry, at the place that the entry has. */
function readStored(db: StepDb, collectionId: number, entries: Entry[]): (StoredRecord | undefined)[] {
  const ids = JSON.stringify(entries.map(({ id }) => id))
  const stored: (StoredRecord | undefined)[] = []
  for (const row of db.all<StoredRecord & { place: number }>(findRecords, ids, collectionId)) stored[row.place] = row
  return stored
}

function emptyOutcome(duplicates: string[]): RecordOutcome {
  return {
    added: 0,
    updated: 0,
    deleted: 0,
    unchanged: 0,
    addedIds: [],
    updatedIds: [],
    deletedIds: [],
    duplicates: duplicates.slice(0, listedIdsMax),
    lastChange: null,
  }
}

function applyWrites(to: WriteTarget, writes: Write[], outcome: RecordOutcome): void {
  const totals = { live: 0, bytes: 0 }
  for (const write of writes) {
    write.run(to)
    totals.live += write.live
    totals.bytes += write.bytes
    if (write.counts) countWrite(outcome, write.counts, write.id)
  }
  outcome.lastChange = to.clock.stop()
  addTotals(to.db, to.collectionId, totals)
}

function countWrite(outcome: RecordOutcome, kind: NonNullable<Write["counts"]>, id: string): void {
  outcome[kind]++
  if (kind === "unchanged") return
  const listed = outcome[`${kind}Ids`]
  if (listed.length < listedIdsMax) listed.push(id)
}

function addSighting(db: StepDb, collectionId: number, runId: number, recordIds: number[]): void {
  db.run(
    "INSERT INTO record_sightings (collection_id, run_id, record_ids) VALUES (?, ?, ?)",
    collectionId,
    runId,
    JSON.stringify(recordIds),
  )
}
