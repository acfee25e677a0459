import { eq } from "drizzle-orm"
import type { EnvironmentCtx } from "../app/context.ts"
import type { FoundConnection } from "../connections/connections.ts"
import { seal, unseal } from "../kit/crypto.ts"
import { newUuid } from "../kit/ids.ts"
import { sortedJson } from "../kit/json.ts"
import { isSecretName } from "../kit/redact.ts"
import { laneOf, wakeLane } from "./lanes.ts"
import { type DeliveryRow, webhookDeliveries, type WebhookSettings, type WebhookType } from "./model.ts"
import { readSettings } from "./settings.ts"

export type NewWebhook = {
  type: WebhookType
  /** Whom it is about; its own URL, if it has one, replaces the environment's. */
  found?: FoundConnection
  /** For the list of deliveries, where it is about no connection. */
  integration?: string
  /** Replaces the environment's addresses, where it is about no connection. */
  url?: string
  body: Record<string, unknown> | unknown[]
  headers?: Record<string, string>
  /** The switch of the settings that must be on. */
  when?: keyof Pick<
    WebhookSettings,
    | "on_sync_completion_always"
    | "on_sync_error"
    | "on_auth_creation"
    | "on_auth_refresh_error"
    | "on_async_action_completion"
    | "on_connection_deletion"
  >
}

/**
 * Writes a webhook into the outbox, in the transaction of the change that it tells of: one row for each URL. What is
 * committed will be delivered, whatever happens to the daemon.
 */
export async function queueWebhook(ctx: EnvironmentCtx, webhook: NewWebhook): Promise<void> {
  const settings = await readSettings(ctx)
  if (webhook.when && !settings[webhook.when]) return
  const urls = urlsFor(settings, webhook)
  if (urls.length === 0) return
  const event_id = `msg_${newUuid().replaceAll("-", "")}`
  const body = sortedJson(webhook.body)
  const { open, secret } = splitHeaders(webhook.headers)
  for (const url of urls) {
    const lane = laneOf(ctx.environment.id, webhook.found?.connection.id, url)
    const values = {
      event_id,
      environment_id: ctx.environment.id,
      lane,
      type: webhook.type,
      connection: webhook.found?.connection.connection_id,
      integration: webhook.found?.integration.unique_key ?? webhook.integration,
      url,
      headers: open,
      body,
      state: "pending" as const,
      attempts: 0,
      created_at: ctx.now().getTime(),
    }
    const [row] = await ctx.db.insert(webhookDeliveries).values(values).returning({ id: webhookDeliveries.id })
    if (row && secret) await sealHeaders(ctx, row.id, secret)
    await wakeLane(ctx, lane)
  }
}

type Headers = Record<string, string>

/** What a provider proves itself with, such as a token, is encrypted until it is delivered. */
function splitHeaders(headers: Headers = {}): { open: Headers; secret?: Headers } {
  const pairs = Object.entries(headers)
  const secret = Object.fromEntries(pairs.filter(([name]) => isSecretName(name)))
  const open = Object.fromEntries(pairs.filter(([name]) => !isSecretName(name)))
  return Object.keys(secret).length === 0 ? { open } : { open, secret }
}

const place = (row: number) => ({ table: "webhook_deliveries", column: "secret_headers", row })

async function sealHeaders(ctx: EnvironmentCtx, id: number, headers: Headers): Promise<void> {
  const secret_headers = seal(ctx.masterKey, place(id), JSON.stringify(headers))
  await ctx.db.update(webhookDeliveries).set({ secret_headers }).where(eq(webhookDeliveries.id, id))
}

/** The headers that a delivery was queued with. */
export function headersOf(ctx: EnvironmentCtx, row: DeliveryRow): Headers {
  if (row.secret_headers === null) return row.headers
  return { ...row.headers, ...(JSON.parse(unseal(ctx.masterKey, place(row.id), row.secret_headers)) as Headers) }
}

function urlsFor(settings: WebhookSettings, { found, url }: NewWebhook): string[] {
  const own = found?.connection.webhook_url_override ?? url
  const urls = own ? [own] : [settings.primary_url, settings.secondary_url]
  return urls.filter((url) => url !== null && url !== "" && !settings.disabled_urls.includes(url)) as string[]
}
