import { createSync } from "nango"
import * as z from "zod"
import type { ApiItem } from "../../shared/api-item.js"
import { toOrder } from "../mappers/order.js"
import { ShopOrder } from "../models.js"

const limit = 3

/** Goes on at the stored offset. What `on_page` is given is the offset of the page that was just read. */
export default createSync({
  description: "Orders, continued where the last run stopped",
  version: "1.4.2",
  frequency: "every 5m",
  autoStart: false,
  checkpoint: z.object({ offset: z.number() }),
  models: { ShopOrder },

  exec: async (nango) => {
    const { offset = 0 } = (await nango.getCheckpoint()) ?? {}
    for await (const page of nango.paginate<ApiItem>({
      endpoint: "/offset/collections/orders",
      paginate: {
        type: "offset",
        offset_name_in_request: "offset",
        offset_start_value: offset,
        offset_calculation_method: "by-response-size",
        response_path: "data",
        limit_name_in_request: "limit",
        limit,
        on_page: async ({ nextPageParam }) => await nango.saveCheckpoint({ offset: Number(nextPageParam) + limit }),
      },
      retries: 0,
    })) {
      await nango.batchSave(page.map(toOrder), "ShopOrder")
    }
    await nango.clearCheckpoint()
  },
})
