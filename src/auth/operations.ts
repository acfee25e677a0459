import type { EnvironmentCtx } from "../app/context.ts"
import { callbackUrlOf } from "../environments/environments.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import { AppError } from "../kit/errors.ts"
import type { Operation } from "../logs/log.ts"
import type { AuthCtx } from "./mode.ts"

export type AuthWork = {
  action: "create_connection" | "refresh_token" | "connection_test" | "revocation" | "post_connection"
  message: string
  integration: IntegrationRow
  connectionId?: string
  /** Texts that must not be seen in the log. */
  secrets: readonly string[]
}

/** What a mode works with: the gate, the clock, and the time that the whole work may take. */
export function openAuth(ctx: EnvironmentCtx): AuthCtx {
  const timeoutMs = ctx.config.tokenTimeoutSeconds * 1000
  const { egress, now, serverUrl, environment } = ctx
  const callbackUrl = () => callbackUrlOf(ctx)
  const signal = AbortSignal.timeout(timeoutMs)
  return { egress, now, serverUrl, callbackUrl, environment, timeoutMs, signal, exchanges: [] }
}

/** Opens the log entry of a piece of auth work. */
export function openOperation(ctx: EnvironmentCtx, work: AuthWork): Operation {
  const operation = ctx.logs.open({
    environmentId: ctx.environment.id,
    type: "auth",
    action: work.action,
    message: work.message,
    integration: work.integration.unique_key,
    provider: work.integration.provider,
    connection: work.connectionId,
  })
  operation.hide(work.secrets)
  return operation
}

/** Writes what was exchanged and how it ended, and closes the entry. */
export function closeOperation(operation: Operation, { exchanges }: Pick<AuthCtx, "exchanges">, error?: unknown): void {
  for (const { message, startedAt, durationMs, status, error: failure } of exchanges) {
    const response = status === undefined ? {} : { response: { code: status } }
    const detail = {
      ...response,
      startedAt: startedAt.toISOString(),
      durationMs,
      ...(failure ? { error: failure } : {}),
    }
    operation.write({ type: "http", level: failure ? "error" : "info", source: "internal", message, detail })
  }
  if (error === undefined) {
    operation.close("success")
    return
  }
  const described = describeError(error)
  operation.error(described.message, { error: described })
  operation.close("failed", described)
}

/** An error as a log or webhook may show it: what is not ours to tell says only that something failed. */
export function describeError(error: unknown): { type: string; message: string } {
  if (error instanceof AppError) return { type: error.code, message: error.message }
  return { type: "unknown_err", message: "Something went wrong on our side." }
}

const opened = new WeakMap<Error, string>()

/** The log entry of the work that failed with this error. */
export const operationOf = (error: unknown): string | undefined =>
  error instanceof Error ? opened.get(error) : undefined

/** Does a piece of auth work inside a log entry of its own, which ends as the work does. */
export async function inOperation<T>(
  ctx: EnvironmentCtx,
  work: AuthWork,
  run: (auth: AuthCtx) => Promise<T>,
): Promise<T> {
  const auth = openAuth(ctx)
  const operation = openOperation(ctx, work)
  try {
    const result = await run(auth)
    closeOperation(operation, auth)
    return result
  } catch (error) {
    closeOperation(operation, auth, error)
    if (error instanceof Error) opened.set(error, operation.id)
    throw error
  }
}
