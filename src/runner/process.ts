import { workerUrl } from "../kit/entry.ts"
import { keepSmall } from "../kit/footprint.ts"
import { confine } from "./confine.ts"
import type { FromChild, FromGuest, ToChild, ToGuest } from "./protocol.ts"

type Guest = { worker: Worker; run: number | undefined; done: boolean }

/**
 * The main thread of a runner process: confines the process, then passes messages between the daemon and one Worker
 * at a time. The Worker of the next run stands ready before the run comes. Which run a message belongs to is decided
 * here by the Worker that it came from, and in the daemon by the process. Leaves when the daemon is gone.
 */
export function runRunnerProcess(): void {
  process.on("disconnect", () => process.exit(0))
  keepSmall()
  const measures = confine()
  let next = prepareGuest()
  let current: Guest | undefined

  process.on("message", (message: ToChild) => {
    if (message.t === "job") {
      if (current) return
      current = next
      current.run = message.run
      tell(current, { t: "job", job: message.job })
      return
    }
    if (!current || current.run !== message.run) return
    if (message.t === "stop") return retire(current)
    tell(current, message.t === "cancel" ? { t: "cancel" } : withoutRun(message))
  })
  send({ t: "hello", measures })

  function prepareGuest(): Guest {
    // Not `smol`: its small heap saves 0.3 MB and costs 2 ms of collecting before every run (2 cores, Bun 1.4).
    const worker = new Worker(workerUrl("runner/guest/main"), { env: {} })
    const guest: Guest = { worker, run: undefined, done: false }
    worker.onmessage = (event: MessageEvent<FromGuest>) => relay(guest, event.data)
    worker.onerror = (event) => end(guest, `error: ${String(event.message).slice(0, 2000)}`)
    worker.addEventListener("close", (event) => closed(guest, event as unknown as { code?: number }))
    return guest
  }

  function relay(guest: Guest, message: FromGuest): void {
    if (guest !== current || guest.run === undefined || guest.done) return
    if (message.t === "done") {
      guest.done = true
      send({ t: "done", run: guest.run, outcome: message.outcome })
      return retire(guest)
    }
    const { id, call, input, body } = message
    send({ t: "call", run: guest.run, id, call, input, body })
  }

  function end(guest: Guest, reason: string): void {
    if (guest !== current || guest.run === undefined || guest.done) return
    guest.done = true
    send({ t: "ended", run: guest.run, reason })
    retire(guest)
  }

  function closed(guest: Guest, event: { code?: number }): void {
    // A Worker that dies before it has a run means that this installation cannot run anything: the daemon sees it.
    if (guest === next && guest !== current) process.exit(70)
    if (guest !== current) return
    end(guest, `exit: ${event.code ?? "unknown"}`)
    current = undefined
    next = prepareGuest()
    send({ t: "idle", run: guest.run ?? 0 })
  }
}

function retire(guest: Guest): void {
  guest.done = true
  guest.worker.terminate()
}

function tell(guest: Guest, message: ToGuest): void {
  if (!guest.done) guest.worker.postMessage(message)
}

function withoutRun(message: Extract<ToChild, { t: "answer" }>): ToGuest {
  const { run: _, ...answer } = message
  return answer
}

function send(message: FromChild): void {
  if (process.connected) process.send?.(message)
}
