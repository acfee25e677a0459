import { defineFaults } from "../kit/errors.ts"
import { type Fence, fence } from "../queue/fence.ts"
import { type InputShape, optional, text, listed, whole } from "../store/input.ts"

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

const id = whole(1)
const model = text(512)
const scope = text(1024)

/** Input of `records.save`, `records.update` and `records.delete`; the body has one JSON text per line, in the order of `ids`. */
export type WriteRecords = {
  fence?: Fence
  runId: number
  connectionId: number
  model: string
  countModel: string
  /** A line each; see `kit/lines.ts`. */
  ids: string
  /** Records that changed after this number are left as they are (merging strategy `ignore_if_modified_after`). */
  ignoreAfter?: number | null
}
export const writeRecordsShape: InputShape<WriteRecords> = {
  fence: optional(fence),
  runId: id,
  connectionId: id,
  model,
  countModel: model,
  ids: listed(recordsMax),
  ignoreAfter: optional(whole(0)),
}

export type OpenWindow = { fence?: Fence; runId: number; connectionId: number; model: string; scope: string }
export const openWindowShape: InputShape<OpenWindow> = {
  fence: optional(fence),
  runId: id,
  connectionId: id,
  model,
  scope,
}

/** What nobody has seen since: an open window (`scope`) or a run (`generation`, no window). Exactly one is given. */
export type Since = { scope?: string; generation?: number }
const since: InputShape<Since> = { scope: optional(scope), generation: optional(id) }

export type MarkUnseen = Since & {
  fence?: Fence
  runId: number
  connectionId: number
  model: string
  countModel: string
}
export const markUnseenShape: InputShape<MarkUnseen> = {
  ...since,
  fence: optional(fence),
  runId: id,
  connectionId: id,
  model,
  countModel: model,
}

export type FindUnseen = Since & { connectionId: number; model: string; limit: number }
export const findUnseenShape: InputShape<FindUnseen> = { ...since, connectionId: id, model, limit: whole(0) }

export type CloseRun = { fence?: Fence; runId: number; connectionId: number }
export const closeRunShape: InputShape<CloseRun> = { fence: optional(fence), runId: id, connectionId: id }

export type DropWindows = { connectionId: number; scopePrefix: string }
export const dropWindowsShape: InputShape<DropWindows> = { connectionId: id, scopePrefix: scope }

export type ClearRecords = { connectionId: number; model: string; limit: number }
export const clearRecordsShape: InputShape<ClearRecords> = { connectionId: id, model, limit: whole(1) }

export type PruneRecords = { connectionId: number; model: string; untilChange: number; limit: number }
export const pruneRecordsShape: InputShape<PruneRecords> = {
  connectionId: id,
  model,
  untilChange: whole(0),
  limit: whole(1, 10_000),
}
