import type { Measure } from "./confine.ts"

/** What the guest may know about its run: plain data, no secret. All of it is readable as a property of `nango`. */
export type RunFacts = {
  connectionId: string
  providerConfigKey: string
  provider: string
  environmentId: number | string
  environmentName: string
  accountId?: number | string
  activityLogId: string
  nangoConnectionId?: number
  syncId?: string
  syncJobId?: number
  variant?: string
  /** ISO 8601 with zone. */
  lastSyncDate?: string
  trackDeletes?: boolean
  emptyCache?: boolean
  loggerLevel: "debug" | "info" | "warn" | "error" | "off"
  /** Base names of the declared models; null when the function declares none (legacy scripts: not checked). */
  models: string[] | null
  /** The provider's `proxy.paginate`; null when it has none, undefined when the provider is unknown. */
  paginate?: Record<string, unknown> | null
  /** The deployed function; left out when it is not deployed. */
  syncConfig?: Record<string, unknown>
  /** What is checked against the function's own schemas. */
  runnerFlags?: Partial<RunnerFlags>
  isCLI?: boolean
  /**
   * The run is answered from a fixture. `loose` does as the usual test double does: a refusal of the provider is
   * returned, not thrown, and inputs are not validated; `strict` does as a real run.
   */
  fixtures?: "loose" | "strict"
}

/** `"warn"`: what does not match is logged and passes. */
export type RunnerFlags = {
  validateActionInput: boolean | "warn"
  validateActionOutput: boolean | "warn"
  validateSyncRecords: boolean | "warn"
  validateSyncMetadata: boolean | "warn"
}

export type RunKind = "sync" | "webhook" | "action" | "on-event" | "describe"

/** One run as the guest gets it. `input` and every `output` are JSON texts. */
export type GuestJob = {
  kind: RunKind
  code: string
  fileName: string
  input?: string
  facts: RunFacts
  outputBytes: number
  /** Texts of the libraries that the code requires, by name. */
  libraries?: Record<string, string>
}

export type Frame = { line: number; column: number }

/** How a run failed; `type` is one of `spec` functions §3.13. */
export type RunError = {
  type: string
  status: number
  message: string
  payload: Record<string, unknown>
  /** Places in the bundle, innermost first (one-based line and column). */
  frames?: Frame[]
  stack?: string
  upstream?: { status: number; headers: Record<string, string>; body: unknown }
  /** Why the platform ended the run, for the operator. */
  description?: string
}

/** An error on its way from the daemon into the guest: no host stack, no cause. */
export type AnswerError = {
  name: string
  code?: string
  message: string
  status?: number
  payload?: unknown
  errors?: unknown
  extra?: Record<string, unknown>
  /** Members beside `error` in the API's answer. */
  top?: Record<string, unknown>
}

export type Payload = string | Uint8Array
export type Answer =
  { id: number; ok: true; output?: string; body?: Payload } | { id: number; ok: false; error: AnswerError }

export type ToGuest = { t: "job"; job: GuestJob } | ({ t: "answer" } & Answer) | { t: "cancel" }

export type GuestOutcome = { ok: true; output?: string } | { ok: false; error: RunError }
export type FromGuest =
  { t: "call"; id: number; call: string; input: string; body?: Payload } | { t: "done"; outcome: GuestOutcome }

export type ToChild =
  | { t: "job"; run: number; job: GuestJob }
  | ({ t: "answer"; run: number } & Answer)
  | { t: "cancel"; run: number }
  | { t: "stop"; run: number }

export type FromChild =
  | { t: "hello"; measures: Measure[] }
  | { t: "call"; run: number; id: number; call: string; input: string; body?: Payload }
  | { t: "done"; run: number; outcome: GuestOutcome }
  /** The Worker is gone without an outcome. */
  | { t: "ended"; run: number; reason: string }
  /** The run's Worker is gone; the process can take another run. */
  | { t: "idle"; run: number }
