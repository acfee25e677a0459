import type { EnvironmentCtx } from "../app/context.ts"
import type { ConnectionRow } from "./model.ts"

/** The connections as they are shown: with the errors of their syncs beside those of their credentials. */
export async function withSyncErrors(ctx: EnvironmentCtx, rows: ConnectionRow[]): Promise<ConnectionRow[]> {
  const [only] = rows
  if (!only) return rows
  const failing = await ctx.moments.syncsFailing(ctx, rows.length === 1 ? only.id : undefined)
  if (failing.length === 0) return rows
  const byConnection = Map.groupBy(failing, ({ connectionId }) => connectionId)
  return rows.map((row) => {
    const more = (byConnection.get(row.id) ?? []).map(({ operationId }) => ({ type: "sync", log_id: operationId }))
    return more.length === 0 ? row : { ...row, errors: [...row.errors, ...more] }
  })
}

/** The same for one. */
export async function withErrors(ctx: EnvironmentCtx, row: ConnectionRow): Promise<ConnectionRow> {
  const [shown = row] = await withSyncErrors(ctx, [row])
  return shown
}
