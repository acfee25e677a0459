import type { CallInput } from "../calls.ts"
import type { RunFacts } from "../protocol.ts"
import { readList, readObject, readOptionalText, readOptions, readText, writeJson } from "./arguments.ts"
import type { Channel } from "./channel.ts"

type SyncRef = CallInput<"sync.trigger">["sync"]

/** Calls that start other functions. */
export function createTriggers(
  channel: Channel,
  facts: RunFacts,
  parse: (text: string) => unknown,
): Record<string, unknown> {
  return {
    /** `(providerConfigKey, connectionId, name, input?)`, or `(name, input?)` for the run's own connection. */
    async triggerAction(...args: unknown[]) {
      const long = args.length >= 3 && typeof args[2] === "string"
      const [key, connection, name, input] = long
        ? args
        : [facts.providerConfigKey, facts.connectionId, args[0], args[1]]
      const { body } = await channel.call("action.trigger", {
        providerConfigKey: readText(key, "the provider config key"),
        connectionId: readText(connection, "the connection id"),
        actionName: readText(name, "the name of the action"),
        input: writeJson(input, "the input"),
      })
      return typeof body === "string" && body !== "" ? parse(body) : undefined
    },
    async triggerSync(key: unknown, connection: unknown, sync: unknown, options?: unknown) {
      channel.check()
      const { output } = await channel.call("sync.trigger", {
        providerConfigKey: readText(key, "the provider config key"),
        connectionId: readOptionalText(connection, "the connection id"),
        sync: syncRef(sync),
        ...triggerOptions(options),
      })
      return output
    },
    async startSync(key: unknown, syncs: unknown, connection?: unknown) {
      channel.check()
      await channel.call("sync.start", {
        providerConfigKey: readText(key, "the provider config key"),
        connectionId: readOptionalText(connection, "the connection id"),
        syncs: (readList(syncs) ?? [syncs]).map(syncRef),
      })
    },
  }
}

function syncRef(sync: unknown): SyncRef {
  if (typeof sync !== "object" || sync === null) return readText(sync, "the name of the sync")
  const { name, variant } = readObject(sync, "the sync")
  return {
    name: readText(name, "the name of the sync"),
    variant: readOptionalText(variant, "the variant of the sync"),
  }
}

/** Today's `{reset, emptyCache}`, the older sync modes, or the boolean that asked for a full resync. */
function triggerOptions(options: unknown): { reset?: boolean; emptyCache?: boolean } {
  if (options === true || options === "full_refresh") return { reset: true }
  if (options === "full_refresh_and_clear_cache") return { reset: true, emptyCache: true }
  if (options === false || typeof options === "string") return {}
  const { reset, emptyCache } = readOptions(options, "its options")
  return { reset: reset === true ? true : undefined, emptyCache: emptyCache === true ? true : undefined }
}
