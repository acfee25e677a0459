import { eq } from "drizzle-orm"
import { type EnvironmentCtx, inTransaction } from "../app/context.ts"
import { type UpdateWebhookSettings, type WebhookSettings, webhookSettings } from "./model.ts"

/** The environment's webhook settings; without a row nothing has a URL and every switch is on. */
export async function readSettings(ctx: EnvironmentCtx): Promise<WebhookSettings> {
  const [row] = await ctx.db.select().from(webhookSettings).where(eq(webhookSettings.environment_id, ctx.environment.id))
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

/** Changes what is named. Saving opens URLs again that were disabled. */
export function saveSettings(ctx: EnvironmentCtx, change: UpdateWebhookSettings): Promise<WebhookSettings> {
  return inTransaction(ctx, async (ctx) => {
    const next: WebhookSettings = {
      ...(await readSettings(ctx)),
      ...change,
      disabled_urls: [],
      updated_at: ctx.now().getTime(),
    }
    const row = { ...next, primary_url: next.primary_url || null, secondary_url: next.secondary_url || null }
    await ctx.db.insert(webhookSettings).values(row).onConflictDoUpdate({ target: webhookSettings.environment_id, set: row })
    return row
  })
}

/** Stops sending to a URL that said it is gone for good (410). */
export async function disableUrl(ctx: EnvironmentCtx, url: string): Promise<void> {
  const settings = await readSettings(ctx)
  if (settings.disabled_urls.includes(url)) return
  const row = { ...settings, disabled_urls: [...settings.disabled_urls, url], updated_at: ctx.now().getTime() }
  await ctx.db.insert(webhookSettings).values(row).onConflictDoUpdate({ target: webhookSettings.environment_id, set: row })
}
