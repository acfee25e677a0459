type Listener = (...args: unknown[]) => void
type Target = {
  write: (chunk: unknown) => unknown
  end: () => unknown
  emit?: (event: string, ...args: unknown[]) => unknown
}

/**
 * What `responseType: "stream"` answers with: the part of Node's Readable that code uses on a response. The body is here
 * already, so it flows as one chunk.
 */
export class BodyStream {
  readable = true
  destroyed = false
  readableEnded = false
  #chunk: Buffer | undefined
  #encoding: BufferEncoding | undefined
  #paused = false
  #flows = false
  readonly #listeners = new Map<string, Set<Listener>>()

  constructor(body: Buffer) {
    this.#chunk = body
  }

  on(event: string, listener: Listener): this {
    const known = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, known.add(listener))
    if (event === "data" || event === "readable") this.#flow()
    return this
  }

  addListener(event: string, listener: Listener): this {
    return this.on(event, listener)
  }

  once(event: string, listener: Listener): this {
    const first: Listener = (...args) => {
      this.off(event, first)
      listener(...args)
    }
    return this.on(event, first)
  }

  off(event: string, listener: Listener): this {
    this.#listeners.get(event)?.delete(listener)
    return this
  }

  removeListener(event: string, listener: Listener): this {
    return this.off(event, listener)
  }

  removeAllListeners(event?: string): this {
    if (event === undefined) this.#listeners.clear()
    else this.#listeners.delete(event)
    return this
  }

  emit(event: string, ...args: unknown[]): boolean {
    const listeners = [...(this.#listeners.get(event) ?? [])]
    for (const listener of listeners) listener.apply(this, args)
    return listeners.length > 0
  }

  setEncoding(encoding: BufferEncoding): this {
    this.#encoding = encoding
    return this
  }

  /** The whole body the first time, then null. */
  read(): Buffer | string | null {
    const chunk = this.#chunk
    this.#chunk = undefined
    if (chunk === undefined || chunk.length === 0 || this.destroyed) return null
    return this.#encoding === undefined ? chunk : chunk.toString(this.#encoding)
  }

  pipe<T extends Target>(target: T): T {
    this.on("data", (chunk) => void target.write(chunk))
    this.on("end", () => void target.end())
    target.emit?.("pipe", this)
    return target
  }

  pause(): this {
    this.#paused = true
    return this
  }

  resume(): this {
    this.#paused = false
    this.#flow()
    return this
  }

  isPaused(): boolean {
    return this.#paused
  }

  destroy(error?: unknown): this {
    if (this.destroyed) return this
    this.destroyed = true
    this.readable = false
    if (error !== undefined && error !== null) this.emit("error", error)
    this.emit("close")
    return this
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer | string> {
    const chunk = this.read()
    if (chunk !== null) yield chunk
    this.#end()
  }

  /** A moment later, so that everything that is attached in one go gets everything. */
  #flow(): void {
    if (this.#flows) return
    this.#flows = true
    queueMicrotask(() => {
      this.#flows = false
      if (this.#paused || this.destroyed || this.readableEnded) return
      if (this.#listeners.has("readable")) this.emit("readable")
      const chunk = this.read()
      if (chunk !== null) this.emit("data", chunk)
      this.#end()
    })
  }

  #end(): void {
    if (this.readableEnded || this.destroyed) return
    this.readableEnded = true
    this.readable = false
    this.emit("end")
    this.destroy()
  }
}
