import * as z from "zod"

export const TrackerIssue = z.object({
  id: z.string(),
  title: z.string(),
  state: z.string(),
  labels: z.array(z.string()),
})
export type TrackerIssue = z.infer<typeof TrackerIssue>

export const TrackerProject = z.object({ id: z.string(), name: z.string(), lead: z.string() })
export type TrackerProject = z.infer<typeof TrackerProject>

export const TrackerTicket = z.object({ id: z.string(), subject: z.string(), position: z.int(), of: z.int() })
export type TrackerTicket = z.infer<typeof TrackerTicket>

export const TrackerPullRequest = z.object({ id: z.string(), number: z.int(), title: z.string(), merged: z.boolean() })
export type TrackerPullRequest = z.infer<typeof TrackerPullRequest>

export const TrackerEvent = z.object({ id: z.string(), action: z.string(), subject: z.string() })
export type TrackerEvent = z.infer<typeof TrackerEvent>

export const TrackerLabel = z.object({ id: z.string(), used: z.int() })
export type TrackerLabel = z.infer<typeof TrackerLabel>
