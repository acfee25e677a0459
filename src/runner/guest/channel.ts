import type { CallInput, CallName } from "../calls.ts"
import type { Answer, FromGuest, Payload } from "../protocol.ts"
import { writeJson } from "./arguments.ts"
import { apiError, SdkError, toGuestError } from "./errors.ts"

const maxOpen = 32

export type CallAnswer = { output: unknown; body: Payload | undefined }

/** The guest's end of the wire to the daemon. */
export type Channel = {
  /**
   * Asks the daemon. The output comes back as the guest's own JSON. Rejects with `script_aborted` once the run is
   * cancelled, and with the daemon's error as an SDK error, or as an HTTP error for calls that stand for API requests.
   */
  call: <N extends CallName>(name: N, input: CallInput<N>, body?: Payload) => Promise<CallAnswer>
  /** @throws SdkError `script_aborted` when the run is cancelled. */
  check: () => void
  receive: (answer: Answer) => void
  cancel: () => void
}

type Pending = { name: CallName; resolve: (answer: CallAnswer) => void; reject: (error: unknown) => void }

/** Calls that are requests to the public API in other runtimes, so that code expects an HTTP error from them. */
const apiCalls = new Set<CallName>([
  "connection.get",
  "metadata.set",
  "metadata.update",
  "integration.get",
  "variables.get",
  "action.trigger",
  "sync.trigger",
  "sync.start",
])

export function openChannel(post: (message: FromGuest) => void, parse: (text: string) => unknown): Channel {
  const pending = new Map<number, Pending>()
  const waiting: (() => void)[] = []
  let nextId = 0
  let cancelled = false

  const check = () => {
    if (cancelled) throw aborted()
  }

  const release = (id: number) => {
    pending.delete(id)
    waiting.shift()?.()
  }

  return {
    check,
    async call(name, input, body) {
      check()
      while (pending.size >= maxOpen) await new Promise<void>((resolve) => waiting.push(resolve))
      check()
      const id = nextId++
      const answer = new Promise<CallAnswer>((resolve, reject) => pending.set(id, { name, resolve, reject }))
      try {
        post({ t: "call", id, call: name, input: writeJson(input, "an argument") ?? "", body })
      } catch (error) {
        release(id)
        throw error
      }
      return await answer
    },
    receive(answer) {
      const call = pending.get(answer.id)
      if (!call) return
      release(answer.id)
      if (!answer.ok)
        return call.reject(apiCalls.has(call.name) ? apiError(answer.error, parse) : toGuestError(answer.error))
      call.resolve({ output: answer.output === undefined ? undefined : parse(answer.output), body: answer.body })
    },
    cancel() {
      cancelled = true
      for (const { reject } of pending.values()) reject(aborted())
      pending.clear()
      for (const go of waiting.splice(0)) go()
    },
  }
}

function aborted(): SdkError {
  return new SdkError("script_aborted", "The run was cancelled")
}
