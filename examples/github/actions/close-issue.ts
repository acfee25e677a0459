import { createAction } from "nango"
import * as z from "zod"
import { GithubIssue } from "../../models.js"
import { type ApiIssue, toIssue } from "../mappers/issue.js"
import { pathOf, Repository } from "../repository.js"

const Input = Repository.extend({
  number: z.int().positive(),
  reason: z.enum(["completed", "not_planned"]).default("completed"),
})

export default createAction({
  description: "Closes an issue",
  version: "1.0.0",
  scopes: ["repo"],
  input: Input,
  output: GithubIssue,

  exec: async (nango, input) => {
    // Parsing fills in the defaults.
    const { number, reason, ...repository } = Input.parse(input)
    try {
      const response = await nango.patch<ApiIssue>({
        // https://docs.github.com/en/rest/issues/issues#update-an-issue
        endpoint: `${pathOf(repository)}/issues/${number}`,
        data: { state: "closed", state_reason: reason },
        retries: 3,
      })
      return toIssue(response.data)
    } catch (error) {
      const { response } = error as { response?: { status: number; data: unknown } }
      // 404: no such issue, or no right to see it. 410: it was deleted.
      if (response?.status !== 404 && response?.status !== 410) throw error
      throw new nango.ActionError({
        type: "issue_not_found",
        message: `There is no issue ${number} in ${repository.owner}/${repository.repo}`,
        details: { status: response.status },
      })
    }
  },
})
