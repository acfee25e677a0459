import type { RunFacts, RunKind } from "../protocol.ts"
import { readList, readObject, refuse } from "./arguments.ts"
import type { Channel } from "./channel.ts"
import { createConnectionCalls } from "./connection.ts"
import { ActionError } from "./errors.ts"
import { createSend } from "./http.ts"
import { createLogger } from "./logging.ts"
import { paginate } from "./paginate.ts"
import { rawFetch } from "./raw-fetch.ts"
import { readRequest } from "./request.ts"
import type { HttpConfig } from "./request.ts"
import { createTriggers } from "./triggers.ts"

export type Realm = {
  /** JSON.parse of the guest's own realm: what comes out of it are the function's kind of objects. */
  parse: (text: string) => unknown
}

type ZodLike = { safeParse: (input: unknown) => { success: boolean; error?: { issues: ZodIssue[] } } }
type ZodIssue = { message: string; path: PropertyKey[] }

/** Everything that every kind of function finds on `nango`. */
export function actionMembers(
  channel: Channel,
  realm: Realm,
  run: { kind: RunKind; facts: RunFacts },
): Record<string, unknown> {
  const { facts } = run
  const loose = facts.fixtures === "loose"
  const send = createSend(channel, realm.parse, facts.fixtures)
  const logger = createLogger(channel, facts.loggerLevel)
  const verb = (method: string) => (config: unknown) => send({ ...readRequest(config), method })

  return {
    ...properties(run),
    logger: { level: facts.loggerLevel },
    ActionError,
    proxy: send,
    get: verb("GET"),
    post: verb("POST"),
    put: verb("PUT"),
    patch: verb("PATCH"),
    delete: verb("DELETE"),
    paginate: (config: HttpConfig) => paginate(loose ? withoutInBody(config) : config, send, facts.paginate),
    log: logger.log,
    setLogger: logger.setLogger,
    ...createConnectionCalls(channel),
    ...createTriggers(channel, facts, realm.parse),
    ...checkpointCalls(channel),
    ...lockCalls(channel),
    uncontrolledFetch: (options: unknown) => rawFetch(channel, options),
    getFlowAttributes() {
      if (!facts.syncJobId) throw new Error("There is no sync job to read the attributes of")
      return facts.syncConfig?.attributes ?? {}
    },
    async zodValidateInput(options: unknown) {
      channel.check()
      const { zodSchema, input } = readObject(options, "its options")
      if (!isSchema(zodSchema)) throw refuse('"zodSchema" must be a zod schema')
      if (loose) return { success: true, data: input }
      const result = zodSchema.safeParse(input)
      if (result.success) return result
      for (const { message, path } of result.error?.issues ?? []) {
        await logger.log(`Invalid input: ${message} at "${path.map(String).join(".")}"`, { level: "error" })
      }
      throw new ActionError({ message: "Invalid input provided" })
    },
  }
}

function isSchema(value: unknown): value is ZodLike {
  try {
    return typeof (value as Partial<ZodLike> | null | undefined)?.safeParse === "function"
  } catch {
    // A proxy that throws on being looked at.
    return false
  }
}

/** With the usual test double the method alone decides where pagination parameters go. */
function withoutInBody(config: HttpConfig): HttpConfig {
  const given = readRequest(config)
  return { ...given, paginate: { ...(given.paginate as object | undefined), in_body: undefined } }
}

function properties({ kind, facts }: { kind: RunKind; facts: RunFacts }): Record<string, unknown> {
  const { connectionId, providerConfigKey, provider, environmentId, environmentName, accountId } = facts
  const { activityLogId, syncId, syncJobId, nangoConnectionId, syncConfig } = facts
  return {
    ...{ connectionId, providerConfigKey, provider, environmentId, environmentName, accountId },
    ...{ activityLogId, syncId, syncJobId, nangoConnectionId, syncConfig },
    scriptType: kind,
    runnerFlags: facts.runnerFlags ?? {},
    isCLI: facts.isCLI === true,
  }
}

function checkpointCalls(channel: Channel): Record<string, unknown> {
  return {
    async getCheckpoint() {
      const { output } = await channel.call("checkpoint.get", {})
      return output ?? null
    },
    async saveCheckpoint(checkpoint: unknown) {
      if (typeof checkpoint !== "object" || checkpoint === null || readList(checkpoint)) {
        throw refuse("Error saving checkpoint: it must be an object")
      }
      await channel.call("checkpoint.save", { checkpoint: checkpoint as Record<string, unknown> })
    },
    async clearCheckpoint() {
      await channel.call("checkpoint.clear", {})
    },
  }
}

const longestLock = 31 * 86_400_000

function lockCalls(channel: Channel): Record<string, unknown> {
  const keyOf = ({ key }: Record<string, unknown>) => {
    if (typeof key === "string" && key.length > 0 && key.length <= 255) return key
    throw refuse('"key" must be a text of 1 to 255 characters')
  }
  const timeOf = ({ ttlMs }: Record<string, unknown>) => {
    if (typeof ttlMs === "number" && ttlMs > 0 && ttlMs <= longestLock) return Math.ceil(ttlMs)
    throw refuse(`"ttlMs" must be a number of milliseconds above 0, at most ${longestLock}`)
  }
  return {
    async tryAcquireLock(options: unknown) {
      const given = readObject(options, "its options")
      const { output } = await channel.call("lock.acquire", { key: keyOf(given), ttlMs: timeOf(given) })
      return output === true
    },
    async releaseLock(options: unknown) {
      const { output } = await channel.call("lock.release", { key: keyOf(readObject(options, "its options")) })
      return output === true
    },
    async releaseAllLocks() {
      await channel.call("lock.releaseAll", {})
    },
  }
}
