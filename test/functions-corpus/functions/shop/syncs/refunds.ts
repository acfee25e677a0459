import { createSync } from "nango"
import type { ApiItem } from "../../shared/api-item.js"
import { ShopRefund } from "../models.js"

/** Older than checkpoints: asks for what changed since the last run that ended well. */
export default createSync({
  description: "Refunds since the last run",
  version: "3",
  frequency: "every hour",
  autoStart: false,
  syncType: "incremental",
  models: { ShopRefund },

  exec: async (nango) => {
    const params: Record<string, string> = {}
    if (nango.lastSyncDate) params["updated_since"] = nango.lastSyncDate.toISOString()
    const { data } = await nango.get<{ data: ApiItem[] }>({
      endpoint: "/offset/collections/refunds",
      params,
      retries: 3,
    })
    if (data.data.length === 0) return
    const refunds = data.data.map(({ id, amount, created_at }) => ({ id, amount: -amount, created_at }))
    await nango.batchSave(refunds, "ShopRefund")
  },
})
