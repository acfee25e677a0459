import type { App } from "../app/context.ts"
import { messageOf } from "../kit/errors.ts"
import { openEndpoint, reply } from "./endpoint.ts"

export const healthRoutes = [
  openEndpoint({
    method: "GET",
    path: "/health",
    summary: "Whether the process is up",
    ignoreQuery: true,
    handle: () => ({ result: "ok" }),
  }),
  openEndpoint({
    method: "GET",
    path: "/ready",
    summary: "Whether the daemon can do its work, and if not, why",
    ignoreQuery: true,
    handle: async (app) => {
      const reasons = await notReady(app)
      return reasons.length === 0 ? { result: "ok" } : reply(503, { result: "not ready", reasons })
    },
  }),
]

/** Reads and writes once: a full or read-only disk is found here and not by the next sync. */
async function notReady(app: App): Promise<string[]> {
  const reasons: string[] = []
  try {
    await app.store.select("SELECT id FROM environments LIMIT 1", [])
    await app.store.step({ name: "store.probe", input: { now: app.now().getTime() } })
  } catch (error) {
    app.log.error({ err: error }, "the store does not answer")
    reasons.push(`the database cannot be written: ${messageOf(error)}`)
  }
  return reasons
}
