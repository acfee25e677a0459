import { createSync } from "nango"
import type { ApiItem } from "../../shared/api-item.js"
import { CrmCompany } from "../models.js"

/** Says nothing about pages but their size: the provider's entry knows the rest. */
export default createSync({
  description: "Companies of the CRM",
  version: "1.0.0",
  frequency: "every 6 hours",
  autoStart: false,
  models: { CrmCompany },

  exec: async (nango) => {
    const pages = nango.paginate<ApiItem>({
      endpoint: "/cursor/collections/companies",
      paginate: { limit: 4 },
      retries: 3,
    })
    for await (const page of pages) {
      const companies = page.map(({ id, name, active, nested }) => ({
        id,
        name,
        active,
        country: nested.address.country,
      }))
      await nango.batchSave(companies, "CrmCompany")
    }
  },
})
