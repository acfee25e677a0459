import type { Logger } from "pino"
import { newOperationId } from "../kit/ids.ts"
import { hideSecrets, redact, redactText } from "../kit/redact.ts"
import type { Store } from "../store/store.ts"
import { type LogLevel, longestMessage, type NewMessage, type NewOperation, type OperationState } from "./model.ts"

/** Takes what happened, for the owner to read. Entries are written in batches; a lost batch never fails the work. */
export type LogSink = {
  open: (operation: NewOperation) => Operation
  /** Resolves when all that was logged until now can be read. */
  flush: () => Promise<void>
}

export type Operation = {
  id: string
  write: (message: NewMessage) => void
  info: (message: string, detail?: unknown) => void
  warn: (message: string, detail?: unknown) => void
  error: (message: string, detail?: unknown) => void
  /** Secret texts that must never appear in this operation's messages. */
  hide: (secrets: readonly string[]) => void
  /** A copy without those texts, for whoever is told of the work. */
  clean: <T>(value: T) => T
  close: (state: OperationState, error?: unknown) => void
}

export type LogEntry =
  | ({ entry: "operation"; id: string; createdAt: number } & NewOperation)
  | ({ entry: "message"; operationId: string; createdAt: number } & NewMessage)
  | { entry: "end"; id: string; state: OperationState; level: LogLevel; error: unknown; endedAt: number }

const flushMs = 100
const flushEntries = 200

/** The built-in sink: its own database file, written by the writer in batches of up to 200 entries or 100 ms. */
export function createLogSink(options: { store: Store; now: () => Date; log: Logger }): LogSink {
  const { store, now, log } = options
  let pending: LogEntry[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let writing: Promise<void> = Promise.resolve()

  function add(entry: LogEntry) {
    pending.push(entry)
    if (pending.length >= flushEntries) send()
    else timer ??= setTimeout(send, flushMs)
  }

  function send() {
    clearTimeout(timer)
    timer = undefined
    if (pending.length === 0) return
    const body = JSON.stringify(pending)
    pending = []
    // The batch is sent now and in order; only its outcome is awaited by `flush`.
    const sent = store.step({ name: "logs.write", input: null, body })
    writing = Promise.all([writing, sent]).then(
      () => undefined,
      (error) => log.error({ err: error }, "log entries could not be stored"),
    )
  }

  return {
    open: (operation) => openOperation(operation, now, add),
    async flush() {
      send()
      await writing
    },
  }
}

function openOperation(operation: NewOperation, now: () => Date, add: (entry: LogEntry) => void): Operation {
  const id = newOperationId(now())
  let secrets: readonly string[] = []
  let ended = false
  add({
    entry: "operation",
    id,
    createdAt: now().getTime(),
    ...operation,
    meta: redact(operation.meta),
  })

  function write(message: NewMessage) {
    const text = redactText(message.message, secrets)
    add({
      entry: "message",
      operationId: id,
      createdAt: now().getTime(),
      ...message,
      message: text.length > longestMessage ? `${text.slice(0, longestMessage)}… (truncated)` : text,
      detail: redact(message.detail, secrets),
    })
  }
  const line = (level: LogLevel) => (message: string, detail?: unknown) =>
    write({ type: "log", level, source: "internal", message, detail })

  return {
    id,
    write,
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
    hide(more) {
      secrets = [...secrets, ...more.filter((secret) => !secrets.includes(secret))]
    },
    clean: (value) => hideSecrets(value, secrets),
    close(state, error) {
      if (ended) return
      ended = true
      const failed = state === "failed" || state === "timeout"
      add({
        entry: "end",
        id,
        state,
        level: failed ? "error" : "info",
        error: redact(error, secrets) ?? null,
        endedAt: now().getTime(),
      })
    },
  }
}
