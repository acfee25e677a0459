import { createSync } from "nango"
import * as z from "zod"
import type { ApiItem } from "../../shared/api-item.js"
import { epoch, newest } from "../../shared/dates/newest.js"
import { splitName } from "../../shared/text/names/split.js"
import { CrmNote } from "../models.js"

/** Only what changed since the newest note of the run before. */
export default createSync({
  description: "Notes that were changed",
  version: "2.1.0",
  frequency: "every half hour",
  autoStart: false,
  checkpoint: z.object({ updated_since: z.string() }),
  models: { CrmNote },

  exec: async (nango) => {
    const checkpoint = await nango.getCheckpoint()
    let since = checkpoint?.updated_since ?? epoch
    const pages = nango.paginate<ApiItem>({
      endpoint: "/offset/collections/notes",
      params: { ...(checkpoint && { updated_since: checkpoint.updated_since }) },
      paginate: {
        type: "offset",
        offset_name_in_request: "offset",
        offset_calculation_method: "by-response-size",
        response_path: "data",
        limit_name_in_request: "limit",
        limit: 3,
      },
      retries: 10,
    })
    for await (const page of pages) {
      const notes = page.map(({ id, name, created_at, updated_at }) => {
        const { given, family } = splitName(name)
        return { id, author: `${family}, ${given}`, created_at, updated_at }
      })
      await nango.batchSave(notes, "CrmNote")
      since = newest(
        page.map((note) => note.updated_at),
        since,
      )
      await nango.saveCheckpoint({ updated_since: since })
    }
  },
})
