import type { RunFacts } from "../protocol.ts"
import type { Realm } from "./action.ts"
import { readObject, readText, refuse } from "./arguments.ts"
import type { Channel } from "./channel.ts"
import { checkModel, getRecordsByIds, listRecords, writeRecords } from "./records.ts"
import type { Validation } from "./validate.ts"

/** What syncs and webhook functions find on `nango` beyond the rest: records. */
export function syncMembers(
  channel: Channel,
  realm: Realm,
  { facts, validation }: { facts: RunFacts; validation: Validation },
): Record<string, unknown> {
  const write = (call: "records.save" | "records.update" | "records.delete") => (records: unknown, model: unknown) =>
    writeRecords(channel, { facts, validation }, { call, records, model })
  const one = async (call: "deletes.start" | "deletes.end" | "deletes.previous", model: unknown) => {
    channel.check()
    return (await channel.call(call, { model: checkModel(facts, model) })).output
  }
  const byIds = (ids: unknown, model: unknown) =>
    getRecordsByIds(channel, realm.parse, { ids, model: readText(model, "the model") })
  const save = write("records.save")
  const noDate = facts.fixtures === "loose" ? null : undefined

  return {
    variant: facts.variant ?? "base",
    lastSyncDate: facts.lastSyncDate === undefined ? noDate : new Date(facts.lastSyncDate),
    track_deletes: facts.trackDeletes === true,
    emptyCache: facts.emptyCache === true,
    batchSave: save,
    batchSend: save,
    batchUpdate: write("records.update"),
    batchDelete: write("records.delete"),
    getRecordsByIds: byIds,
    getRecordsById: byIds,
    listRecords: (model: unknown, options?: unknown) => listRecords(channel, realm.parse, { model, options }),
    async setMergingStrategy(options: unknown, model: unknown) {
      channel.check()
      const { strategy } = readObject(options, "its options")
      if (strategy !== "override" && strategy !== "ignore_if_modified_after") {
        throw refuse(`Unknown merging strategy "${typeof strategy === "string" ? strategy : typeof strategy}"`)
      }
      await channel.call("merging.set", { model: checkModel(facts, model), strategy })
    },
    trackDeletesStart: async (model: unknown) => void (await one("deletes.start", model)),
    trackDeletesEnd: (model: unknown) => one("deletes.end", model),
    deleteRecordsFromPreviousExecutions: (model: unknown) => one("deletes.previous", model),
  }
}
