import { createAction } from "nango"
import * as z from "zod"
import { GithubIssue } from "../../models.js"
import { type ApiIssue, toIssue } from "../mappers/issue.js"

const Input = z.object({
  owner: z.string().min(1),
  repo: z.string().min(1),
  title: z.string().min(1),
  body: z.string().optional(),
  labels: z.array(z.string()).optional(),
})

export default createAction({
  description: "Opens an issue in a GitHub repository",
  version: "1.0.0",
  scopes: ["repo"],
  input: Input,
  output: GithubIssue,

  exec: async (nango, input) => {
    const { data } = await nango.zodValidateInput({ zodSchema: Input, input })
    const { owner, repo, ...issue } = data
    const response = await nango.post<ApiIssue>({
      // https://docs.github.com/en/rest/issues/issues#create-an-issue
      endpoint: `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}/issues`,
      data: issue,
      // A second try could open a second issue.
      retries: 0,
    })
    return toIssue(response.data)
  },
})
