import { createAction } from "nango"
import * as z from "zod"

/** The tracker is often too busy: the answer is waited for, as long as it says. */
export default createAction({
  description: "How many issues there are",
  version: "1.0.0",
  input: z.void(),
  output: z.object({ total: z.int(), pages: z.int(), next: z.string().nullable() }),

  exec: async (nango) => {
    const response = await nango.get({
      endpoint: "/link/collections/issues",
      params: { per_page: 1 },
      retries: 3,
      retryOn: [429],
      retryHeader: { after: "retry-after" },
    })
    const { link, "x-total-count": total } = response.headers
    const last = /[?&]page=(\d+)[^>]*>; rel="last"/.exec(link ?? "")?.[1]
    return { total: Number(total), pages: Number(last ?? 1), next: response.headers["x-next-page"] ?? null }
  },
})
