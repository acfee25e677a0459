import type { Credentials } from "./credentials.ts"
import type { IntegrationCredentials } from "../integrations/model.ts"
import type { Egress } from "../kit/fetch.ts"
import type { Provider } from "../providers/model.ts"

/**
 * Auth mode: one way to obtain credentials and keep them usable. Obtaining starts with typed input (`typed`) or with a
 * browser (`browser`); renewing makes new credentials out of stored ones (`renew`). A mode only talks to the provider: what
 * is stored, when and by whom is the business of the rooms above.
 */
export type Mode = {
  /** Values that `type` of stored credentials may have; `undefined` is NONE. */
  stores: readonly Credentials["type"][]
  /**
   * Makes credentials from what a person typed. The input is a stranger's: throws `invalid_body` with issues, and the
   * mode's own fault when the provider refuses.
   */
  typed?: (ctx: AuthCtx, target: AuthTarget, input: unknown) => Promise<Obtained>
  /** The way through the person's browser. */
  browser?: {
    /** Where to send the browser, and what must be kept until it comes back. */
    start: (ctx: AuthCtx, target: AuthTarget, request: AuthorizationRequest) => Promise<Authorization>
    /** Makes credentials from the query that the browser came back with, all of it untrusted. */
    finish: (ctx: AuthCtx, target: AuthTarget, answer: AuthorizationAnswer) => Promise<Obtained>
  }
  /**
   * Makes new credentials from stored ones. What the provider leaves out keeps its old value. Throws
   * `refresh_token_external_error` or the mode's own fault; the stored credentials then stay as they are.
   */
  renew?: (ctx: AuthCtx, target: AuthTarget, stored: Credentials, options: RenewOptions) => Promise<Obtained>
  /** Renewing talks to nobody and takes no time: it is done at each use, and nothing is stored. */
  local?: true
  /** Whether stored credentials can be renewed at all; always, when the mode does not say. */
  canRenew?: (subject: RenewSubject, stored: Credentials) => boolean
  /** Reasons to renew beside `expires_at`, which the caller judges. */
  isStale?: (subject: RenewSubject, stored: Credentials, at: StaleAt) => boolean
  /** Whether a call to the API shows that the credentials work: on creation, and daily for those that never renew. */
  verified: boolean
  /** Members of the stored credentials that are no secret, beside `type`, `expires_at` and the like. */
  open: readonly string[]
  /** Members of the connection's configuration that say whose credentials are renewed: no browser sets them. */
  keeps?: readonly string[]
}

export type AuthCtx = {
  egress: Pick<Egress, "send">
  now: () => Date
  serverUrl: () => string
  /** Where browsers come back to when a refresh does not know it any more. */
  callbackUrl: () => string
  environment: { uuid: string; name: string }
  /** Longest wait for one answer of a provider, in milliseconds. */
  timeoutMs: number
  /** Ends whatever is going on. */
  signal: AbortSignal
  /** What was sent, for the log. Never holds a secret. */
  exchanges: Exchange[]
}

/** One request to a provider as the log may show it. */
export type Exchange = {
  /** `METHOD origin/path` */
  message: string
  startedAt: Date
  durationMs: number
  status?: number
  error?: string
}

/** Whom the credentials are for. */
export type AuthTarget = {
  provider: Provider
  providerName: string
  uniqueKey: string
  /** The owner's developer app, when the integration has one. */
  app?: IntegrationCredentials
  /** Values of the integration's own settings. */
  custom: Record<string, string>
  connectionConfig: Record<string, unknown>
}

export type Obtained = {
  credentials: Credentials
  /** Members to set in the connection's configuration, over those that are there. */
  connectionConfig?: Record<string, unknown>
  /** The provider has yet to approve; a webhook will bring the rest. */
  pending?: boolean
}

/** A client of the connection's own, instead of the integration's. */
export type ClientOverride = { clientId?: string; clientSecret?: string; refreshToken?: string }

export type AuthorizationRequest = {
  /** Unguessable, single use. */
  state: string
  callbackUrl: string
  /** Comma list that replaces the integration's. */
  scopes?: string
  userScopes?: string
  /** Replace any parameter of the authorize URL; the text `undefined` removes one. */
  params?: Record<string, string>
  override?: ClientOverride
}

/** What is remembered between the two halves: plain JSON, with secrets in it. */
export type Remembered = {
  callbackUrl: string
  codeVerifier?: string
  /** Secret of an OAuth 1 request token. */
  requestToken?: string
  requestTokenSecret?: string
  override?: ClientOverride
  /** Members for the connection's configuration that were found out on the way (MCP). */
  connectionConfig?: Record<string, unknown>
}
export type Authorization = { url: string; remembered: Remembered }
export type AuthorizationAnswer = {
  query: Record<string, string>
  remembered: Remembered
  /** It came from the provider itself, signed, and not by way of a browser. */
  signed?: true
}

export type RenewOptions = {
  /** Also make a new JWT of the app itself, which functions may ask for. */
  appJwt?: boolean
}
/** What is known of a connection before any secret of its integration is opened: this is asked at every use. */
export type RenewSubject = Pick<AuthTarget, "provider" | "connectionConfig">
export type StaleAt = RenewOptions & { now: number; marginMs: number }
