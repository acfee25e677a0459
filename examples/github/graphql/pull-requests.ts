import type { GithubPullRequest } from "../../models.js"

export const pullRequestsQuery = `
query ($owner: String!, $repo: String!, $first: Int!, $after: String) {
  repository(owner: $owner, name: $repo) {
    pullRequests(first: $first, after: $after, orderBy: { field: CREATED_AT, direction: ASC }) {
      nodes { id number title state author { login } updatedAt }
      pageInfo { endCursor }
    }
  }
}`

export type PullRequestNode = {
  id: string
  number: number
  title: string
  state: GithubPullRequest["state"]
  author: { login: string } | null
  updatedAt: string
}

export function toPullRequest(node: PullRequestNode): GithubPullRequest {
  return { ...node, author: node.author?.login ?? null }
}
