import { createSync } from "nango"
import * as z from "zod"
import { HrUnit } from "../models.js"

type ApiUnit = { id: string; name: string; parent?: string; units: string[] }

const Queue = z.array(z.string())

/** The queue of what is still to be read is kept as JSON, because a checkpoint is flat. */
export default createSync({
  description: "Organisational units, from the top",
  version: "1.0.0",
  frequency: "every week",
  autoStart: false,
  checkpoint: z.object({ queue: z.string(), read: z.number() }),
  models: { HrUnit },

  exec: async (nango) => {
    const checkpoint = await nango.getCheckpoint()
    let queue = checkpoint ? Queue.parse(JSON.parse(checkpoint.queue)) : ["company"]
    let read = checkpoint?.read ?? 0
    while (queue.length > 0) {
      const [id = "", ...rest] = queue
      const { data } = await nango.get<ApiUnit>({ endpoint: `/units/${id}`, retries: 0 })
      await nango.batchSave([{ id, name: data.name, parent: data.parent ?? null }], "HrUnit")
      queue = [...rest, ...data.units]
      read += 1
      await nango.saveCheckpoint({ queue: JSON.stringify(queue), read })
    }
    await nango.clearCheckpoint()
    await nango.log(`read ${read} units`)
  },
})
