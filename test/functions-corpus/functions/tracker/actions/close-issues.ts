import { createAction } from "nango"
import * as z from "zod"
import { statusOf } from "../../shared/requests/status.js"

const Output = z.object({
  closed: z.array(z.string()),
  failed: z.array(z.object({ id: z.string(), status: z.int().nullable() })),
})

/** One that fails does not keep the others from being closed; when all fail, the action does. */
export default createAction({
  description: "Closes several issues",
  version: "1.0.0",
  input: z.object({ ids: z.array(z.string()).min(1) }),
  output: Output,

  exec: async (nango, { ids }) => {
    const result: z.infer<typeof Output> = { closed: [], failed: [] }
    for (const id of ids) {
      try {
        await nango.patch({ endpoint: `/collections/issues/${id}`, data: { status: "closed" }, retries: 0 })
        result.closed.push(id)
      } catch (error) {
        result.failed.push({ id, status: statusOf(error) ?? null })
      }
    }
    if (result.closed.length > 0) return result
    throw new nango.ActionError({ type: "nothing_closed", message: "No issue could be closed", errors: result.failed })
  },
})
