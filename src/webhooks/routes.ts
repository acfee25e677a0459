import { z } from "zod"
import { readSigningKey } from "../environments/environments.ts"
import { keyEndpoint } from "../http/endpoint.ts"
import { isoTime } from "../kit/times.ts"
import { listDeliveries, redeliver, showDelivery } from "./deliveries.ts"
import { type AttemptRow, type DeliveryRow, UpdateWebhookSettings, type WebhookSettings } from "./model.ts"
import { readSettings, saveSettings } from "./settings.ts"
import { standardSecret } from "./sign.ts"

const List = z.strictObject({
  state: z.enum(["pending", "delivered", "failed", "disabled"]).optional(),
  type: z.string().max(50).optional(),
  integration: z.string().max(255).optional(),
  connection: z.string().max(255).optional(),
  before: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})
const OneDelivery = z.object({ id: z.coerce.number().int().positive() })

const time = (ms: number | null): string | null => (ms === null ? null : isoTime(ms))

function showSettings({ environment_id: _, updated_at, ...settings }: WebhookSettings) {
  return { ...settings, updated_at: isoTime(updated_at) }
}

function showRow(delivery: DeliveryRow) {
  const { environment_id: _, lane: __, headers: ___, secret_headers: ____, body: _____, ...row } = delivery
  return { ...row, next_at: time(row.next_at), created_at: time(row.created_at), finished_at: time(row.finished_at) }
}

const showAttempt = ({ delivery_id: _, ...row }: AttemptRow) => ({ ...row, at: isoTime(row.at) })

export const webhookRoutes = [
  keyEndpoint({
    method: "GET",
    path: "/sluice/webhooks/key",
    summary: "The key that webhooks are signed with",
    scope: "webhook_signing_key:read",
    handle: (ctx) => {
      const key = readSigningKey(ctx) ?? ""
      return { data: { webhook_signing_key: key, standard_webhooks_secret: standardSecret(key) } }
    },
  }),
  keyEndpoint({
    method: "GET",
    path: "/sluice/webhooks/settings",
    summary: "Where webhooks go and which are sent",
    scope: "webhooks:read",
    handle: async (ctx) => ({ data: showSettings(await readSettings(ctx)) }),
  }),
  keyEndpoint({
    method: "PATCH",
    path: "/sluice/webhooks/settings",
    summary: "Changes where webhooks go and which are sent",
    scope: "webhooks:update",
    body: UpdateWebhookSettings,
    handle: async (ctx, { body }) => ({ data: showSettings(await saveSettings(ctx, body)) }),
  }),
  keyEndpoint({
    method: "GET",
    path: "/sluice/webhooks/deliveries",
    summary: "Webhook deliveries, newest first",
    scope: "webhooks:read",
    query: List,
    handle: async (ctx, { query }) => ({ data: (await listDeliveries(ctx, query)).map(showRow) }),
  }),
  keyEndpoint({
    method: "GET",
    path: "/sluice/webhooks/deliveries/:id",
    summary: "One webhook delivery with its attempts",
    scope: "webhooks:read",
    params: OneDelivery,
    handle: async (ctx, { params }) => {
      const { delivery, attempts } = await showDelivery(ctx, params.id)
      return { data: { ...showRow(delivery), body: delivery.body, attempt_list: attempts.map(showAttempt) } }
    },
  }),
  keyEndpoint({
    method: "POST",
    path: "/sluice/webhooks/deliveries/:id/redeliver",
    summary: "Sends a webhook again",
    scope: "webhooks:update",
    params: OneDelivery,
    handle: async (ctx, { params }) => {
      await redeliver(ctx, params.id)
      return { success: true }
    },
  }),
]
