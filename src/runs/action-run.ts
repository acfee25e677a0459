import type { EnvironmentCtx } from "../app/context.ts"
import { findConnection, type FoundConnection } from "../connections/connections.ts"
import { findFunction } from "../functions/functions.ts"
import type { FunctionRow } from "../functions/model.ts"
import { releaseLocks } from "../runner/host.ts"
import { type HostRun, newHostRun } from "../runner/host-run.ts"
import { baseFacts, execute } from "./context.ts"
import { actionError } from "./errors.ts"
import { actionFaults } from "./model.ts"
import { takePlace } from "./places.ts"

export type RunAction = {
  providerConfigKey: string
  connectionId: string
  actionName: string
  /** JSON text. */
  input?: string
  /** 0 for an action that a client triggered. */
  depth?: number
  signal?: AbortSignal
}

/** How deep actions may trigger actions. */
const deepest = 5

/** Runs an action now and answers its output as JSON text, undefined when it returned nothing. Failures throw the documented errors. */
export async function runAction(ctx: EnvironmentCtx, input: RunAction): Promise<string | undefined> {
  const depth = input.depth ?? 0
  if (depth > deepest) throw actionFaults.nesting_too_deep()
  const target = await findAction(ctx, input)
  // A nested action has the place of the one above it, so nesting cannot deadlock.
  if (depth > 0) return carryOut(ctx, { ...input, ...target, depth })
  const giveBack = await takePlace(ctx, ctx.environment.id)
  try {
    return await carryOut(ctx, { ...input, ...target, depth })
  } finally {
    giveBack()
  }
}

type Work = RunAction & { depth: number; found: FoundConnection; fn: FunctionRow }

async function carryOut(ctx: EnvironmentCtx, input: Work): Promise<string | undefined> {
  const { found, fn, depth } = input
  const run = openRun(ctx, found, fn, input)
  try {
    const facts = await baseFacts(run)
    const outcome = await execute({
      run,
      fn,
      kind: "action",
      facts,
      input: input.input,
      wallMs: ctx.config.actionTimeoutSeconds * 1000,
      nested: depth > 0 ? depth : undefined,
    })
    if (outcome.ok) {
      run.operation.close("success")
      return outcome.output
    }
    const { type, message, payload, stack, upstream } = outcome.error
    run.operation.error(message || type, { error: { type, message, payload, stack, upstream } })
    run.operation.close(type === "script_aborted" ? "cancelled" : "failed", { type, message })
    throw actionError(outcome.error)
  } finally {
    await releaseLocks(run)
  }
}

/** What a call of an action names. Throws `unknown_connection`, `not_found`, `disabled_resource`. */
export async function findAction(
  ctx: EnvironmentCtx,
  input: Pick<RunAction, "providerConfigKey" | "connectionId" | "actionName">,
): Promise<{ found: FoundConnection; fn: FunctionRow }> {
  const found = await findConnection(ctx, input)
  if (!found) throw actionFaults.unknown_connection()
  const fn = await findFunction(ctx, { integrationId: found.integration.id, type: "action", name: input.actionName })
  if (!fn) throw actionFaults.not_found()
  if (!fn.enabled) throw actionFaults.disabled_resource()
  return { found, fn }
}

function openRun(
  ctx: EnvironmentCtx,
  found: FoundConnection,
  fn: FunctionRow,
  input: RunAction & { depth: number },
): HostRun {
  const operation = ctx.logs.open({
    environmentId: ctx.environment.id,
    type: "action",
    action: "run",
    message: `Action "${fn.name}"`,
    integration: found.integration.unique_key,
    provider: found.integration.provider,
    connection: found.connection.connection_id,
    function: fn.name,
  })
  return newHostRun({
    ctx,
    kind: "action",
    found,
    operation,
    signal: input.signal ?? new AbortController().signal,
    scope: `action:${fn.name}`,
    models: fn.definition.models,
    triggerAction: (nested) => runAction(ctx, { ...nested, depth: input.depth + 1, signal: input.signal }),
  })
}
