import type { GithubIssue } from "../../models.js"

/** The part of GitHub's answer that we read: https://docs.github.com/en/rest/issues/issues */
export type ApiIssue = {
  id: number
  number: number
  title: string
  body: string | null
  state: string
  user: { login: string } | null
  labels: (string | { name?: string })[]
  html_url: string
  created_at: string
  updated_at: string
  pull_request?: unknown
}

export function toIssue(issue: ApiIssue): GithubIssue {
  return {
    id: String(issue.id),
    number: issue.number,
    title: issue.title,
    body: issue.body,
    state: issue.state,
    author: issue.user?.login ?? null,
    labels: issue.labels.map((label) => (typeof label === "string" ? label : (label.name ?? ""))),
    url: issue.html_url,
    createdAt: issue.created_at,
    updatedAt: issue.updated_at,
  }
}
