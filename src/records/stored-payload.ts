import type { StepDb } from "../store/store.ts"
import { canonicalText, equalJson, hashText, type JsonObject, sameHash } from "./payload.ts"
import type { StoredRecord, Write, WriteTarget } from "./write-step.ts"

/** Lets a pruned record be recognised when it is saved again, in whatever order its keys then come. */
export const prunedHash = (payload: JsonObject): Uint8Array => hashText(canonicalText(payload))

/** The stored text of a record that is known to exist. */
export function readPayload(db: StepDb, recordId: number): string {
  const row = db.get<{ text: string }>("SELECT payload AS text FROM records WHERE id = ?", recordId) as { text: string }
  return row.text
}

export const payloadBytes = (db: StepDb, recordId: number): number =>
  db.get<{ bytes: number }>("SELECT octet_length(payload) AS bytes FROM records WHERE id = ?", recordId)?.bytes ?? 0

type NewRecord = {
  id: string
  text: string
  hash: Uint8Array
  deletedUs: number | null
}

export function insertRecord({ db, collectionId, runId, clock }: WriteTarget, record: NewRecord): void {
  db.run(
    `INSERT INTO records (collection_id, external_id, change, hash, payload, created_us, updated_us, deleted_us, run_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    collectionId,
    record.id,
    clock.next(),
    record.hash,
    record.text,
    clock.nowUs,
    clock.nowUs,
    record.deletedUs,
    runId,
  )
}

/**
 * Puts a payload into a live record: nothing when it is equal to the stored one; a restore without a change number
 * when the record was pruned of exactly this payload; otherwise a change. `hash` is that of the text the payload came
 * as, so that the same text is recognised at once next time.
 */
export function replacePayload(
  id: string,
  stored: StoredRecord,
  before: string,
  after: { payload: JsonObject; hash: Uint8Array | undefined },
): Write | "seen" {
  const text = JSON.stringify(after.payload)
  if (stored.pruned_us === null && sameStored(before, text, after.payload)) return "seen"
  const hash = after.hash ?? hashText(text)
  const bytes = Buffer.byteLength(text) - Buffer.byteLength(before)
  if (stored.pruned_us !== null && sameHash(stored.hash, prunedHash(after.payload))) {
    const run: Write["run"] = ({ db, runId }) =>
      db.run(
        "UPDATE records SET hash = ?, payload = ?, pruned_us = NULL, run_id = max(run_id, ?) WHERE id = ?",
        hash,
        text,
        runId,
        stored.id,
      )
    return { id, counts: "unchanged", live: 0, bytes, run }
  }
  const run: Write["run"] = ({ db, runId, clock }) =>
    db.run(
      `UPDATE records SET change = ?, hash = ?, payload = ?, updated_us = ?, pruned_us = NULL,
         run_id = max(run_id, ?) WHERE id = ?`,
      clock.next(),
      hash,
      text,
      clock.nowUs,
      runId,
      stored.id,
    )
  return { id, counts: "updated", live: 0, bytes, run }
}

/** Both texts come from JSON.stringify, so when only the order of keys differs they have the same length. */
const sameStored = (before: string, text: string, payload: JsonObject): boolean =>
  before === text || (before.length === text.length && equalJson(JSON.parse(before) as JsonObject, payload))
