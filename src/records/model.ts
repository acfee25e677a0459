import { z } from "zod"
import { defineFaults } from "../kit/errors.ts"

/*
 * collection  the records of one (connection, full model name): has a small id and the totals. Not: table, cache.
 * record      one row of a collection, found by its external id.
 * external id what the function calls `id`, always as text, without NUL characters.
 * full model  the model name with its variant: `Issue`, `Issue::eu`. `countModel` is the name that run totals go by.
 * change      the number of a record's last modification, from one sequence for the whole store. Within a collection
 *             it is the order of commit and what a cursor holds. Not: version, sequence.
 * seen        a run has named the record, changed or not. The row's `run_id` says so, or a sighting does.
 * sighting    one row for each step that lists the records it saw and had no reason to write.
 * window      the time from trackDeletesStart to the closing of the run that ended it; `scope` is the checkpoint key.
 * generation  the run that opened a window: what no run from it on has seen is gone.
 * tombstone   a deleted record that never had a payload.
 *
 * The stored payload is the JSON text of the record with `id` as text (always there, once) and without
 * `_nango_metadata`; so a reader appends the metadata to the text and never parses it.
 */

export const recordFaults = defineFaults({
  invalid_sync_record: [400, "A record is not valid.", "legacy"],
  invalid_cursor: [400, "The cursor is not valid."],
  unknown_delete_window: [400, "There is no starting point for tracking deletes of this model."],
})

export type RecordFilter = "added" | "updated" | "deleted"

/** What a save, update or delete did. Lists are capped at `listedIdsMax`. */
export type RecordOutcome = {
  added: number
  updated: number
  deleted: number
  /** Includes records that the merging strategy left alone. */
  unchanged: number
  addedIds: string[]
  updatedIds: string[]
  deletedIds: string[]
  /** Ids that occurred more than once; the first occurrence won. */
  duplicates: string[]
  /** The last change number this step gave out; null when it changed nothing. */
  lastChange: number | null
}

export const listedIdsMax = 1000

/** The reference takes 1,000 records and 100 MB in one call; our guest does the same. */
export const recordsMax = 10_000
export const bodyCharactersMax = 100 * 1024 * 1024
export const externalIdMax = 255
export const nestingMax = 500

/** A row as the reading paths select it. */
export type RecordRow = {
  change: number
  payload: string
  created_us: number
  updated_us: number
  deleted_us: number | null
  pruned_us: number | null
}

const runId = z.int().positive()
const connectionId = z.int().positive()
const model = z.string().min(1).max(512)
const change = z.int().nonnegative()
const scope = z.string().min(1).max(1024)
const fence = z.object({ taskId: z.string(), attempt: z.int() }).optional()

/** Input of `records.save`, `records.update` and `records.delete`; the body has one JSON text per line, in the order of `ids`. */
export const WriteRecords = z.object({
  fence,
  runId,
  connectionId,
  model,
  countModel: model,
  ids: z.array(z.string()).max(recordsMax),
  /** Records that changed after this number are left as they are (merging strategy `ignore_if_modified_after`). */
  ignoreAfter: change.nullish(),
})
export type WriteRecords = z.infer<typeof WriteRecords>

export const OpenWindow = z.object({
  fence,
  runId,
  connectionId,
  model,
  scope,
})
export type OpenWindow = z.infer<typeof OpenWindow>

/** Exactly one of `scope` (an open window) and `generation` (a run id, no window) is given. */
export const MarkUnseen = z
  .object({
    fence,
    runId,
    connectionId,
    model,
    countModel: model,
    scope: scope.optional(),
    generation: runId.optional(),
  })
  .refine(
    (input) => (input.scope === undefined) !== (input.generation === undefined),
    "give either scope or generation",
  )
export type MarkUnseen = z.infer<typeof MarkUnseen>

export const FindUnseen = z
  .object({
    connectionId,
    model,
    scope: scope.optional(),
    generation: runId.optional(),
    limit: z.int().nonnegative(),
  })
  .refine(
    (input) => (input.scope === undefined) !== (input.generation === undefined),
    "give either scope or generation",
  )
export type FindUnseen = z.infer<typeof FindUnseen>

export const CloseRun = z.object({ fence, runId, connectionId })
export type CloseRun = z.infer<typeof CloseRun>

export const DropWindows = z.object({ connectionId, scopePrefix: scope })
export type DropWindows = z.infer<typeof DropWindows>

export const ClearRecords = z.object({
  connectionId,
  model,
  limit: z.int().positive(),
})
export type ClearRecords = z.infer<typeof ClearRecords>

export const PruneRecords = z.object({
  connectionId,
  model,
  untilChange: change,
  limit: z.int().min(1).max(10_000),
})
export type PruneRecords = z.infer<typeof PruneRecords>
