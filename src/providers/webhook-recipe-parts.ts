import type { WebhookMatch, WebhookVerify } from "./webhook-recipe.ts"

/** HMAC over the body, hex, with the secret that the owner sets; the most common kind. */
export const hmac = (header: string, more: Partial<WebhookVerify> = {}): WebhookVerify => ({
  kind: "hmac",
  signature: `header.${header}`,
  secrets: ["webhook_secret"],
  ...more,
})
export const standard = (more: Partial<WebhookVerify> = {}): WebhookVerify => ({
  kind: "standard-webhooks",
  secrets: ["webhook_secret"],
  ...more,
})
export const config = (name: string, value: WebhookMatch["value"]): WebhookMatch => ({
  value,
  in: `connection_config.${name}`,
})
export const metadata = (name: string, value: WebhookMatch["value"]): WebhookMatch => ({
  value,
  in: `metadata.${name}`,
})
export const connection = (...value: string[]): WebhookMatch => ({ value, in: "connection_id" })
