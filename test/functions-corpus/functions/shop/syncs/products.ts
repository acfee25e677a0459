import { createSync } from "nango"
import type { ApiItem } from "../../shared/api-item.js"
import { ShopProduct } from "../models.js"

/** Pages are numbered from 1, and an empty one is the end: there is no limit to compare with. */
export default createSync({
  description: "Products on sale",
  version: "1.0.0",
  frequency: "every 30 minutes",
  autoStart: false,
  models: { ShopProduct },

  exec: async (nango) => {
    for await (const page of nango.paginate<ApiItem>({
      endpoint: "/page/collections/products?per_page=4",
      paginate: {
        type: "offset",
        offset_name_in_request: "page",
        offset_start_value: 1,
        offset_calculation_method: "per-page",
        response_path: "data",
      },
      retries: 3,
    })) {
      const onSale = page.filter((product) => product.active)
      const products = onSale.map(({ id, number, name, amount }) => ({
        id,
        sku: `SKU-${String(number).padStart(5, "0")}`,
        title: name,
        price: amount,
      }))
      await nango.batchSave(products, "ShopProduct")
    }
  },
})
