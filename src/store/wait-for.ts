import type { CommittedStep, Store } from "./store.ts"

/**
 * Reads until there is something, looking again after each committed step that concerns it; undefined when the signal
 * came first. Nothing that is committed meanwhile is missed, and a disk at rest is left alone.
 */
export async function waitFor<T>(
  store: Store,
  input: { concerns: (step: CommittedStep) => boolean; read: () => Promise<T | undefined>; signal: AbortSignal },
): Promise<T | undefined> {
  const { concerns, read, signal } = input
  let wake = Promise.withResolvers<void>()
  const unwatch = store.watch((step) => concerns(step) && wake.resolve())
  const ended = () => wake.resolve()
  signal.addEventListener("abort", ended)
  try {
    for (;;) {
      wake = Promise.withResolvers()
      const found = await read()
      if (found !== undefined || signal.aborted) return found
      await wake.promise
    }
  } finally {
    signal.removeEventListener("abort", ended)
    unwatch()
  }
}
