import { and, eq, sql } from "drizzle-orm"
import { type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { issuesOfWebhookUrl } from "../connections/webhook-url.ts"
import {
  type UpdateWebhookSettings,
  webhookDeliveries,
  webhookFaults,
  type WebhookSettings,
  webhookSettings,
} from "./model.ts"
import { urlPart, wakeLane } from "./lanes.ts"

const urlNames = ["primary_url", "secondary_url"] as const

/** The environment's webhook settings; without a row nothing has a URL and every switch is on. */
export async function readSettings(ctx: EnvironmentCtx): Promise<WebhookSettings> {
  const [row] = await ctx.db
    .select()
    .from(webhookSettings)
    .where(eq(webhookSettings.environment_id, ctx.environment.id))
  return (
    row ?? {
      environment_id: ctx.environment.id,
      primary_url: null,
      secondary_url: null,
      on_sync_completion_always: true,
      on_sync_error: true,
      on_auth_creation: true,
      on_auth_refresh_error: true,
      on_async_action_completion: true,
      on_connection_deletion: true,
      disabled_urls: [],
      updated_at: ctx.now().getTime(),
    }
  )
}

/**
 * Changes what is named; throws `invalid_body` for an address that nothing can be sent to. Saving opens URLs again that were disabled. What still waits to be sent to an address that was
 * replaced goes to the new one; when the address was taken away, it is not sent any more.
 */
export function saveSettings(ctx: EnvironmentCtx, change: UpdateWebhookSettings): Promise<WebhookSettings> {
  const errors = urlNames.flatMap((name) => issuesOfWebhookUrl(ctx, change[name], name))
  if (errors.length > 0) throw webhookFaults.invalid_body({ errors })
  return inTransaction(ctx, async (ctx) => {
    const before = await readSettings(ctx)
    const named = { ...before, ...change }
    const row: WebhookSettings = {
      ...named,
      primary_url: named.primary_url || null,
      secondary_url: named.secondary_url || null,
      disabled_urls: [],
      updated_at: ctx.now().getTime(),
    }
    await store(ctx, row)
    const kept = [row.primary_url, row.secondary_url]
    for (const name of urlNames) {
      const from = before[name]
      if (from !== null && !kept.includes(from)) await moveDeliveries(ctx, from, row[name])
    }
    return row
  })
}

/** Stops sending to a URL that said it is gone for good (410). */
export async function disableUrl(ctx: EnvironmentCtx, url: string): Promise<void> {
  const settings = await readSettings(ctx)
  if (settings.disabled_urls.includes(url)) return
  await store(ctx, { ...settings, disabled_urls: [...settings.disabled_urls, url] })
}

export async function enableUrl(ctx: EnvironmentCtx, url: string): Promise<void> {
  const settings = await readSettings(ctx)
  if (!settings.disabled_urls.includes(url)) return
  await store(ctx, { ...settings, disabled_urls: settings.disabled_urls.filter((one) => one !== url) })
}

async function store(ctx: EnvironmentCtx, row: WebhookSettings): Promise<void> {
  await ctx.db
    .insert(webhookSettings)
    .values(row)
    .onConflictDoUpdate({ target: webhookSettings.environment_id, set: row })
}

async function moveDeliveries(ctx: EnvironmentCtx, from: string, to: string | null): Promise<void> {
  const columns = webhookDeliveries
  const pending = and(
    eq(columns.environment_id, ctx.environment.id),
    eq(columns.state, "pending"),
    eq(columns.url, from),
  )
  if (to === null) {
    const last_error = "The address was taken out of the settings."
    await ctx.db
      .update(columns)
      .set({ state: "disabled", next_at: null, last_error, finished_at: ctx.now().getTime() })
      .where(pending)
    return
  }
  const moved = await ctx.db
    .update(columns)
    .set({ url: to, next_at: null, lane: sql`replace(${columns.lane}, ${urlPart(from)}, ${urlPart(to)})` })
    .where(pending)
    .returning({ lane: columns.lane })
  for (const lane of new Set(moved.map((row) => row.lane))) await wakeLane(ctx, lane)
}
