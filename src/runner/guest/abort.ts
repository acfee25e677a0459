type Listener = (event: { type: "abort"; target: Signal }) => void

/**
 * AbortController for functions. The platform's own is an EventTarget, and a method of that class called without an
 * object acts on the Worker itself, so functions get this one.
 */
export class Signal {
  aborted = false
  reason: unknown = undefined
  onabort: Listener | null = null
  readonly #listeners = new Set<Listener>()

  addEventListener(type: string, listener: Listener): void {
    if (type === "abort") this.#listeners.add(listener)
  }

  removeEventListener(type: string, listener: Listener): void {
    if (type === "abort") this.#listeners.delete(listener)
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason
  }

  static fire(signal: Signal, reason: unknown): void {
    if (signal.aborted) return
    signal.aborted = true
    signal.reason = reason
    const event = { type: "abort", target: signal } as const
    if (typeof signal.onabort === "function") signal.onabort(event)
    for (const listener of signal.#listeners) listener(event)
  }
}

const fire = Signal.fire
// Only a controller may abort its signal.
Reflect.deleteProperty(Signal, "fire")

export class Controller {
  readonly signal = new Signal()

  abort(reason?: unknown): void {
    fire(this.signal, reason ?? Object.assign(new Error("The operation was aborted."), { name: "AbortError" }))
  }
}
