export const pullRequestsQuery = `query ($owner: String!, $first: Int!, $after: String) {
  repository(owner: $owner) {
    pullRequests(first: $first, after: $after) { nodes { id number title merged } pageInfo { endCursor } }
  }
}`

export type PullRequestNode = { id: string; number: number; title: string; merged: boolean }
