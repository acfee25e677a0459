import { createSync } from "nango"
import type { ProxyConfiguration } from "nango"
import * as z from "zod"
import type { ApiItem } from "../../shared/api-item.js"
import { toDeal } from "../mappers/deal.js"
import { CrmDeal } from "../models.js"

/** Remembers the cursor of the next page, so that a run that broke off is continued. */
export default createSync({
  description: "Deals, page by page from where the last run stopped",
  version: "1.0.0",
  frequency: "every 5 minutes",
  autoStart: false,
  checkpoint: z.object({ cursor: z.string() }),
  models: { CrmDeal },

  exec: async (nango) => {
    const checkpoint = await nango.getCheckpoint()
    const request: ProxyConfiguration = {
      endpoint: "cursor/collections/deals",
      params: checkpoint ? { after: checkpoint.cursor } : {},
      paginate: {
        type: "cursor",
        cursor_name_in_request: "after",
        cursor_path_in_response: "next_cursor",
        response_path: "data",
        limit_name_in_request: "limit",
        limit: 3,
        on_page: async ({ nextPageParam }) => {
          if (typeof nextPageParam === "string") await nango.saveCheckpoint({ cursor: nextPageParam })
        },
      },
      retries: 0,
    }
    for await (const page of nango.paginate<ApiItem>(request)) await nango.batchSave(page.map(toDeal), "CrmDeal")
    await nango.clearCheckpoint()
  },
})
