import * as z from "zod"

/** Which repository the syncs of a connection read: the connection's metadata. */
export const Repository = z.object({ owner: z.string(), repo: z.string() })
export type Repository = z.infer<typeof Repository>

export const pathOf = ({ owner, repo }: Repository): string =>
  `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}`
