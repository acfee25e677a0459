/** Names that functions must not see on `nango`; kept for code that was written against that rule. */
export const hiddenNames: ReadonlySet<string | symbol> = new Set([
  ...["nango", "persistClient", "telemetryRecorder", "locking", "checkpointing", "checkpointKey", "integrationConfig"],
  ...["memoizedConnections", "memoizedIntegration", "attributes", "telemetryBag", "abortSignal", "lifecycle"],
  ...["getProxyConfig", "throwIfAbortedOrKilled", "throwIfInterrupted", "shouldLog", "validateRecords"],
  ...["removeMetadata", "modelFullName", "sendLogToPersist", "logAPICall", "getMergingStrategy"],
  ...["setMergingStrategyByModel", "trackDeletesKey", "fetchRecordsPage", "getCheckpointRange", "clearRecordsIfNeeded"],
  ...["batchSize", "getRecordsBatchSize", "mergingByModel", "httpLogSample", "__proto__", "constructor"],
])

/**
 * The `nango` object as user code holds it: methods and properties without a prototype, a wall around the hidden
 * names, anything else free to be assigned.
 */
export function protect(members: Record<string, unknown>): Record<string, unknown> {
  const target: Record<string, unknown> = Object.assign(Object.create(null), members)
  const refuse = (name: string | symbol) => {
    if (hiddenNames.has(name)) throw new Error(`Access to "${String(name)}" is not allowed.`)
  }
  return new Proxy(target, {
    get(held, name) {
      refuse(name)
      return held[name as string]
    },
    set(held, name, value) {
      refuse(name)
      held[name as string] = value
      return true
    },
    has: (held, name) => !hiddenNames.has(name) && name in held,
    ownKeys: (held) => Reflect.ownKeys(held).filter((name) => !hiddenNames.has(name)),
    getOwnPropertyDescriptor(held, name) {
      return hiddenNames.has(name) ? undefined : Reflect.getOwnPropertyDescriptor(held, name)
    },
    defineProperty(held, name, descriptor) {
      refuse(name)
      return Reflect.defineProperty(held, name, descriptor)
    },
    deleteProperty(held, name) {
      refuse(name)
      return Reflect.deleteProperty(held, name)
    },
    getPrototypeOf: () => null,
    setPrototypeOf: () => false,
    preventExtensions: () => false,
  })
}
