import { createSync } from "nango"
import type { ApiItem } from "../../shared/api-item.js"
import { ShopCustomer } from "../models.js"

/** Each variant of this sync reads one region of the shop. */
export default createSync({
  description: "Customers of a region",
  version: "1.0.0",
  frequency: "every 6min",
  autoStart: false,
  models: { ShopCustomer },

  exec: async (nango) => {
    const region = nango.variant === "base" ? "world" : nango.variant
    await nango.trackDeletesStart("ShopCustomer")
    for await (const page of nango.paginate<ApiItem>({
      endpoint: `/cursor/collections/customers-${region}`,
      paginate: {
        type: "cursor",
        cursor_name_in_request: "after",
        cursor_path_in_response: "paging.next.after",
        response_path: "data",
        limit_name_in_request: "limit",
        limit: 5,
      },
      retries: 3,
    })) {
      await nango.batchSave(
        page.map(({ id, name }) => ({ id, name, region })),
        "ShopCustomer",
      )
    }
    await nango.trackDeletesEnd("ShopCustomer")
  },
})
