import { eq } from "drizzle-orm"
import { type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { findConnection } from "../connections/connections.ts"
import { parseFrequency } from "../functions/frequency.ts"
import { findFunction } from "../functions/functions.ts"
import { setTiming } from "../queue/schedule.ts"
import { findSync } from "./find.ts"
import { timingOf } from "./instances.ts"
import { frequencyFaults, scheduleKey, syncFaults, syncs } from "./model.ts"

/** Gives a sync on one connection its own frequency, or with null the deployed one back. Answers the one that now holds. */
export async function updateFrequency(
  ctx: EnvironmentCtx,
  input: { providerConfigKey: string; connectionId: string; name: string; variant: string; frequency: string | null },
): Promise<string> {
  const found = await findConnection(ctx, input)
  if (!found) throw frequencyFaults.unknown_connection()
  const sync = await findSync(ctx, { connectionId: found.connection.id, name: input.name, variant: input.variant })
  const fn = await findFunction(ctx, { integrationId: found.integration.id, type: "sync", name: input.name })
  if (!sync || !fn) throw syncFaults.unknown_sync()
  const parsed = input.frequency === null ? undefined : parseFrequency(input.frequency)
  if (parsed && !parsed.ok) throw refuseFrequency(parsed)
  const frequency = parsed?.text ?? null
  await inTransaction(ctx, async (ctx) => {
    await ctx.db.update(syncs).set({ frequency }).where(eq(syncs.id, sync.id))
    const timing = timingOf({ frequency }, fn)
    if (timing) await setTiming(ctx, scheduleKey(sync.id), timing)
    ctx.tx.after(ctx.queue.wake)
  })
  return frequency ?? fn.definition.frequency ?? ""
}

function refuseFrequency({ code, message }: { code: string; message: string }) {
  if (code === "sync_interval_too_short") return syncFaults.invalid_body({ message: "Sync interval is invalid" })
  return syncFaults.invalid_body({ errors: [{ code: "invalid_format", message, path: ["frequency"] }] })
}
