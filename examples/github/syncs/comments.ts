import { createSync } from "nango"
import * as z from "zod"
import { GithubComment } from "../../models.js"
import { pathOf, Repository } from "../repository.js"

type ApiComment = {
  id: number
  issue_url: string
  user: { login: string } | null
  body: string
  updated_at: string
}

const toComment = ({ id, issue_url, user, body, updated_at }: ApiComment): GithubComment => ({
  id: String(id),
  issueUrl: issue_url,
  author: user?.login ?? null,
  body,
  updatedAt: updated_at,
})

/** GitHub lists comments by their last change, so each page moves the checkpoint: the next run begins there. */
export default createSync({
  description: "Comments on issues that were written or changed",
  version: "1.0.0",
  frequency: "every 5 minutes",
  autoStart: true,
  scopes: ["repo"],
  metadata: Repository,
  checkpoint: z.object({ since: z.string() }),
  models: { GithubComment },

  exec: async (nango) => {
    const repository = Repository.parse(await nango.getMetadata())
    const checkpoint = await nango.getCheckpoint()
    const pages = nango.paginate<ApiComment>({
      // https://docs.github.com/en/rest/issues/comments#list-issue-comments-for-a-repository
      endpoint: `${pathOf(repository)}/issues/comments`,
      params: { sort: "updated", direction: "asc", ...(checkpoint && { since: checkpoint.since }) },
      paginate: { type: "link", link_rel_in_response_header: "next", limit_name_in_request: "per_page", limit: 100 },
      retries: 5,
    })
    for await (const page of pages) {
      const comments = page.map(toComment)
      await nango.batchSave(comments, "GithubComment")
      const last = comments.at(-1)
      if (last) await nango.saveCheckpoint({ since: last.updatedAt })
    }
  },
})
