import { createSync } from "nango"
import type { ProxyConfiguration } from "nango"
import * as z from "zod"
import { GithubIssue } from "../../models.js"
import { type ApiIssue, toIssue } from "../mappers/issue.js"

const Metadata = z.object({ owner: z.string(), repo: z.string() })
const Checkpoint = z.object({ page: z.number() })

/**
 * All issues of one repository. Every run walks the whole list, so what is gone from GitHub can be marked as deleted.
 * The checkpoint remembers the next page: a run that was interrupted is continued instead of begun again.
 */
export default createSync({
  description: "Issues of a GitHub repository, without pull requests",
  version: "1.0.0",
  frequency: "every hour",
  autoStart: true,
  scopes: ["repo"],
  metadata: Metadata,
  checkpoint: Checkpoint,
  models: { GithubIssue },

  exec: async (nango) => {
    const metadata = Metadata.safeParse(await nango.getMetadata())
    if (!metadata.success) {
      throw new nango.ActionError({
        type: "missing_metadata",
        message: "Set owner and repo in the connection's metadata",
      })
    }
    const { owner, repo } = metadata.data
    const checkpoint = await nango.getCheckpoint()
    let page = checkpoint?.page ?? 1
    if (!checkpoint) await nango.trackDeletesStart("GithubIssue")

    const request: ProxyConfiguration = {
      // https://docs.github.com/en/rest/issues/issues#list-repository-issues
      endpoint: `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}/issues`,
      params: { state: "all", sort: "created", direction: "asc", ...(page > 1 ? { page: String(page) } : {}) },
      paginate: {
        type: "link",
        link_rel_in_response_header: "next",
        limit_name_in_request: "per_page",
        limit: 100,
      },
      retries: 5,
    }
    for await (const found of nango.paginate<ApiIssue>(request)) {
      // GitHub lists pull requests as issues too.
      const issues = found.filter((issue) => issue.pull_request === undefined).map(toIssue)
      await nango.batchSave(issues, "GithubIssue")
      page += 1
      await nango.saveCheckpoint({ page })
    }

    await nango.trackDeletesEnd("GithubIssue")
    await nango.clearCheckpoint()
    await nango.log(`read ${owner}/${repo}`)
  },
})
