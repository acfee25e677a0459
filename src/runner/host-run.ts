import type { EnvironmentCtx } from "../app/context.ts"
import type { FoundConnection } from "../connections/connections.ts"
import type { Operation } from "../logs/log.ts"
import type { Provider } from "../providers/model.ts"
import type { HeldTarget } from "../proxy/target.ts"
import type { Fence } from "../queue/fence.ts"
import type { Checkpoint } from "../syncs/model.ts"

/**
 * One run as the daemon sees it: which environment and connection it speaks for is decided here, never by what a guest
 * sends.
 */
export type HostRun = {
  ctx: EnvironmentCtx
  kind: "sync" | "webhook" | "action" | "on-event"
  found: FoundConnection
  provider: Provider
  operation: Operation
  signal: AbortSignal
  /** How waits before a repeated request pass. Default: real time. */
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Connections that requests of this run went to, as they were a moment ago. */
  held?: Map<string, HeldTarget>
  /** The task and attempt that every write is fenced by; actions have none. */
  fence?: Fence
  /** Generation of what a sync saves. */
  runId?: number
  /** Key of the checkpoint, and scope of delete windows. */
  scope: string
  variant: string
  /** Name of the sync; empty for functions that are none. */
  syncName: string
  /** What webhooks call the run: INITIAL until the sync has ended well once. The status tells whether it was partial. */
  syncType?: "INITIAL" | "INCREMENTAL" | "WEBHOOK"
  models: string[] | null
  /** The operator accepted that this run may delete nearly everything. */
  acceptDeletes: boolean
  checkpoint: CheckpointState
  /** Full model name → number of the change after which records are left alone. */
  ignoreAfter: Map<string, number>
  /** Models whose unseen records the closing step marks as deleted. */
  toMark: { model: string; countModel: string; scope?: string; generation?: number }[]
  triggerAction: (input: {
    providerConfigKey: string
    connectionId: string
    actionName: string
    input?: string
  }) => Promise<string | undefined>
}

/** `version` is that of the run's last read or write, null before the first; `from` and `to` go to the run's summary. */
export type CheckpointState = { version: number | null; from?: Checkpoint | null; to?: Checkpoint | null }

export const newCheckpointState = (): CheckpointState => ({ version: null })

type Fresh = "provider" | "checkpoint" | "ignoreAfter" | "toMark"
type Usual = "variant" | "syncName" | "acceptDeletes"

/** A run at its beginning; what is not given is as it is for a function that is no sync. */
export function newHostRun(run: Omit<HostRun, Fresh | Usual> & Partial<Pick<HostRun, Usual>>): HostRun {
  return {
    variant: "base",
    syncName: "",
    acceptDeletes: false,
    ...run,
    provider: run.ctx.catalogue.get(run.found.integration.provider),
    checkpoint: newCheckpointState(),
    ignoreAfter: new Map(),
    toMark: [],
  }
}
