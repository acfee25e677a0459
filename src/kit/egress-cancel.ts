import { EgressError } from "./egress-error.ts"

/** The one switch that ends an exchange at the socket, whoever pulls it: the caller's signal, a timer, or a limit. */
export type Cancel = {
  signal: AbortSignal
  abort: (reason: unknown) => void
  /** Stops the timer that waits for the headers. */
  headersArrived: () => void
  /** Lets go of timer and signal; runs when the exchange is over. */
  done: () => void
}

export function openCancel(request: { signal?: AbortSignal; timeoutMs?: number }, host: string): Cancel {
  const controller = new AbortController()
  const abort = (reason: unknown) => controller.abort(reason)
  const onSignal = () => abort(request.signal?.reason)
  const timeoutMs = request.timeoutMs ?? 60_000
  const late = () => abort(new EgressError("ETIMEDOUT", `${host} did not answer within ${timeoutMs} ms.`, host))
  const timer = setTimeout(late, clampTimer(timeoutMs))
  if (request.signal?.aborted) onSignal()
  request.signal?.addEventListener("abort", onSignal, { once: true })
  const headersArrived = () => clearTimeout(timer)
  const done = () => {
    clearTimeout(timer)
    request.signal?.removeEventListener("abort", onSignal)
  }
  return { signal: controller.signal, abort, headersArrived, done }
}

/** Waits for work that cannot be cancelled itself, such as a name lookup, but no longer than the signal allows. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener("abort", onAbort, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener("abort", onAbort)
  }
}

/** A timer set beyond 2³¹ − 1 ms, or to Infinity, would go off at once. */
export function clampTimer(ms: number): number {
  return Math.min(ms, 2_147_483_647)
}
