export const pageSize = 100
export const model = "Item"
export const scope = "sync:items:base"

/** A sync as they are written for real: page by page, a checkpoint behind each page, deletes tracked over all attempts. */
export const pagingSync = {
  "fake/syncs/items.ts": `import { createSync } from "nango"
import * as z from "zod"

export default createSync({
  description: "All items, page by page",
  version: "1.0.0",
  frequency: "every day",
  autoStart: true,
  checkpoint: z.object({ page: z.number() }),
  models: { Item: z.object({ id: z.string() }) },
  exec: async (nango) => {
    const checkpoint = await nango.getCheckpoint()
    if (checkpoint === null) await nango.trackDeletesStart("Item")
    for (let page = Number(checkpoint?.page ?? 0); ; page++) {
      const offset = page * ${pageSize}
      const { data } = await nango.get({ endpoint: "/offset/items", params: { limit: "${pageSize}", offset: String(offset) } })
      if (data.data.length > 0) await nango.batchSave(data.data, "Item")
      await nango.saveCheckpoint({ page: page + 1 })
      if (offset + ${pageSize} >= data.total) break
    }
    await nango.trackDeletesEnd("Item")
    await nango.clearCheckpoint()
  },
})
`,
}
