import { createAction } from "nango"
import * as z from "zod"
import type { ApiItem } from "../../shared/api-item.js"

const Input = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("bug"), title: z.string(), severity: z.int().min(1).max(5) }),
  z.object({ kind: z.literal("task"), title: z.string(), due: z.iso.date() }),
])

export default createAction({
  description: "Opens a bug or a task",
  version: "1.0.0",
  input: Input,
  output: z.object({ id: z.string(), url: z.string(), labels: z.array(z.string()) }),

  exec: async (nango, input) => {
    const labels = input.kind === "bug" ? ["bug", `severity-${input.severity}`] : ["task", `due-${input.due}`]
    const response = await nango.proxy<ApiItem>({
      method: "POST",
      endpoint: "/collections/issues",
      data: { name: input.title, tags: labels } satisfies Partial<ApiItem>,
      retries: 0,
    })
    const place = new URL(String(response.headers["location"]))
    return { id: response.data.id, url: place.pathname, labels: response.data.tags }
  },
})
