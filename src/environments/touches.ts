import { inArray } from "drizzle-orm"
import type { Logger } from "pino"
import type { Store } from "../store/store.ts"
import { createTouches, type Touches } from "../store/touches.ts"
import { apiKeys } from "./model.ts"

/** Notes which keys were used. */
export function createKeyTouches(options: { store: Store; now: () => Date; log: Logger }): Touches {
  const { store, now, log } = options
  return createTouches({
    log,
    write: (ids) =>
      store.tx((tx) => tx.db.update(apiKeys).set({ last_used_at: now().getTime() }).where(inArray(apiKeys.id, ids))),
  })
}
