import { createSync } from "nango"
import type { ApiItem } from "../../shared/api-item.js"
import { splitName } from "../../shared/text/names/split.js"
import { CrmOwner } from "../models.js"

/** The older way to detect deletions: the platform compares at the end of each run. Pages are counted from 1. */
export default createSync({
  description: "Owners of accounts",
  version: "1.0.0",
  frequency: "every day",
  autoStart: false,
  syncType: "full",
  trackDeletes: true,
  models: { CrmOwner },

  exec: async (nango) => {
    for await (const page of nango.paginate<ApiItem>({
      endpoint: "/page/collections/owners",
      paginate: {
        type: "offset",
        offset_name_in_request: "page",
        offset_start_value: 1,
        offset_calculation_method: "per-page",
        response_path: "data",
        limit_name_in_request: "per_page",
        limit: 5,
      },
      retries: 3,
    })) {
      const owners = page.map(({ id, name }) => {
        const { given, family } = splitName(name)
        return { id, given_name: given, family_name: family }
      })
      await nango.batchSave(owners, "CrmOwner")
    }
  },
})
