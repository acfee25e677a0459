import { createSync } from "nango"
import type { ProxyConfiguration } from "nango"
import { Contact } from "../../models.js"
import { type ApiContact, toContact } from "../mappers/contact.js"

/** Copies the contacts of the fake provider page by page, and marks those that are gone as deleted. */
export default createSync({
  description: "Contacts of the fake provider",
  version: "1.0.0",
  frequency: "every 5 minutes",
  autoStart: true,
  models: { Contact },

  exec: async (nango) => {
    await nango.trackDeletesStart("Contact")

    const request: ProxyConfiguration = {
      endpoint: "/cursor/items",
      paginate: {
        type: "cursor",
        cursor_name_in_request: "after",
        cursor_path_in_response: "paging.next.after",
        response_path: "data",
        limit_name_in_request: "limit",
        limit: 100,
      },
      retries: 5,
    }
    for await (const page of nango.paginate<ApiContact>(request)) {
      await nango.batchSave(page.map(toContact), "Contact")
    }

    await nango.trackDeletesEnd("Contact")
  },
})
