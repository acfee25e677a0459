import { createSync } from "nango"
import type { ApiItem } from "../../shared/api-item.js"
import { toEmployee } from "../mappers/employee.js"
import { HrEmployee } from "../models.js"

/** What an event changed meanwhile is newer than what this run reads. Paging comes from the provider's entry. */
export default createSync({
  description: "Employees",
  version: "1.0.0",
  frequency: "every 6 hours",
  autoStart: false,
  models: { HrEmployee },

  exec: async (nango) => {
    await nango.setMergingStrategy({ strategy: "ignore_if_modified_after" }, "HrEmployee")
    for await (const page of nango.paginate<ApiItem>({
      endpoint: "/offset/collections/employees",
      paginate: { limit: 3 },
      retries: 3,
    })) {
      await nango.batchSave(page.map(toEmployee), "HrEmployee")
    }
  },
})
