import type { EnvironmentCtx, SessionCtx } from "../app/context.ts"
import { AppError } from "../kit/errors.ts"
import { modes } from "../auth/modes.ts"
import { describeError } from "../auth/operations.ts"
import type { EndUser } from "../connections/model.ts"
import { findIntegration } from "../integrations/integrations.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { lookupsOf } from "../providers/lookup.ts"
import type { Provider } from "../providers/model.ts"
import { webhookRecipeOf } from "../providers/webhook-recipe.ts"
import { queueFailedConnection } from "../webhooks/auth.ts"
import { connectFaults, type ConnectSession, type Defaults } from "./model.ts"
import { checkAllowed } from "./sessions.ts"

/** One attempt to make a connection, or to authorise one again. */
export type Attempt = {
  integration: IntegrationRow
  provider: Provider
  connectionId: string
  connectionConfig: Record<string, unknown>
  /** What the owner has set for this integration; it wins over what the browser says. */
  defaults: Defaults
}

/**
 * Finds out what a browser may connect, in this order: the integration, its provider, whether the session allows it,
 * the connection's id. Throws `unknown_provider_config`, `unknown_provider_template`, `integration_not_allowed`,
 * `invalid_connection`.
 */
export async function openAttempt(
  ctx: SessionCtx,
  uniqueKey: string,
  params: Record<string, unknown> | undefined,
): Promise<Attempt> {
  const integration = await findIntegration(ctx, uniqueKey)
  if (!integration) throw connectFaults.unknown_provider_config()
  const provider = ctx.catalogue.find(integration.provider)
  if (!provider) throw connectFaults.unknown_provider_template()
  const { session } = ctx
  await checkAllowed(ctx, session, uniqueKey)
  const defaults = session.defaults[uniqueKey] ?? {}
  return {
    integration,
    provider,
    connectionId: session.reconnect?.connectionId ?? crypto.randomUUID(),
    connectionConfig: { ...readParams(provider, params), ...defaults.connection_config },
    defaults,
  }
}

/** Where webhooks go and which scopes are asked for is for the owner to say. */
const ownersOwn = ["webhook_url", "oauth_scopes_override"]

/** The browser's own values: texts only, and nothing that says whose connection it is. */
function readParams(provider: Provider, params: Record<string, unknown> = {}): Record<string, string> {
  const { keeps = [] } = modes[provider.auth_mode]
  const others = new Set([...ownersOwn, ...keeps, ...proofsOf(provider)])
  const own = Object.entries(params).filter((pair): pair is [string, string] => typeof pair[1] === "string")
  return Object.fromEntries(own.filter(([name]) => !others.has(name)))
}

/** What a webhook finds a waiting connection by, where the provider itself is asked for it: it may not be claimed. */
function proofsOf(provider: Provider): string[] {
  const by = webhookRecipeOf(provider)?.completes?.connection.in
  const asked = lookupsOf(provider).flatMap(({ save = {} }) => Object.keys(save))
  return asked.filter((name) => by === `connection_config.${name}`)
}

/** Who the connection will belong to. What the session does not say stays as an older connection has it. */
export type Owner = { endUser?: EndUser; tags?: Record<string, string>; webhookUrlOverride?: string }

export function ownerOf({ endUser, tags, webhookUrlOverride }: ConnectSession): Owner {
  return {
    endUser: endUser ?? undefined,
    tags: Object.keys(tags).length > 0 ? tags : undefined,
    webhookUrlOverride,
  }
}

/** Mistakes of whoever asked; the provider was not even called, and the owner need not hear of them. */
const callersOwn = new Set([
  "invalid_body",
  "invalid_auth_mode",
  "missing_client_id",
  "missing_client_secret",
  "provider_config_err",
  "url_param_err",
  "state_err",
])

/** Tells the owner's app that a connection could not be made. One that its functions refused was announced already. */
export async function announceFailure(
  ctx: EnvironmentCtx,
  attempt: Pick<Attempt, "integration" | "connectionId"> & { owner: Owner },
  error: unknown,
): Promise<void> {
  if (error instanceof AppError && (callersOwn.has(error.code) || error.code === "connection_validation_failed")) return
  const { type, message } = describeError(error)
  const { integration, connectionId, owner } = attempt
  const { endUser = null, webhookUrlOverride } = owner
  const failed = { integration, connectionId, endUser, webhookUrlOverride }
  await queueFailedConnection(ctx, { ...failed, error: { type, description: message } })
}
