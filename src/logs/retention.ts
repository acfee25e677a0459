import type { App } from "../app/context.ts"

const dayMs = 86_400_000
const everyMs = 60 * 60_000

/** Removes operations and messages that are older than the setting says, in small batches. Answers how many rows went. */
export async function sweepLogs(app: App): Promise<number> {
  const before = app.now().getTime() - app.config.logRetentionDays * dayMs
  let total = 0
  for (;;) {
    const { deleted } = (await app.store.step({ name: "logs.sweep", input: { before } })) as { deleted: number }
    if (deleted === 0) return total
    total += deleted
  }
}

/** Sweeps now and every hour. A sweep that fails is tried again at the next one. */
export function keepRetention(app: App): { stop: () => Promise<void> } {
  let sweeping: Promise<unknown> = Promise.resolve()
  const sweep = () => {
    sweeping = sweepLogs(app).catch((error) => app.log.error({ err: error }, "old log entries could not be removed"))
  }
  const timer = setInterval(sweep, everyMs)
  sweep()
  return {
    async stop() {
      clearInterval(timer)
      await sweeping
    },
  }
}
