import { encodeCursor } from "./cursor.ts"
import type { RecordRow } from "./model.ts"

/** The columns that `recordText` needs. */
export const recordColumns = "change, payload, created_us, updated_us, deleted_us, pruned_us"

/** A time in microseconds since the epoch as `2023-09-18T15:20:35.941305+00:00`. */
export function formatMicros(us: number): string {
  const seconds = Math.floor(us / 1_000_000)
  const fraction = String(us - seconds * 1_000_000).padStart(6, "0")
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}+00:00`
}

/**
 * A record as JSON text on the wire: the stored payload with `_nango_metadata` appended. The payload is an object with
 * at least `id`, ends with its closing brace, and has no `_nango_metadata` of its own.
 */
export function recordText(row: RecordRow): string {
  const modified = formatMicros(row.updated_us)
  const seen = row.created_us === row.updated_us ? modified : formatMicros(row.created_us)
  return (
    `${row.payload.slice(0, -1)},"_nango_metadata":{"first_seen_at":"${seen}","last_modified_at":"${modified}",` +
    `"last_action":"${lastAction(row)}","deleted_at":${timeOrNull(row.deleted_us)},"pruned_at":${timeOrNull(row.pruned_us)},` +
    `"cursor":"${encodeCursor(row.change)}"}}`
  )
}

function lastAction(row: RecordRow): "ADDED" | "UPDATED" | "DELETED" {
  if (row.deleted_us !== null) return "DELETED"
  return row.created_us === row.updated_us ? "ADDED" : "UPDATED"
}

const timeOrNull = (us: number | null) => (us === null ? "null" : `"${formatMicros(us)}"`)
