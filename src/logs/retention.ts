import type { App } from "../app/context.ts"

const dayMs = 86_400_000
const megabyte = 1024 * 1024

/**
 * Removes operations and messages that are older than the settings say and then, as long as the database is larger than
 * they say, the oldest, in small batches. Answers how many rows went.
 */
export async function sweepLogs(app: App): Promise<number> {
  const now = app.now().getTime()
  let total = 0
  for (;;) {
    const deleted = await sweepBatch(app, now - app.config.logRetentionDays * dayMs)
    if (deleted === 0) break
    total += deleted
  }
  while ((await sizeOf(app)) > app.config.logMaxMb * megabyte) {
    const deleted = await sweepBatch(app, now)
    if (deleted === 0) break
    total += deleted
  }
  return total
}

async function sweepBatch(app: App, before: number): Promise<number> {
  const { deleted } = (await app.store.step({ name: "logs.sweep", input: { before } })) as { deleted: number }
  // Others write between two batches.
  await Bun.sleep(0)
  return deleted
}

const sizeOf = async (app: App): Promise<number> => (await app.store.step({ name: "logs.size", input: null })) as number
