import type { Store } from "../store/store.ts"
import type { CollectionKey } from "./collection.ts"

const stepRows = 5_000

/** Removes every record of a collection for good, in bounded steps, so that other writes find their turn. */
export async function clearRecords(store: Store, key: CollectionKey): Promise<void> {
  const input = { ...key, limit: stepRows }
  while (((await store.step({ name: "records.clear", input })) as { more: boolean }).more);
}
