import type { DryEvent, DrySummary } from "../fixtures/events.ts"
import { redact } from "../kit/redact.ts"
import type { CallInput, CallName } from "../runner/calls.ts"
import { checkFlat } from "../runner/host-checkpoints.ts"
import type { HostRun } from "../runner/host-run.ts"
import { answerFor } from "../runner/host.ts"
import type { Payload } from "../runner/protocol.ts"
import type { AnswerCall } from "../runner/runner.ts"
import type { Checkpoint } from "../syncs/model.ts"
import { observeFetch, observeSend } from "./dry-http.ts"
import { createDryRecords, type DryRecords } from "./dry-records.ts"

export type DryOptions = {
  /** Stands in for the metadata of the run's connection. */
  metadata?: Record<string, unknown>
  /** What the run finds as its checkpoint. */
  checkpoint?: Checkpoint
  /** Also tells whole exchanges, so that they can be saved as a fixture. */
  record: boolean
  /** Resolves when the listener can take more. */
  emit: (event: DryEvent) => Promise<void>
}

export type DryHost = {
  answer: AnswerCall
  /** What would be marked as deleted when the run ends well; for functions that declare `trackDeletes`. */
  deleteUnseen: (model: string) => Promise<void>
  summary: () => DrySummary
}

export type DryAnswer = { output?: unknown; body?: Payload }

/** A dry run and what it keeps instead of storing it. */
export type Dry = {
  run: HostRun
  options: DryOptions
  records: DryRecords
  metadata: Record<string, unknown> | undefined
  checkpoint: Checkpoint | null
  from: Checkpoint | null
  /** The run's locks. */
  locks: Set<string>
  real: AnswerCall
}

type Handlers = {
  [N in CallName]?: (dry: Dry, input: CallInput<N>, body: Payload | undefined) => Promise<DryAnswer>
}

/**
 * The daemon's side of a dry run. Requests go to the provider with the connection's credentials, and what is read is
 * real; what would be stored (records, checkpoint, metadata, delete marks, locks) is only told and kept in memory.
 * Actions that the function triggers run for real, other syncs are left alone.
 */
export function createDryHost(run: HostRun, options: DryOptions): DryHost {
  const from = options.checkpoint ?? null
  const dry: Dry = {
    run,
    options,
    records: createDryRecords(run, options.emit),
    metadata: options.metadata,
    checkpoint: from,
    from,
    locks: new Set(),
    real: answerFor(run),
  }
  const answer: AnswerCall = (call, input, body) => {
    const handle = handlers[call] as
      ((dry: Dry, input: unknown, body: Payload | undefined) => Promise<DryAnswer>) | undefined
    return handle ? handle(dry, input, body) : dry.real(call, input, body)
  }
  return {
    answer,
    deleteUnseen: async (model) => void (await dry.records.endDeletes(model, "run")),
    summary: () => ({ counts: dry.records.counts, checkpoint: { from: dry.from, to: dry.checkpoint } }),
  }
}

const text = (body: Payload | undefined): string => (typeof body === "string" ? body : "")

const handlers: Handlers = {
  "proxy.send": observeSend,
  "fetch.raw": observeFetch,
  // Waits for the listener, so that a function that talks without end cannot fill the daemon's memory.
  "log.write": async ({ options }, { level, message, meta }) => {
    await options.emit({ event: "log", level, source: "user", message, detail: redact(meta) })
    return {}
  },
  "records.save": (dry, input, body) => dry.records.write("save", input, text(body)),
  "records.update": (dry, input, body) => dry.records.write("update", input, text(body)),
  "records.delete": (dry, input, body) => dry.records.write("delete", input, text(body)),
  "deletes.start": (dry, { model }) => dry.records.startDeletes(model),
  "deletes.end": (dry, { model }) => dry.records.endDeletes(model, "window"),
  "deletes.previous": (dry, { model }) => dry.records.endDeletes(model, "run"),
  "checkpoint.get": async ({ checkpoint }) => ({ output: checkpoint }),
  "checkpoint.save": (dry, { checkpoint }) =>
    changeCheckpoint(dry, checkFlat(checkpoint, dry.run.ctx.config.checkpointTextLimit)),
  "checkpoint.clear": (dry) => changeCheckpoint(dry, null),
  "connection.get": showConnection,
  "integration.get": async (dry, input) => {
    const { output } = await dry.real("integration.get", input, undefined)
    const integration = output as Record<string, unknown>
    if (dry.options.record) await dry.options.emit({ event: "integration", integration })
    return { output }
  },
  "variables.get": async (dry, input) => {
    const { output } = await dry.real("variables.get", input, undefined)
    if (dry.options.record && Array.isArray(output)) await dry.options.emit({ event: "variables", variables: output })
    return { output }
  },
  "metadata.set": (dry, { metadata }) => changeMetadata(dry, metadata),
  "metadata.update": async (dry, { metadata }) =>
    changeMetadata(dry, { ...(dry.metadata ?? dry.run.found.connection.metadata), ...metadata }),
  "action.trigger": triggerAction,
  "sync.trigger": async (dry, input) => {
    note(dry, "A sync would be triggered", input)
    return { output: { success: true } }
  },
  "sync.start": async (dry, input) => {
    note(dry, "Syncs would be started", input)
    return {}
  },
  "lock.acquire": async ({ locks }, { key }) => ({ output: Boolean(locks.add(key)) }),
  "lock.release": async ({ locks }, { key }) => ({ output: locks.delete(key) }),
  "lock.releaseAll": async ({ locks }) => {
    locks.clear()
    return {}
  },
}

const note = ({ run }: Dry, message: string, detail: unknown) => run.operation.info(`${message} (dry run)`, detail)

async function changeCheckpoint(dry: Dry, checkpoint: Checkpoint | null): Promise<DryAnswer> {
  dry.checkpoint = checkpoint
  await dry.options.emit({ event: "checkpoint", checkpoint })
  return {}
}

async function changeMetadata(dry: Dry, metadata: Record<string, unknown>): Promise<DryAnswer> {
  const { connection, integration } = dry.run.found
  dry.metadata = metadata
  await dry.options.emit({ event: "metadata", metadata })
  return {
    output: { connection_id: connection.connection_id, provider_config_key: integration.unique_key, metadata },
  }
}

async function showConnection(dry: Dry, input: CallInput<"connection.get">): Promise<DryAnswer> {
  const { output } = await dry.real("connection.get", input, undefined)
  const { connection, integration } = dry.run.found
  const isOwn =
    (input.connectionId ?? connection.connection_id) === connection.connection_id &&
    (input.providerConfigKey ?? integration.unique_key) === integration.unique_key
  const shown = { ...(output as Record<string, unknown>) }
  if (!isOwn) return { output: shown }
  if (dry.metadata) shown.metadata = dry.metadata
  if (dry.options.record) await dry.options.emit({ event: "connection", connection: shown })
  return { output: shown }
}

async function triggerAction(dry: Dry, input: CallInput<"action.trigger">): Promise<DryAnswer> {
  note(dry, `The action "${input.actionName}" runs for real`, undefined)
  const { body } = await dry.real("action.trigger", input, undefined)
  if (dry.options.record)
    await dry.options.emit({ event: "action", name: input.actionName, output: body ? JSON.parse(text(body)) : null })
  return { body }
}
