import type { Step } from "../store/store.ts"
import { parseEntry } from "./entries.ts"
import { equalJson, hashText, type JsonObject, mergeJson, sameHash } from "./payload.ts"
import { readPayload, replacePayload } from "./stored-payload.ts"
import { type Decide, writeRecords } from "./write-step.ts"

/**
 * `records.update`: merges each partial record into the stored one, deeply; arrays are replaced and null overwrites.
 * Ids that are unknown or deleted are passed over in silence.
 */
export const updateStep: Step = {
  database: "main",
  run: (db, input, body) => writeRecords(db, input, body, decideUpdate),
}

const decideUpdate: Decide = (db, entry, stored) => {
  const isLive = stored !== undefined && stored.deleted_us === null
  // A record merged with its own text is itself.
  if (isLive && stored.pruned_us === null && sameHash(stored.hash, hashText(entry.text))) return "seen"
  const partial = parseEntry(entry)
  if (!isLive) return "nothing"
  const before = readPayload(db, stored.id)
  const known = JSON.parse(before) as JsonObject
  const payload = mergeJson(known, partial)
  // Nothing but an id must not make a pruned record look complete.
  if (equalJson(known, payload)) return "seen"
  return replacePayload(entry.id, stored, before, { payload, hash: undefined })
}
