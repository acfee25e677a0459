import { createAction } from "nango"
import * as z from "zod"

/** A shared link needs no credentials, and must not get them. It may lead elsewhere first. */
export default createAction({
  description: "Fetches what a shared link leads to",
  version: "1.0.0",
  input: z.object({ hops: z.int().min(1).max(4) }),
  output: z.object({ status: z.int(), authorized: z.boolean(), path: z.string(), missing: z.int() }),

  exec: async (nango, { hops }) => {
    const { connection_config } = await nango.getConnection()
    const url = new URL(`/redirect/${hops}`, connection_config["baseUrl"])
    const response = await nango.uncontrolledFetch({ url, headers: { "x-shared": "yes" } })
    const answer = (await response.json()) as { path: string; headers: Record<string, string> }
    const other = await nango.uncontrolledFetch({ url: new URL("/status/404", url), method: "POST", body: "{}" })
    return {
      status: response.status,
      authorized: "authorization" in answer.headers,
      path: answer.path,
      missing: other.status,
    }
  },
})
