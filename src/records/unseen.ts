import type { SqlValue, StepDb } from "../store/store.ts"

/** The part of a WHERE clause that holds for the live records of a collection that no run from `generation` on has seen. */
export const unseenSql = `collection_id = ? AND deleted_us IS NULL AND run_id < ? AND id NOT IN (
  SELECT seen.value FROM record_sightings, json_each(record_sightings.record_ids) AS seen
  WHERE record_sightings.collection_id = ? AND (record_sightings.run_id >= ? OR record_sightings.run_id <= ?))`

export const unseenParams = (collectionId: number, generation: number): SqlValue[] => [
  collectionId,
  generation,
  collectionId,
  generation,
  -generation,
]

export const windowSql = "SELECT run_id AS generation FROM delete_windows WHERE collection_id = ? AND scope = ?"

/**
 * Drops the sightings of finished runs that no open window needs. A sighting of a run that goes on has the run's id;
 * when the run is closed it is dropped, or, while a window needs it, kept with the id negated. So a run that is still
 * going never loses what it has seen to the end of another.
 */
export function dropStaleSightings(db: StepDb, connectionId: number): void {
  db.run(
    `DELETE FROM record_sightings WHERE run_id < 0 AND collection_id IN (SELECT id FROM collections WHERE connection_id = ?)
       AND NOT EXISTS (SELECT 1 FROM delete_windows WHERE delete_windows.collection_id = record_sightings.collection_id
         AND delete_windows.run_id <= -record_sightings.run_id)`,
    connectionId,
  )
}
