import { type App, type EnvironmentCtx, inTransaction } from "../app/context.ts"
import type { FoundConnection } from "../connections/connections.ts"
import { findConnectionById, listConnectionsOf } from "../connections/connections.ts"
import type { ConnectionRow } from "../connections/model.ts"
import { getEnvironment } from "../environments/environments.ts"
import { findFunctionById, listFunctions } from "../functions/functions.ts"
import type { FunctionRow } from "../functions/model.ts"
import type { IntegrationRow } from "../integrations/model.ts"
import type { TaskHandler } from "../queue/loop.ts"
import { priorities } from "../queue/model.ts"
import { addTask, settleTask } from "../queue/queue.ts"
import { releaseLocks } from "../runner/host.ts"
import { type HostRun, newHostRun } from "../runner/host-run.ts"
import type { RunError } from "../runner/runner.ts"
import { runAction } from "./action-run.ts"
import { baseFacts, execute } from "./context.ts"

type Event = "post-connection-creation" | "pre-connection-deletion" | "validate-connection"
type EventTask = { functionId: number; connectionId: number }

async function eventFunctions(ctx: EnvironmentCtx, integrationId: number, event: Event): Promise<FunctionRow[]> {
  const deployed = await listFunctions(ctx, { integrationId, type: "on-event" })
  return deployed.filter((fn) => fn.enabled && fn.definition.event === event)
}

export async function validatesConnections(ctx: EnvironmentCtx, integration: IntegrationRow): Promise<boolean> {
  return (await eventFunctions(ctx, integration.id, "validate-connection")).length > 0
}

/** Runs the functions that validate a connection, in order. Answers the first refusal. */
export async function runValidation(
  ctx: EnvironmentCtx,
  found: FoundConnection,
): Promise<{ message: string; logId: string } | undefined> {
  for (const fn of await eventFunctions(ctx, found.integration.id, "validate-connection")) {
    const { error, logId } = await runEvent(ctx, fn, found)
    if (error) return { message: refusalText(error), logId }
  }
  return undefined
}

function refusalText({ payload }: RunError): string {
  const said = [payload.message, payload.error].find((text) => typeof text === "string" && text !== "")
  return typeof said === "string" ? said : "The connection failed validation"
}

/** Runs, before a connection is deleted, what the owner wants to be done. A failure is logged; the deletion goes on. */
export async function runDeletionEvents(ctx: EnvironmentCtx, found: FoundConnection): Promise<void> {
  for (const fn of await eventFunctions(ctx, found.integration.id, "pre-connection-deletion"))
    await runEvent(ctx, fn, found)
}

export async function runDeletionEventsOf(ctx: EnvironmentCtx, integration: IntegrationRow): Promise<void> {
  for (const connection of await listConnectionsOf(ctx, integration.id))
    await runDeletionEvents(ctx, { connection, integration })
}

/** Queues what runs after a connection was made; nobody waits for it. */
export async function queueCreationEvents(ctx: EnvironmentCtx, connection: ConnectionRow): Promise<void> {
  for (const fn of await eventFunctions(ctx, connection.integration_id, "post-connection-creation")) {
    const payload: EventTask = { functionId: fn.id, connectionId: connection.id }
    await addTask(ctx, { kind: "event", group: `event:${ctx.environment.id}`, priority: priorities.event, payload })
    ctx.tx?.after(ctx.queue.wake)
  }
}

/** How queued event functions are carried out. One that is lost or fails is not run again by itself. */
export function eventHandler(app: () => App): TaskHandler {
  return {
    async run(task, signal) {
      const { functionId, connectionId } = task.payload as EventTask
      const fn = await findFunctionById(app(), functionId)
      if (fn) {
        const ctx: EnvironmentCtx = { ...app(), environment: await getEnvironment(app(), fn.environment_id) }
        const found = await findConnectionById(ctx, connectionId)
        if (found?.connection.deleted_at === null) await runEvent(ctx, fn, found, signal)
      }
      await inTransaction(app(), (ctx) => settleTask(ctx, task))
    },
    lost: () => Promise.resolve(),
  }
}

async function runEvent(
  ctx: EnvironmentCtx,
  fn: FunctionRow,
  found: FoundConnection,
  signal = new AbortController().signal,
): Promise<{ error?: RunError; logId: string }> {
  const run = openRun(ctx, fn, found, signal)
  try {
    const facts = await baseFacts(run)
    const outcome = await execute({ run, fn, kind: "on-event", facts, wallMs: ctx.config.eventTimeoutSeconds * 1000 })
    if (outcome.ok) {
      run.operation.close("success")
      return { logId: run.operation.id }
    }
    const { type, message, payload, stack, upstream } = outcome.error
    run.operation.error(message || type, { error: { type, message, payload, stack, upstream } })
    run.operation.close("failed", { type, message })
    return { error: outcome.error, logId: run.operation.id }
  } finally {
    await releaseLocks(run)
  }
}

function openRun(ctx: EnvironmentCtx, fn: FunctionRow, found: FoundConnection, signal: AbortSignal): HostRun {
  const operation = ctx.logs.open({
    environmentId: ctx.environment.id,
    type: "events",
    action: fn.definition.event?.replaceAll("-", "_") ?? "event",
    message: `Event function "${fn.name}"`,
    integration: found.integration.unique_key,
    provider: found.integration.provider,
    connection: found.connection.connection_id,
    function: fn.name,
  })
  return newHostRun({
    ctx,
    kind: "on-event",
    found,
    operation,
    signal,
    scope: `on-event:${fn.name}`,
    models: fn.definition.models,
    triggerAction: (input) => runAction(ctx, { ...input, depth: 1, signal }),
  })
}
