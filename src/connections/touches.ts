import { inArray } from "drizzle-orm"
import type { Logger } from "pino"
import type { Store } from "../store/store.ts"
import { createTouches, type Touches } from "../store/touches.ts"
import { connections } from "./model.ts"

/** Notes which connections were read with their credentials. */
export function createConnectionTouches(options: { store: Store; now: () => Date; log: Logger }): Touches {
  const { store, now, log } = options
  return createTouches({
    log,
    write: (ids) =>
      store.tx((tx) =>
        tx.db.update(connections).set({ last_fetched_at: now().getTime() }).where(inArray(connections.id, ids)),
      ),
  })
}
