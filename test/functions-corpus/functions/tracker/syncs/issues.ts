import { createSync } from "nango"
import * as z from "zod"
import type { ApiItem } from "../../shared/api-item.js"
import { TrackerIssue } from "../models.js"

/** The window for deletions stays open over a run that broke off: it is opened only where none is. */
export default createSync({
  description: "Issues, with their deletions",
  version: "1.0.0",
  frequency: "every hour",
  autoStart: false,
  scopes: ["issues:read"],
  checkpoint: z.object({ page: z.number() }),
  models: { TrackerIssue },

  exec: async (nango) => {
    const checkpoint = await nango.getCheckpoint()
    let page = checkpoint?.page ?? 1
    if (!checkpoint) await nango.trackDeletesStart("TrackerIssue")

    for await (const issues of nango.paginate<ApiItem>({
      endpoint: "/link/collections/issues",
      params: page > 1 ? { page: String(page) } : {},
      paginate: { type: "link", link_rel_in_response_header: "next", limit_name_in_request: "per_page", limit: 3 },
      retries: 0,
    })) {
      const records = issues.map(({ id, name, status, tags }) => ({ id, title: name, state: status, labels: tags }))
      await nango.batchSave(records, "TrackerIssue")
      await nango.saveCheckpoint({ page: ++page })
    }

    await nango.trackDeletesEnd("TrackerIssue")
    await nango.clearCheckpoint()
  },
})
