import { createSync } from "nango"
import * as z from "zod"
import { FileChange } from "../models.js"

type ApiChange = { file_id: string; removed?: boolean; name?: string; revision?: number }
type Changes = { changes: ApiChange[]; next_page?: string; new_start?: string }

/** A feed of changes: what was removed is told by the provider, so nothing has to be compared. */
export default createSync({
  description: "Changes since the last run",
  version: "1.0.0",
  frequency: "every 5 minutes",
  autoStart: false,
  checkpoint: z.object({ page: z.string() }),
  models: { FileChange },

  exec: async (nango) => {
    const checkpoint = await nango.getCheckpoint()
    let page: string | undefined = checkpoint?.page ?? "start"
    while (page !== undefined) {
      const { data }: { data: Changes } = await nango.get({ endpoint: "/changes", params: { page }, retries: 3 })
      const removed = data.changes.filter((change) => change.removed === true)
      const kept = data.changes.filter((change) => change.removed !== true)
      // Revisions are beyond what a number can hold.
      const revision = (change: ApiChange) => (BigInt(change.file_id.replace(/\D/g, "")) << 64n).toString(36)
      await nango.batchSave(
        kept.map((change) => ({ id: change.file_id, name: change.name ?? "unnamed", revision: revision(change) })),
        "FileChange",
      )
      await nango.batchDelete(
        removed.map((change) => ({ id: change.file_id })),
        "FileChange",
      )
      page = data.next_page
      const next = page ?? data.new_start
      if (next !== undefined) await nango.saveCheckpoint({ page: next })
    }
  },
})
