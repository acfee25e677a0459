import type { EnvironmentCtx } from "../app/context.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { reservedConfig } from "../providers/lookup.ts"
import { authFaults } from "./faults.ts"
import type { Authorization, AuthorizationAnswer, AuthorizationRequest, AuthTarget, Obtained } from "./mode.ts"
import { modes } from "./modes.ts"
import { inOperation } from "./operations.ts"
import { secretsFor } from "./secrets.ts"
import { targetOf } from "./target.ts"

type Config = Record<string, unknown>

/** What a stranger may set in a connection's configuration. Scopes given as a comma list become the list. */
function cleanConfig(config: Config): Config {
  const kept = Object.fromEntries(Object.entries(config).filter(([name]) => !reservedConfig.includes(name)))
  const scopes = kept.oauth_scopes_override
  if (typeof scopes !== "string") return kept
  return { ...kept, oauth_scopes_override: scopes.split(",").map((scope) => scope.trim()) }
}

/** Without the fields that were left empty: the provider may still tell what belongs there. */
const filled = (config: Config): Config =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== ""))

/**
 * Makes credentials from typed input (the credential routes, TWO_STEP and JWT imports). The connection's configuration
 * comes back whole. Throws `invalid_auth_mode`, `invalid_body` and the faults of the mode; the attempt is in the log.
 */
export async function obtainCredentials(
  ctx: EnvironmentCtx,
  integration: IntegrationRow,
  input: { typed: unknown; connectionConfig: Config; connectionId?: string },
): Promise<Required<Omit<Obtained, "pending">> & { pending: boolean }> {
  const connectionConfig = cleanConfig(input.connectionConfig)
  const target = targetOf(ctx, integration, connectionConfig)
  const { typed } = modes[target.provider.auth_mode]
  if (!typed) throw authFaults.invalid_auth_mode({ payload: { auth_mode: target.provider.auth_mode } })
  const obtained = await inOperation(ctx, workOf(integration, target, input), (auth) =>
    typed(auth, target, input.typed),
  )
  const { credentials, pending = false } = obtained
  return { credentials, connectionConfig: { ...connectionConfig, ...obtained.connectionConfig }, pending }
}

/** Where to send a person's browser, and what must be kept until it returns. Everything in `remembered` is secret. */
export async function startAuthorization(
  ctx: EnvironmentCtx,
  integration: IntegrationRow,
  request: AuthorizationRequest & { connectionConfig: Config },
): Promise<Authorization> {
  const target = targetOf(ctx, integration, filled(cleanConfig(request.connectionConfig)))
  const { browser } = modes[target.provider.auth_mode]
  if (!browser) throw authFaults.invalid_auth_mode({ payload: { auth_mode: target.provider.auth_mode } })
  return inOperation(ctx, workOf(integration, target, { typed: request.override }), (auth) =>
    browser.start(auth, target, request),
  )
}

/**
 * Makes credentials from what the browser came back with. `connectionConfig` is what the authorization began with; a value
 * that is empty there gives way to what the provider tells. Answers the whole configuration of the connection.
 */
export async function finishAuthorization(
  ctx: EnvironmentCtx,
  integration: IntegrationRow,
  answer: AuthorizationAnswer & { connectionConfig: Config; connectionId?: string },
): Promise<Required<Omit<Obtained, "pending">> & { pending: boolean }> {
  const given = cleanConfig(answer.connectionConfig)
  const { remembered, query, signed } = answer
  const target = targetOf(ctx, integration, { ...filled(given), ...remembered.connectionConfig })
  const { browser } = modes[target.provider.auth_mode]
  if (!browser) throw authFaults.invalid_auth_mode({ payload: { auth_mode: target.provider.auth_mode } })
  const work = workOf(integration, target, { typed: { query, remembered }, connectionId: answer.connectionId })
  const obtained = await inOperation(ctx, work, (auth) => browser.finish(auth, target, { query, remembered, signed }))
  const config = mergeConfig(target, given, { ...remembered.connectionConfig, ...obtained.connectionConfig })
  return { credentials: obtained.credentials, connectionConfig: config, pending: obtained.pending === true }
}

/** What a person gave goes over what the provider told of itself, and under what the server found out. */
function mergeConfig({ provider }: AuthTarget, given: Config, found: Config): Config {
  const told = new Set([...(provider.token_response_metadata ?? []), ...(provider.redirect_uri_metadata ?? [])])
  const said = Object.fromEntries(Object.entries(found).filter(([name]) => told.has(name)))
  const own = Object.fromEntries(Object.entries(found).filter(([name]) => !told.has(name)))
  const chosen = Object.fromEntries(
    Object.entries(given).filter(([name, value]) => value !== "" || said[name] === undefined),
  )
  return { ...said, ...chosen, ...own }
}

function workOf(integration: IntegrationRow, target: AuthTarget, input: { typed: unknown; connectionId?: string }) {
  return {
    action: "create_connection" as const,
    message: "Connection is being authorized",
    integration,
    connectionId: input.connectionId,
    secrets: secretsFor(target, { typed: input.typed }),
  }
}
