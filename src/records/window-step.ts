import { holdFence } from "../queue/fence.ts"
import { readInput } from "../store/input.ts"
import type { Step, StepDb } from "../store/store.ts"
import { StepError } from "../store/writer.ts"
import { startClock } from "./change-clock.ts"
import { addRunCounts, addTotals, ensureCollection, findCollection } from "./collection.ts"
import {
  closeRunShape,
  dropWindowsShape,
  findUnseenShape,
  markUnseenShape,
  openWindowShape,
  type Since,
} from "./model.ts"
import { dropStaleSightings, unseenParams, unseenSql, windowSql } from "./unseen.ts"

/**
 * `records.openWindow`: starts tracking deletes with this run as the generation. A window that is open already is
 * kept, so a run that goes on after a failure goes on with the same window. Answers `{ generation }`.
 */
export const openWindowStep: Step = {
  database: "main",
  run(db, input) {
    const call = readInput(openWindowShape, input)
    holdFence(db, call.fence)
    const collectionId = ensureCollection(db, call)
    db.run(
      "INSERT INTO delete_windows (collection_id, scope, run_id, opened_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      collectionId,
      call.scope,
      call.runId,
      Date.now(),
    )
    return { generation: findGeneration(db, collectionId, call.scope) }
  },
}

/**
 * `records.markUnseen`: deletes the live records that no run since the generation has seen, keeps their payloads, and
 * closes the window if a scope was given. Answers `{ deleted, found }`; `found` is false, and nothing happens, when
 * the window is gone (a reset dropped it while the run was going).
 */
export const markUnseenStep: Step = {
  database: "main",
  run(db, input) {
    const call = readSince(readInput(markUnseenShape, input))
    holdFence(db, call.fence)
    const collectionId = findCollection(db, call)
    if (collectionId === undefined) return { deleted: 0, found: call.generation !== undefined }
    const generation = call.generation ?? findGeneration(db, collectionId, call.scope as string)
    if (generation === undefined) return { deleted: 0, found: false }
    const deleted = deleteUnseen(db, collectionId, generation)
    if (call.scope !== undefined) {
      db.run("DELETE FROM delete_windows WHERE collection_id = ? AND scope = ?", collectionId, call.scope)
    }
    addTotals(db, collectionId, { live: -deleted, bytes: 0 })
    addRunCounts(db, call, { added: 0, updated: 0, deleted, unchanged: 0 })
    return { deleted, found: true }
  },
}

/**
 * `records.closeRun`: drops what the run has seen where no open window needs it. Every run that wrote records is
 * closed once, in the transaction that settles it and after `records.markUnseen`, however it ended.
 */
export const closeRunStep: Step = {
  database: "main",
  run(db, input) {
    const { fence, runId, connectionId } = readInput(closeRunShape, input)
    holdFence(db, fence)
    db.run(
      `UPDATE record_sightings SET run_id = -run_id
       WHERE run_id = ? AND collection_id IN (SELECT id FROM collections WHERE connection_id = ?)`,
      runId,
      connectionId,
    )
    dropStaleSightings(db, connectionId)
    return undefined
  },
}

/** `records.dropWindows`: closes without deleting anything the windows whose scope is the prefix or goes on after it with a colon. */
export const dropWindowsStep: Step = {
  database: "main",
  run(db, input) {
    const { connectionId, scopePrefix } = readInput(dropWindowsShape, input)
    const below = `${scopePrefix}:`
    const dropped = db.run(
      `DELETE FROM delete_windows WHERE collection_id IN (SELECT id FROM collections WHERE connection_id = ?)
         AND (scope = ? OR substr(scope, 1, length(?)) = ?)`,
      connectionId,
      scopePrefix,
      below,
      below,
    )
    if (dropped > 0) dropStaleSightings(db, connectionId)
    return { dropped }
  },
}

/**
 * `records.findUnseen`: what `records.markUnseen` would delete now. Answers `{ found, count, ids }` with up to `limit`
 * external ids. It writes nothing, but stands here because over a large collection it takes long enough to hold up
 * the main thread.
 */
export const findUnseenStep: Step = {
  database: "main",
  run(db, input): UnseenRecords {
    const call = readSince(readInput(findUnseenShape, input))
    const collectionId = findCollection(db, call)
    if (collectionId === undefined) return { found: call.generation !== undefined, count: 0, ids: [] }
    const generation = call.generation ?? findGeneration(db, collectionId, call.scope as string)
    if (generation === undefined) return { found: false, count: 0, ids: [] }
    const rows = db.all<{ id: string }>(
      `SELECT external_id AS id FROM records WHERE ${unseenSql} ORDER BY change`,
      ...unseenParams(collectionId, generation),
    )
    return {
      found: true,
      count: rows.length,
      ids: rows.slice(0, call.limit).map(({ id }) => id),
    }
  },
}
export type UnseenRecords = { found: boolean; count: number; ids: string[] }

function readSince<T extends Since>(input: T): T {
  if ((input.scope === undefined) !== (input.generation === undefined)) return input
  throw new StepError("invalid_input", "Either scope or generation must be given.")
}

const findGeneration = (db: StepDb, collectionId: number, scope: string): number | undefined =>
  db.get<{ generation: number }>(windowSql, collectionId, scope)?.generation

function deleteUnseen(db: StepDb, collectionId: number, generation: number): number {
  const rows = db.all<{ id: number }>(
    `SELECT id FROM records WHERE ${unseenSql} ORDER BY change`,
    ...unseenParams(collectionId, generation),
  )
  if (rows.length === 0) return 0
  const clock = startClock(db)
  const { nowUs } = clock
  for (const { id } of rows) {
    db.run("UPDATE records SET change = ?, updated_us = ?, deleted_us = ? WHERE id = ?", clock.next(), nowUs, nowUs, id)
  }
  clock.stop()
  return rows.length
}
