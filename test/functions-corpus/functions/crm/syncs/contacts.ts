import { createSync } from "nango"
import { type ApiContact, toContact } from "../mappers/contact.js"
import { CrmContact } from "../models.js"

/** Cursor pages; every run sees all contacts, so those that are gone are marked. */
export default createSync({
  description: "All contacts of the CRM",
  version: "1.0.0",
  frequency: "every hour",
  autoStart: false,
  models: { CrmContact },

  exec: async (nango) => {
    await nango.trackDeletesStart("CrmContact")
    for await (const page of nango.paginate<ApiContact>({
      endpoint: "/cursor/collections/contacts",
      paginate: {
        type: "cursor",
        cursor_name_in_request: "after",
        cursor_path_in_response: "paging.next.after",
        response_path: "data",
        limit_name_in_request: "limit",
        limit: 3,
      },
      retries: 3,
    })) {
      await nango.batchSave(page.map(toContact), "CrmContact")
    }
    await nango.trackDeletesEnd("CrmContact")
  },
})
