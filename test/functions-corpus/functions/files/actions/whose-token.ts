import { createAction } from "nango"
import * as z from "zod"

/** The token itself never leaves the function. */
export default createAction({
  description: "Tells whether the provider sees the token of this connection",
  version: "1.0.0",
  input: z.void(),
  output: z.object({ same: z.boolean(), kind: z.string(), scope: z.string() }),

  exec: async (nango) => {
    const token = (await nango.getToken()) as string
    const { credentials } = await nango.getConnection()
    const { data } = await nango.get<{ headers: Record<string, string> }>({ endpoint: "/headers", retries: 3 })
    return {
      same: data.headers["authorization"] === `Bearer ${token}`,
      kind: String(credentials?.type),
      scope: String((credentials as { raw?: { scope?: string } }).raw?.scope ?? "none"),
    }
  },
})
