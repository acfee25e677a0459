import { asc } from "drizzle-orm"
import { inTransaction } from "../../src/app/context.ts"
import { findConnection, type FoundConnection } from "../../src/connections/connections.ts"
import { tasks } from "../../src/queue/model.ts"
import { type DeliveryRow, webhookAttempts, webhookDeliveries } from "../../src/webhooks/model.ts"
import { type NewWebhook, queueWebhook } from "../../src/webhooks/outbox.ts"
import type { TestApp } from "../helpers/app.ts"
import { until } from "../helpers/sluice.ts"

const second = 1_000
export const hour = 3_600 * second
export const day = 24 * hour

/** Webhooks of a real App whose queue runs, but whose time only the test moves. */
export function webhooksOf(t: TestApp) {
  const { ctx } = t
  const deliveries = () => ctx.db.select().from(webhookDeliveries).orderBy(asc(webhookDeliveries.id))
  return {
    deliveries,
    attempts: () => ctx.db.select().from(webhookAttempts).orderBy(asc(webhookAttempts.id)),
    async settings(change: Record<string, unknown>) {
      const answer = await t.request("PATCH", "/sluice/webhooks/settings", { body: change })
      if (answer.status !== 200) throw new Error(answer.text)
      return answer.body.data
    },
    async integrate(unique_key = "k", more: Record<string, unknown> = {}) {
      const answer = await t.request("POST", "/integrations", {
        body: { provider: "unauthenticated", unique_key, ...more },
      })
      if (answer.status !== 200) throw new Error(answer.text)
    },
    async connect(connection_id: string, more: Record<string, unknown> = {}): Promise<FoundConnection> {
      const body = { provider_config_key: "k", connection_id, credentials: { type: "NONE" }, ...more }
      const answer = await t.request("POST", "/connections", { body })
      if (answer.status !== 201) throw new Error(answer.text)
      const found = await findConnection(ctx, {
        connectionId: connection_id,
        providerConfigKey: body.provider_config_key,
      })
      if (!found) throw new Error("The connection is not there.")
      return found
    },
    /** Queues an event as a change would. */
    tell: (body: Record<string, unknown>, more: Partial<NewWebhook> = {}) =>
      inTransaction(ctx, (ctx) => queueWebhook(ctx, { type: "sync", body, ...more })),
    /** Waits until every delivery has come to where the test wants it. */
    settled: (is: (row: DeliveryRow) => boolean, what = "the deliveries to settle") =>
      until(async () => {
        const rows = await deliveries()
        return rows.length > 0 && rows.every(is) && rows
      }, what),
    /** Lets time pass until the next attempt is due, and waits until it was made. */
    async pass(ms: number) {
      t.clock.advance(ms)
      t.app.queue.wake()
      await until(async () => {
        const live = await ctx.db.select().from(tasks)
        const now = t.clock.now().getTime()
        return live.every((task) => task.state === "finished" || (task.state === "waiting" && task.run_at > now))
      }, "the queue to be at rest")
    },
  }
}

export type Webhooks = ReturnType<typeof webhooksOf>
