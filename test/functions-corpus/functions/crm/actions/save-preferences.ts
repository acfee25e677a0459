import { createAction } from "nango"
import * as z from "zod"

const Preferences = z.object({ language: z.enum(["en", "de", "fr"]), digest: z.boolean().default(true) })

/** Metadata holds what steers the other functions of a connection. */
export default createAction({
  description: "Stores preferences in the metadata of the connection",
  version: "1.0.0",
  metadata: Preferences.partial(),
  input: Preferences.partial(),
  output: z.object({ before: z.record(z.string(), z.unknown()), after: z.record(z.string(), z.unknown()) }),

  exec: async (nango, input) => {
    const before = (await nango.getMetadata()) ?? {}
    const { data } = await nango.get({ endpoint: "/echo", params: { ...input }, retries: 3 })
    const language = data.query.language ?? before.language ?? "en"
    const after = Preferences.parse({ ...before, ...input, language })
    await nango.updateMetadata(after)
    return { before, after }
  },
})
