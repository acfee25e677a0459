import { createSync } from "nango"
import * as z from "zod"
import type { ApiItem } from "../../shared/api-item.js"
import { TrackerEvent } from "../models.js"

const Payload = z.object({
  action: z.enum(["opened", "closed", "deleted"]),
  issue: z.object({ id: z.string(), title: z.string() }),
})

/** Webhooks keep the records fresh between two runs. */
export default createSync({
  description: "Events of issues, by webhook and by polling",
  version: "1.0.0",
  frequency: "every day",
  autoStart: false,
  webhookSubscriptions: ["issues.opened", "issues.closed", "issues.deleted"],
  models: { TrackerEvent },

  exec: async (nango) => {
    const { data } = await nango.get<{ data: ApiItem[] }>({
      endpoint: "/page/collections/events?per_page=5",
      params: { page: 1 },
      retries: 3,
    })
    const events = data.data.map(({ id, status, name }) => ({ id, action: status, subject: name }))
    await nango.batchSave(events, "TrackerEvent")
  },

  onWebhook: async (nango, payload) => {
    const parsed = Payload.safeParse(payload)
    if (!parsed.success) {
      await nango.log("a webhook of another shape", parsed.error.issues, { level: "warn" })
      return
    }
    const { action, issue } = parsed.data
    if (action === "deleted") await nango.batchDelete([{ id: issue.id }], "TrackerEvent")
    else await nango.batchSave([{ id: issue.id, action, subject: issue.title }], "TrackerEvent")
  },
})
