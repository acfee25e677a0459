import { createSync, ProxyConfiguration } from "nango"
import * as z from "zod"
import { type PullRequestNode, pullRequestsQuery } from "../graphql/pull-requests.js"
import { TrackerPullRequest } from "../models.js"

/** GraphQL: the cursor travels in the variables of the body. */
export default createSync({
  description: "Pull requests through GraphQL",
  version: "1.0.0",
  frequency: "every hour",
  autoStart: false,
  metadata: z.object({ owner: z.string() }),
  models: { TrackerPullRequest },

  exec: async (nango) => {
    const { owner } = await nango.getMetadata()
    const request: ProxyConfiguration = {
      method: "POST",
      endpoint: "/graphql",
      data: { query: pullRequestsQuery, "variables.owner": owner },
      paginate: {
        type: "cursor",
        cursor_name_in_request: "variables.after",
        cursor_path_in_response: "data.repository.pullRequests.pageInfo.endCursor",
        response_path: "data.repository.pullRequests.nodes",
        limit_name_in_request: "variables.first",
        limit: 2,
      },
      retries: 0,
    }
    for await (const nodes of nango.paginate<PullRequestNode>(request)) {
      await nango.batchSave(nodes, "TrackerPullRequest")
    }
  },
})
