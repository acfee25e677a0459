import { createAction } from "nango"
import * as z from "zod"

const Input = z.object({
  name: z.string(),
  address: z.object({ city: z.string(), zip: z.string().nullable() }),
  tags: z.array(z.string()),
})

/** A plain object that goes out as a form, with brackets for what is nested. */
export default createAction({
  description: "Adds a customer",
  version: "1.0.0",
  input: Input,
  output: z.record(z.string(), z.array(z.string())),

  exec: async (nango, input) => {
    const response = await nango.post<{ body: string }>({
      endpoint: "/echo",
      data: { ...input, vip: undefined, since: new Date(Date.UTC(2025, 0, 31)) },
      headers: { "content-type": "application/x-www-form-urlencoded" },
      retries: 0,
    })
    const form = new URLSearchParams(response.data.body)
    return Object.fromEntries([...new Set(form.keys())].map((name) => [name, form.getAll(name)]))
  },
})
