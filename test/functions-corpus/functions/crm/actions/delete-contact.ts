import { createAction } from "nango"
import * as z from "zod"

/** What is gone already counts as deleted, so a caller may repeat the call. */
export default createAction({
  description: "Deletes a contact",
  version: "1.0.0",
  input: z.object({ id: z.string() }),
  output: z.object({ id: z.string(), existed: z.boolean() }),

  exec: async (nango, { id }) => {
    try {
      await nango.delete({ endpoint: `/collections/contacts/${id}`, retries: 3 })
      return { id, existed: true }
    } catch (error: any) {
      if (error.response?.status === 404) return { id, existed: false }
      throw error
    }
  },
})
