import { createOnEvent } from "nango"

export default createOnEvent({
  description: "Takes the webhook back before a connection is deleted",
  version: "1.0.0",
  event: "pre-connection-deletion",

  exec: async (nango) => {
    const { hook_id } = (await nango.getMetadata<{ hook_id?: string } | null>()) ?? {}
    if (hook_id === undefined) return
    await nango.delete({ endpoint: `/collections/hooks/${hook_id}`, retries: 3 })
  },
})
