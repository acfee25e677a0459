import { createSync } from "nango"
import * as z from "zod"
import { RecentContact } from "../../models.js"
import type { ApiContact } from "../mappers/contact.js"

const Checkpoint = z.object({ updatedSince: z.string() })

/**
 * Only what has changed since the newest contact that was read before. The first run reads everything, later ones a page or
 * two; what was deleted cannot be seen this way.
 */
export default createSync({
  description: "Contacts of the fake provider that have changed",
  version: "1.0.0",
  frequency: "every 5 minutes",
  autoStart: true,
  checkpoint: Checkpoint,
  models: { RecentContact },

  exec: async (nango) => {
    const checkpoint = await nango.getCheckpoint()
    let newest = checkpoint?.updatedSince ?? ""
    const pages = nango.paginate<ApiContact>({
      endpoint: "/offset/items",
      params: checkpoint ? { updated_since: checkpoint.updatedSince } : {},
      paginate: {
        type: "offset",
        offset_name_in_request: "offset",
        response_path: "data",
        limit_name_in_request: "limit",
        limit: 100,
      },
      retries: 5,
    })
    for await (const page of pages) {
      const contacts = page.map(({ id, name, email, updated_at }) => ({ id, name, email, updatedAt: updated_at }))
      await nango.batchSave(contacts, "RecentContact")
      for (const { updatedAt } of contacts) if (updatedAt > newest) newest = updatedAt
    }
    // Not after each page: the list is not sorted by date, so the newest one may come first.
    if (newest !== "") await nango.saveCheckpoint({ updatedSince: newest })
  },
})
