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
