import type { App, EnvironmentCtx } from "../app/context.ts"
import { describeError } from "../auth/operations.ts"
import { authFaults } from "../auth/faults.ts"
import { connectAuthorized } from "../connections/connect.ts"
import { findConnectionById } from "../connections/connections.ts"
import { connectionFaults } from "../connections/model.ts"
import { getEnvironment } from "../environments/environments.ts"
import { getIntegrationById } from "../integrations/integrations.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { AppError } from "../kit/errors.ts"
import { announceFailure } from "./attempt.ts"
import { findAuthorization, isSameBrowser, readDetails, useAuthorization } from "./authorizations.ts"
import { type AuthorizationDetails, type AuthorizationRow, connectFaults } from "./model.ts"
import { type PageResult, showError } from "./result-page.ts"

export type Return = { query: Record<string, string>; state: string; cookie: string | undefined }

type Known = { ctx: EnvironmentCtx; integration: IntegrationRow; row: AuthorizationRow }

/**
 * Ends an authorization with what the browser came back with. Everything in it is a stranger's: the state must be known,
 * unused, in time, and come from the browser that left. The browser that waits on a socket is told the same as the page.
 */
export async function finishReturn(app: App, back: Return): Promise<PageResult> {
  const row = await findAuthorization(app, back.state)
  if (!row) {
    app.log.warn("a callback was refused: its state is unknown")
    return failed(connectFaults.state_err())
  }
  const ctx = { ...app, environment: await getEnvironment(app, row.environment_id) }
  const integration = await getIntegrationById(ctx, row.integration_id)
  const known = { ctx, integration, row }
  const details = readDetails(app, row)
  if (!details) return refuse(known, connectFaults.state_err(), "its state was already used")
  if (row.expires_at <= app.now().getTime()) return refuse(known, connectFaults.state_err(), "it came too late")
  // The authorization stays good for the browser that began it.
  if (app.config.bindBrowser && !isSameBrowser(row, back.cookie)) {
    return refuse(known, connectFaults.state_cookie_err(), "it came from another browser than the one that left")
  }
  if (!(await useAuthorization(app, row))) return refuse(known, connectFaults.state_err(), "its state was already used")
  const result = await complete(known, details, back.query)
  tell(known, details, result)
  return result
}

async function complete(
  known: Known,
  details: AuthorizationDetails,
  query: Record<string, string>,
): Promise<PageResult> {
  const { ctx, integration, row } = known
  const { owner, remembered, connectionConfig } = details
  const connectionId = row.connection_id
  try {
    if (integration.deleted_at !== null) throw connectFaults.unknown_provider_config()
    checkProviderError(query)
    await checkReconnect(ctx, details)
    const saving = { connectionId, connectionConfig, replaces: details.reconnect?.id, ...owner }
    const { pending } = await connectAuthorized(ctx, integration, { ...saving, query, remembered })
    return { pending, connected: { providerConfigKey: integration.unique_key, connectionId } }
  } catch (error) {
    if (!(error instanceof AppError)) ctx.log.error({ err: error }, "an authorization could not be finished")
    await announceFailure(ctx, { integration, connectionId, owner }, error)
    return failed(error)
  }
}

/** RFC 6749 §4.1.2.1 and its neighbours: the provider, or the person there, said no. */
const errorMembers = ["error", "error_description", "error_reason", "error_message", "error_uri", "status_code"]

function checkProviderError(query: Record<string, string>): void {
  const said = errorMembers.flatMap((name) => (query[name] ? [[name, query[name].slice(0, 1_000)] as const] : []))
  if (!said.some(([name]) => name.startsWith("error") && name !== "error_uri")) return
  const [, ...more] = said.map(([, text]) => text)
  const message = more.length > 0 ? `${said[0]?.[1]}: ${more.join(" ")}` : (said[0]?.[1] ?? "")
  throw authFaults.callback_err({ message, payload: { provider_error: Object.fromEntries(said) } })
}

async function checkReconnect(ctx: EnvironmentCtx, { reconnect }: AuthorizationDetails): Promise<void> {
  if (!reconnect) return
  const found = await findConnectionById(ctx, reconnect.id)
  if (!found || found.connection.deleted_at !== null) throw connectionFaults.invalid_connection()
}

const failed = (error: unknown): PageResult => ({ error: showError(error) })

/** An audit entry: somebody tried a callback that was not theirs to make. */
function refuse({ ctx, integration, row }: Known, error: Error, reason: string): PageResult {
  const operation = ctx.logs.open({
    environmentId: ctx.environment.id,
    type: "auth",
    action: "create_connection",
    message: "A callback was refused",
    integration: integration.unique_key,
    provider: integration.provider,
    connection: row.connection_id,
  })
  operation.error(`The callback was refused: ${reason}.`)
  operation.close("failed", describeError(error))
  return failed(error)
}

function tell(
  { ctx, integration, row }: Known,
  { socket }: AuthorizationDetails,
  { error, pending }: PageResult,
): void {
  const about = { provider_config_key: integration.unique_key, connection_id: row.connection_id }
  ctx.browsers.tell(
    socket,
    error
      ? { message_type: "error", ...about, error_type: error.type, error_desc: error.message }
      : { message_type: "success", ...about, is_pending: pending === true },
  )
}
