import { createAction } from "nango"
import * as z from "zod"

/** Two payrolls at once would pay twice. The checkpoint of an action outlives its run. */
export default createAction({
  description: "Runs the payroll of a month, once",
  version: "1.0.0",
  input: z.object({ month: z.iso.date() }),
  output: z.object({ run: z.boolean(), last: z.string().nullable() }),
  checkpoint: z.object({ month: z.string() }),

  exec: async (nango, { month }) => {
    const key = `payroll:${nango.connectionId.length > 0}`
    if (!(await nango.tryAcquireLock({ key, ttlMs: 60_000 }))) {
      throw new nango.ActionError({ type: "locked", message: "Another payroll is running" })
    }
    const checkpoint = await nango.getCheckpoint()
    if (checkpoint?.month === month) return { run: false, last: checkpoint.month }
    await nango.post({ endpoint: "/status/200", params: { month }, retries: 0 })
    await nango.saveCheckpoint({ month })
    await nango.releaseLock({ key })
    return { run: true, last: checkpoint?.month ?? null }
  },
})
