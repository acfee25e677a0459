import type { Step } from "../store/store.ts"
import { parseEntry } from "./entries.ts"
import { hashText, sameHash } from "./payload.ts"
import { insertRecord, payloadBytes, readPayload, replacePayload } from "./stored-payload.ts"
import { type Decide, writeRecords } from "./write-step.ts"

/**
 * `records.save`: upsert. A record that is new or was deleted is added, one whose payload differs is replaced as a
 * whole, one that is equal costs a hash comparison and no write.
 */
export const saveStep: Step = {
  database: "main",
  run: (db, input, body) => writeRecords(db, input, body, decideSave),
}

const decideSave: Decide = (db, entry, stored) => {
  const { id, text: sent } = entry
  const hash = hashText(sent)
  // The same text was checked when it was stored, so it need not be parsed.
  if (stored && stored.deleted_us === null && stored.pruned_us === null && sameHash(stored.hash, hash)) return "seen"
  const payload = parseEntry(entry)
  if (stored && stored.deleted_us === null)
    return replacePayload(id, stored, readPayload(db, stored.id), {
      payload,
      hash,
    })
  const text = JSON.stringify(payload)
  const bytes = Buffer.byteLength(text)
  if (!stored)
    return {
      id,
      counts: "added",
      live: 1,
      bytes,
      run: (to) => insertRecord(to, { id, text, hash, deletedUs: null }),
    }
  const recordId = stored.id
  const grown = bytes - payloadBytes(db, recordId)
  return {
    id,
    counts: "added",
    live: 1,
    bytes: grown,
    run: ({ db: target, runId, clock }) =>
      target.run(
        `UPDATE records SET change = ?, hash = ?, payload = ?, created_us = ?, updated_us = ?, deleted_us = NULL,
           pruned_us = NULL, run_id = max(run_id, ?) WHERE id = ?`,
        clock.next(),
        hash,
        text,
        clock.nowUs,
        clock.nowUs,
        runId,
        recordId,
      ),
  }
}
