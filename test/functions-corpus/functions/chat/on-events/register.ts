import { createOnEvent } from "nango"

/** Orders webhooks for a new connection and remembers the order's number. */
export default createOnEvent({
  description: "Registers a webhook at the chat",
  version: "1.0.0",
  event: "post-connection-creation",

  exec: async (nango) => {
    const target = await nango.getWebhookURL()
    const { data } = await nango.post<{ id: string }>({
      endpoint: "/collections/hooks",
      data: { events: ["message.*"], configured: typeof target === "string" },
      retries: 3,
    })
    await nango.updateMetadata({ hook_id: data.id })
    await nango.log(`hook ${data.id} is registered`, { level: "info" })
  },
})
