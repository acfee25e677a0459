import type { Credentials } from "../auth/credentials.ts"
import type { FoundConnection } from "../connections/connections.ts"
import type { ConnectionRow } from "../connections/model.ts"
import type { FunctionRow } from "../functions/model.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import type { App, EnvironmentCtx } from "./context.ts"

/**
 * What lower rooms announce and higher rooms listen to. A moment is told from inside the transaction of the change,
 * so what a listener writes commits or fails with it. `app.ts` says who listens, and in which order.
 */
export type Moments = {
  /** The context's environment is about to be deleted; told outside any transaction. */
  environmentDeleting: (ctx: EnvironmentCtx) => Promise<void>
  /** Asks which integrations of all environments use which provider. */
  providersUsed: (app: App) => Promise<ProviderUse[]>
  /** An integration is being deleted. */
  integrationDeleted: (ctx: EnvironmentCtx, integration: IntegrationRow) => Promise<void>
  /** Asks whether connections hang on an integration. */
  integrationInUse: (ctx: EnvironmentCtx, integration: IntegrationRow) => Promise<boolean>
  /** An integration is about to be deleted; told outside any transaction, so that the owner's code may run. */
  integrationDeleting: (ctx: EnvironmentCtx, integration: IntegrationRow) => Promise<void>
  /** Asks whether the owner has functions that validate connections of an integration. */
  validatesConnections: (ctx: EnvironmentCtx, integration: IntegrationRow) => Promise<boolean>
  /** Runs them, outside any transaction. Answers why the connection is refused. */
  connectionValidating: (
    ctx: EnvironmentCtx,
    found: FoundConnection,
  ) => Promise<{ message: string; logId: string } | undefined>
  /** A connection is about to be deleted; told outside any transaction. */
  connectionDeleting: (ctx: EnvironmentCtx, found: FoundConnection) => Promise<void>
  /** A connection was made, imported again or re-authorised. */
  connectionSaved: (ctx: EnvironmentCtx, saved: SavedConnection) => Promise<void>
  /** A saved connection can be worked with: what the provider has to tell about it was looked up. */
  connectionReady: (ctx: EnvironmentCtx, saved: SavedConnection) => Promise<void>
  /** The owner's functions refused a connection; a new one is gone after this. */
  connectionRefused: (ctx: EnvironmentCtx, refused: SavedConnection & { message: string }) => Promise<void>
  /** Tries credentials at the provider, outside any transaction. Throws `connection_test_failed`. */
  credentialsTesting: (ctx: EnvironmentCtx, subject: TestedCredentials) => Promise<void>
  /** Credentials could not be renewed, or do not work any more. */
  credentialsFailed: (ctx: EnvironmentCtx, failed: FailedCredentials) => Promise<void>
  /** A connection is being deleted. */
  connectionDeleted: (ctx: EnvironmentCtx, connection: ConnectionRow) => Promise<void>
  /** Asks which syncs of the environment, or of one connection, fail. */
  syncsFailing: (ctx: EnvironmentCtx, connectionId?: number) => Promise<FailingSync[]>
  /** A provider's webhook was about connections: the owner's functions may want to know. Answers what was queued. */
  webhookMatched: (ctx: EnvironmentCtx, matched: MatchedWebhook) => Promise<number>
  /** A deploy changed the functions of an environment. */
  functionsDeployed: (ctx: EnvironmentCtx, change: DeployedFunctions) => Promise<void>
}

/** `connectionId` is the row's number, `operationId` the log of the run that failed last. */
export type FailingSync = { connectionId: number; operationId: string }

/** `integration` is its unique key. */
export type ProviderUse = { provider: string; environment: string; integration: string }

/** Credentials that are not stored yet, or are to be looked at again. */
export type TestedCredentials = {
  integration: IntegrationRow
  connectionId: string
  credentials: Credentials
  connectionConfig: Record<string, unknown>
}

export type FailedCredentials = { connection: ConnectionRow; error: { type: string; description: string } }

export type MatchedWebhook = {
  integration: IntegrationRow
  /** One for each event and connection. `types` are what subscriptions may name, `payload` is JSON text. */
  events: { connection: ConnectionRow; types: string[]; payload: string }[]
}

export type DeployedFunctions = {
  saved: FunctionRow[]
  removed: FunctionRow[]
  /** The deploy asks for no new syncs on the connections that are there. */
  storeOnly?: boolean
}

export type SavedConnection = { connection: ConnectionRow; operation: "creation" | "override" }

/** Makes one listener out of several that are told in order. */
export function inOrder<A>(...listeners: ((ctx: EnvironmentCtx, subject: A) => Promise<void>)[]) {
  return async (ctx: EnvironmentCtx, subject: A): Promise<void> => {
    for (const listener of listeners) await listener(ctx, subject)
  }
}
