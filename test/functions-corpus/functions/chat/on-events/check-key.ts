import { createOnEvent } from "nango"

/** A key that the chat does not know makes no connection. */
export default createOnEvent({
  description: "Asks the chat whether the key is good",
  version: "1.0.0",
  event: "validate-connection",

  exec: async (nango) => {
    const { data } = await nango.get<{ headers: Record<string, string> }>({ endpoint: "/headers", retries: 0 })
    const scheme = data.headers["authorization"]?.split(" ")[0]
    if (scheme !== "Bearer") throw new nango.ActionError({ message: "The CRM did not get the key" })
  },
})
