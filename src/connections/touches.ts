import { inArray } from "drizzle-orm"
import type { Logger } from "pino"
import type { Store } from "../store/store.ts"
import { connections } from "./model.ts"

/**
 * Collects which connections were read with their credentials and notes it together, every few seconds: a read must not
 * wait for a disk write. What a crash loses is only a date.
 */
export type Touches = { add: (connectionId: number) => void; flush: () => Promise<void> }

const flushMs = 5_000

export function createTouches(options: { store: Store; now: () => Date; log: Logger }): Touches {
  const { store, now, log } = options
  let pending = new Set<number>()
  let timer: ReturnType<typeof setTimeout> | undefined

  async function flush() {
    clearTimeout(timer)
    timer = undefined
    const ids = [...pending]
    pending = new Set()
    if (ids.length === 0) return
    const last_fetched_at = now().getTime()
    await store.tx((tx) => tx.db.update(connections).set({ last_fetched_at }).where(inArray(connections.id, ids)))
  }

  return {
    add(connectionId) {
      pending.add(connectionId)
      timer ??= setTimeout(() => {
        flush().catch((error) => log.error({ err: error }, "last_fetched_at could not be stored"))
      }, flushMs)
    },
    flush,
  }
}
