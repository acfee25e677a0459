import type { ApiItem } from "../../shared/api-item.js"
import type { ShopOrder } from "../models.js"

const euros = new Intl.NumberFormat("en-US", { style: "currency", currency: "EUR" })

export const toOrder = (order: ApiItem): ShopOrder => ({
  id: order.id,
  total: euros.format(order.amount),
  paid: order.status === "won",
  country: order.nested.address.country,
})
