import { createSync } from "nango"
import type { NangoSync, ProxyConfiguration } from "nango"
import type { ApiItem } from "../../shared/api-item.js"
import { ChatMember } from "../models.js"

const request: ProxyConfiguration = {
  endpoint: "/cursor/collections/members",
  paginate: {
    type: "cursor",
    cursor_name_in_request: "cursor",
    cursor_path_in_response: "next_cursor",
    response_path: "data",
    limit_name_in_request: "limit",
    limit: 3,
  },
  retries: 3,
}

/** Turns pages of the API into pages of records, and counts. */
async function* memberPages(nango: Pick<NangoSync, "paginate">): AsyncGenerator<ChatMember[], number> {
  let count = 0
  for await (const page of nango.paginate<ApiItem>(request)) {
    count += page.length
    yield page.map(({ id, name, number }) => ({ id, name, role: number === 1 ? "owner" : "member" }))
  }
  return count
}

/** Drives the generator by hand, because its return value is wanted too. */
export default createSync({
  description: "Members of the workspace",
  version: "1.0.0",
  frequency: "every day",
  autoStart: false,
  models: { ChatMember },

  exec: async (nango) => {
    const pages = memberPages(nango)[Symbol.asyncIterator]()
    let step = await pages.next()
    while (!step.done) {
      await nango.batchSave(step.value, "ChatMember")
      step = await pages.next()
    }
    await nango.log(`read ${step.value} members`, { level: "info" })
  },
})
