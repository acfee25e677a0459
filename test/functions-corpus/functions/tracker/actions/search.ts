import { createAction } from "nango"
import * as z from "zod"

type Hit = { id: string; title: string; score: number }

/** The search wants a POST, and its paging in the query all the same. */
export default createAction({
  description: "Finds issues",
  version: "1.0.0",
  input: z.object({ text: z.string(), at_least: z.number().default(0) }),
  output: z.array(z.object({ id: z.string(), title: z.string() })),

  exec: async (nango, { text, at_least = 0 }) => {
    const found: Hit[] = []
    for await (const hits of nango.paginate<Hit>({
      method: "POST",
      endpoint: "/search",
      params: { sort: "score" },
      data: { query: text },
      paginate: {
        type: "cursor",
        in_body: false,
        cursor_name_in_request: "start_after",
        cursor_path_in_response: "meta['next']",
        response_path: "hits",
      },
      retries: 3,
    })) {
      found.push(...hits.filter((hit) => hit.score >= at_least))
    }
    return found.map(({ id, title }) => ({ id, title }))
  },
})
