import { createSync } from "nango"
import type { ApiItem } from "../../shared/api-item.js"
import { TrackerProject } from "../models.js"

/** The next page's address stands in the body. */
export default createSync({
  description: "Projects",
  version: "1.0.0",
  frequency: "every day",
  autoStart: false,
  models: { TrackerProject },

  exec: async (nango) => {
    await nango.trackDeletesStart("TrackerProject")
    for await (const page of nango.paginate<ApiItem>({
      endpoint: "/next/collections/projects",
      paginate: {
        type: "link",
        link_path_in_response_body: "next",
        response_path: "data",
        limit_name_in_request: "per_page",
        limit: 4,
      },
      retries: 3,
    })) {
      await nango.batchSave(
        page.map((project) => ({ id: project.id, name: project.name, lead: project.nested.owner.id })),
        "TrackerProject",
      )
    }
    await nango.trackDeletesEnd("TrackerProject")
  },
})
