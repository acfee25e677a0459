import { sweepAuthorizations } from "../connect/authorizations.ts"
import { sweepSessions } from "../connect/sessions.ts"
import { messageOf } from "../kit/errors.ts"
import { sweepLogs } from "../logs/retention.ts"
import { sweepResults } from "../runs/async-actions.ts"
import { sweepInbox } from "../webhooks/inbox.ts"
import { sweepDeliveries, wakeForgottenLanes } from "../webhooks/upkeep.ts"
import type { App } from "./context.ts"

const minuteMs = 60_000
/** What is done now and then, and how often. */
const chores: { name: string; everyMs: number; run: (app: App) => Promise<unknown> }[] = [
  { name: "forgotten webhooks", everyMs: minuteMs, run: wakeForgottenLanes },
  { name: "old log entries", everyMs: 60 * minuteMs, run: sweepLogs },
  { name: "old webhook deliveries", everyMs: 60 * minuteMs, run: (app) => untilDone(app, sweepDeliveries) },
  { name: "old received webhooks", everyMs: 60 * minuteMs, run: (app) => untilDone(app, sweepInbox) },
  { name: "connect sessions that are over", everyMs: 10 * minuteMs, run: sweepSessions },
  { name: "authorizations that are over", everyMs: 10 * minuteMs, run: sweepAuthorizations },
  { name: "old results of actions", everyMs: 60 * minuteMs, run: (app) => untilDone(app, sweepResults) },
]

/** Does every chore now and at its interval, one after the other. One that fails is tried again at its next time. */
export function keepSwept(app: App): { stop: () => Promise<void> } {
  let line: Promise<unknown> = Promise.resolve()
  let stopped = false
  const timers = chores.map((chore) => {
    const begin = () => {
      line = line
        .then(() => (stopped ? undefined : chore.run(app)))
        .catch((error: unknown) => {
          app.log.error({ err: error, chore: chore.name }, `a chore failed: ${messageOf(error)}`)
        })
    }
    begin()
    return setInterval(begin, chore.everyMs)
  })
  return {
    async stop() {
      stopped = true
      for (const timer of timers) clearInterval(timer)
      await line
    },
  }
}

/** Batches leave room for others between them. */
async function untilDone(app: App, sweep: (app: App) => Promise<boolean>): Promise<void> {
  while (await sweep(app)) await Bun.sleep(0)
}
