import type { EnvironmentCtx } from "../app/context.ts"
import { modes } from "../auth/modes.ts"
import { openAuth } from "../auth/operations.ts"
import type { FoundConnection } from "./connections.ts"
import { markFetched } from "./credentials.ts"
import { refreshConnection } from "./refresh.ts"
import { checkMayRefresh } from "./refresh-state.ts"
import { type Fresh, type FreshOptions, readFresh, renewable } from "./renewable.ts"

/**
 * The credentials of a connection for use: as they are stored, or renewed first when they end within a quarter of an hour
 * (or what the provider's entry says instead). Callers at the same time share one refresh. Talks to the provider, so
 * never inside a transaction. Throws `connection_refresh_exhausted`, `connection_refresh_backoff` (both 424) and the
 * reason of a refresh that failed; what is stored then stays as it is.
 */
export async function freshCredentials(
  ctx: EnvironmentCtx,
  found: FoundConnection,
  options: FreshOptions = {},
): Promise<Fresh> {
  const connection = options.touch === false ? found.connection : markFetched(ctx, found.connection)
  if (!options.force) checkMayRefresh(connection, ctx.now().getTime())
  const current = readFresh(ctx, { ...found, connection })
  const target = renewable(ctx, current, options)
  if (!target) return current
  const { local, renew } = modes[target.provider.auth_mode]
  if (local && renew) {
    const { credentials } = await renew(openAuth(ctx), target, current.credentials, options)
    return { ...current, credentials }
  }
  return joinRefresh(ctx, current.found, options)
}

function joinRefresh(ctx: EnvironmentCtx, found: FoundConnection, options: FreshOptions): Promise<Fresh> {
  const { id } = found.connection
  const known = ctx.refreshes.get(id)
  if (known) return known
  const refresh = refreshConnection(ctx, found, options).finally(() => ctx.refreshes.delete(id))
  ctx.refreshes.set(id, refresh)
  return refresh
}
