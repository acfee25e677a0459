import type { EnvironmentCtx } from "../app/context.ts"
import type { ConnectionRow } from "../connections/model.ts"
import { readCredentials, readCustom } from "../integrations/integrations.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { sha256Hex } from "../kit/crypto.ts"
import type { WebhookVerify } from "../providers/webhook-recipe.ts"
import type { Secrets } from "./verify.ts"

/** The secrets that a way of signing names, as far as they are set. */
export function readSecrets(
  ctx: EnvironmentCtx,
  integration: IntegrationRow,
  verify: WebhookVerify,
  connection?: ConnectionRow,
): Secrets {
  const credentials = readCredentials(ctx, integration)
  const { webhookSecret } = readCustom(ctx, integration)
  const ofOwner = credentials && "webhook_secret" in credentials ? credentials.webhook_secret : undefined
  const secretOf = (name: string): string | undefined => {
    if (name === "webhook_secret") return ofOwner || webhookSecret
    if (name === "client_secret")
      return credentials && "client_secret" in credentials ? credentials.client_secret : undefined
    if (name === "app_digest") {
      if (!credentials || !("app_id" in credentials)) return undefined
      return sha256Hex(credentials.app_id + credentials.private_key + credentials.app_link)
    }
    const value = connection?.metadata[name.slice("metadata.".length)]
    return typeof value === "string" ? value : undefined
  }
  const texts = (verify.secrets ?? []).flatMap((name) => secretOf(name) || [])
  return { texts, isOwners: verify.secrets?.includes("webhook_secret") === true && Boolean(secretOf("webhook_secret")) }
}

export const asksConnection = ({ secrets = [] }: WebhookVerify): boolean =>
  secrets.some((name) => name.startsWith("metadata."))
