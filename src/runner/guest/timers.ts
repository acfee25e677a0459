type Callback = (...args: unknown[]) => unknown

/**
 * Timers for functions: numbers instead of the platform's objects, and what a callback throws ends the run.
 */
export function createTimers(fail: (error: unknown) => void): Record<string, unknown> {
  const timers = new Map<number, ReturnType<typeof setTimeout>>()
  let next = 1

  const guarded = (callback: unknown, args: unknown[]) => {
    try {
      const result = (callback as Callback)(...args)
      if (result instanceof Promise) result.catch(fail)
    } catch (error) {
      fail(error)
    }
  }
  const needFunction = (callback: unknown) => {
    if (typeof callback !== "function") throw new TypeError("A timer needs a function")
  }
  const clear = (id: unknown) => {
    const timer = timers.get(Number(id))
    if (timer === undefined) return
    clearTimeout(timer)
    timers.delete(Number(id))
  }

  return {
    setTimeout(callback: unknown, ms?: unknown, ...args: unknown[]) {
      needFunction(callback)
      const id = next++
      const run = () => {
        timers.delete(id)
        guarded(callback, args)
      }
      timers.set(id, setTimeout(run, Number(ms ?? 0)))
      return id
    },
    setInterval(callback: unknown, ms?: unknown, ...args: unknown[]) {
      needFunction(callback)
      const id = next++
      timers.set(
        id,
        setInterval(() => guarded(callback, args), Number(ms ?? 0)),
      )
      return id
    },
    clearTimeout: clear,
    clearInterval: clear,
    queueMicrotask(callback: unknown) {
      needFunction(callback)
      queueMicrotask(() => guarded(callback, []))
    },
  }
}
