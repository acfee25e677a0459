import * as z from "zod"

export const Contact = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  status: z.string(),
  city: z.string().nullable(),
  tags: z.array(z.string()),
  updatedAt: z.string(),
})
export type Contact = z.infer<typeof Contact>

export const RecentContact = Contact.pick({ id: true, name: true, email: true, updatedAt: true })
export type RecentContact = z.infer<typeof RecentContact>

export const GithubIssue = z.object({
  id: z.string(),
  number: z.number(),
  title: z.string(),
  body: z.string().nullable(),
  state: z.string(),
  author: z.string().nullable(),
  labels: z.array(z.string()),
  url: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
})
export type GithubIssue = z.infer<typeof GithubIssue>

export const GithubComment = z.object({
  id: z.string(),
  issueUrl: z.string(),
  author: z.string().nullable(),
  body: z.string(),
  updatedAt: z.string(),
})
export type GithubComment = z.infer<typeof GithubComment>

export const GithubPullRequest = z.object({
  id: z.string(),
  number: z.number(),
  title: z.string(),
  state: z.enum(["OPEN", "CLOSED", "MERGED"]),
  author: z.string().nullable(),
  updatedAt: z.string(),
})
export type GithubPullRequest = z.infer<typeof GithubPullRequest>

export const GithubRelease = z.object({
  id: z.string(),
  tag: z.string(),
  name: z.string(),
  draft: z.boolean(),
  publishedAt: z.string().nullable(),
})
export type GithubRelease = z.infer<typeof GithubRelease>
