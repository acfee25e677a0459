import { createSync } from "nango"
import type { ProxyConfiguration } from "nango"
import { GithubPullRequest } from "../../models.js"
import { type PullRequestNode, pullRequestsQuery, toPullRequest } from "../graphql/pull-requests.js"
import { Repository } from "../repository.js"

/** GraphQL is paged in the body: a dotted name such as `variables.after` becomes `{ variables: { after } }`. */
export default createSync({
  description: "Pull requests of a GitHub repository, through GraphQL",
  version: "1.0.0",
  frequency: "every hour",
  autoStart: true,
  scopes: ["repo"],
  metadata: Repository,
  models: { GithubPullRequest },

  exec: async (nango) => {
    const { owner, repo } = Repository.parse(await nango.getMetadata())
    await nango.trackDeletesStart("GithubPullRequest")

    const request: ProxyConfiguration = {
      // https://docs.github.com/en/graphql/reference/objects#pullrequest
      method: "POST",
      endpoint: "/graphql",
      data: { query: pullRequestsQuery, "variables.owner": owner, "variables.repo": repo },
      paginate: {
        type: "cursor",
        cursor_name_in_request: "variables.after",
        cursor_path_in_response: "data.repository.pullRequests.pageInfo.endCursor",
        response_path: "data.repository.pullRequests.nodes",
        limit_name_in_request: "variables.first",
        limit: 100,
      },
      retries: 5,
    }
    for await (const nodes of nango.paginate<PullRequestNode>(request)) {
      await nango.batchSave(nodes.map(toPullRequest), "GithubPullRequest")
    }

    await nango.trackDeletesEnd("GithubPullRequest")
  },
})
