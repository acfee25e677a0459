import type { App } from "../app/context.ts"

const dayMs = 86_400_000

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
