import { createSync } from "nango"
import type { ApiItem } from "../../shared/api-item.js"
import { readLinks } from "../../shared/requests/links.js"
import { TrackerTicket } from "../models.js"

/** Walks the Link headers by hand, and reads a total from another header. */
export default createSync({
  description: "Tickets with their place in the list",
  version: "1.0.0",
  frequency: "every 6 hours",
  autoStart: false,
  models: { TrackerTicket },

  exec: async (nango) => {
    let params: Record<string, string> = { per_page: "3" }
    let position = 0
    while (true) {
      const response = await nango.get<ApiItem[]>({ endpoint: "/link/collections/tickets", params, retries: 3 })
      const of = Number(response.headers["x-total-count"] ?? response.headers["X-Total-Count"])
      const tickets = response.data.map(({ id, name }) => ({ id, subject: `Re: ${name}`, position: ++position, of }))
      await nango.batchSave(tickets, "TrackerTicket")
      const next = readLinks(response.headers["link"]).get("next")
      if (!next) break
      params = Object.fromEntries(next.searchParams)
    }
  },
})
