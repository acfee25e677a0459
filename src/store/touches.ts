import type { Logger } from "pino"

/**
 * Collects which rows were used, and notes it together every few seconds: a read must not wait for a disk write. What a
 * crash loses is only a date.
 */
export type Touches = { add: (id: number) => void; flush: () => Promise<void> }

const flushMs = 5_000

export function createTouches(options: { write: (ids: number[]) => Promise<unknown>; log: Logger }): Touches {
  const { write, log } = options
  let pending = new Set<number>()
  let timer: ReturnType<typeof setTimeout> | undefined

  async function flush() {
    clearTimeout(timer)
    timer = undefined
    const ids = [...pending]
    pending = new Set()
    if (ids.length > 0) await write(ids)
  }

  return {
    add(id) {
      pending.add(id)
      timer ??= setTimeout(() => {
        flush().catch((error) => log.error({ err: error }, "when rows were used last could not be stored"))
      }, flushMs)
    },
    flush,
  }
}
