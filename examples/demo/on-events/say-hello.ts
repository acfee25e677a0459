import { createOnEvent } from "nango"

/** Runs by itself after each new connection. What it finds out is kept in the metadata, where other functions read it. */
export default createOnEvent({
  description: "Greets a new connection and remembers its page size",
  version: "1.0.0",
  event: "post-connection-creation",

  exec: async (nango) => {
    const response = await nango.get<{ limit: number; total: number }>({
      endpoint: "/offset/items",
      params: { limit: 1 },
      retries: 3,
    })
    const { total } = response.data
    await nango.updateMetadata({ pageSize: total > 1000 ? 1000 : 100 })
    await nango.log(`hello ${nango.connectionId}, you have ${total} contacts`)
  },
})
