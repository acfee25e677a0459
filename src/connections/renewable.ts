import type { EnvironmentCtx } from "../app/context.ts"
import type { Credentials } from "../auth/credentials.ts"
import type { AuthTarget, Mode, RenewOptions, RenewSubject } from "../auth/mode.ts"
import { modes } from "../auth/modes.ts"
import { targetOf } from "../auth/target.ts"
import type { FoundConnection } from "./connections.ts"
import { expiryOf, readConnectionConfig, readCredentials } from "./credentials.ts"

/** A connection with credentials that can be used now. */
export type Fresh = { found: FoundConnection; credentials: Credentials; connectionConfig: Record<string, unknown> }

export type FreshOptions = RenewOptions & {
  /** Renew in any case, also during back-off and after exhaustion. */
  force?: boolean
  /** Renew this much earlier than the margin says, in milliseconds. */
  aheadMs?: number
  /** False: nobody reads the credentials; the daemon looks after them by itself. */
  touch?: boolean
}

/** The connection with its secrets in clear, as they are stored. */
export function readFresh(ctx: EnvironmentCtx, found: FoundConnection): Fresh {
  const { connection } = found
  return {
    found,
    credentials: readCredentials(ctx, connection),
    connectionConfig: readConnectionConfig(ctx, connection),
  }
}

const defaultMarginMs = 15 * 60_000

/** Whom to ask for new credentials; undefined when those at hand are good, or nothing better can be had. */
export function renewable(ctx: EnvironmentCtx, current: Fresh, options: FreshOptions): AuthTarget | undefined {
  const { credentials, found, connectionConfig } = current
  const provider = ctx.catalogue.find(found.integration.provider)
  if (!provider) return undefined
  const mode = modes[provider.auth_mode]
  const subject = { provider, connectionConfig }
  if (!mode.renew || !mode.stores.includes(credentials.type)) return undefined
  if (mode.canRenew && !mode.canRenew(subject, credentials)) return undefined
  const isDue = options.force === true || isStale(ctx, mode, subject, credentials, options)
  return isDue ? targetOf(ctx, found.integration, connectionConfig) : undefined
}

function isStale(
  ctx: EnvironmentCtx,
  mode: Mode,
  subject: RenewSubject,
  credentials: Credentials,
  options: FreshOptions,
): boolean {
  const { refresh_exchange, token_expiration_buffer: buffer } = subject.provider
  if (refresh_exchange?.only_when_forced) return false
  const marginMs = (buffer === undefined ? defaultMarginMs : buffer * 1000) + (options.aheadMs ?? 0)
  const now = ctx.now()
  const at = expiryOf(credentials, now)
  if (at !== undefined && at - now.getTime() < marginMs) return true
  return mode.isStale?.(subject, credentials, { ...options, now: now.getTime(), marginMs }) ?? false
}
