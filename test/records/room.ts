import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { toLines } from "../../src/kit/lines.ts"
import { listRecords, type ListRecords } from "../../src/records/list.ts"
import type { RecordOutcome } from "../../src/records/model.ts"
import type { Fence } from "../../src/queue/fence.ts"
import { openSqlite } from "../../src/store/sqlite.ts"
import type { Store } from "../../src/store/store.ts"

export type Metadata = {
  first_seen_at: string
  last_modified_at: string
  last_action: string
  deleted_at: string | null
  pruned_at: string | null
  cursor: string
}
export type Read = Record<string, unknown> & { id: string; _nango_metadata: Metadata }
export type Page = { records: Read[]; next_cursor: string | null }
type RecordInput = Record<string, unknown> & { id: string | number }
type Options = { run?: number; model?: string; ignoreAfter?: number | null; fence?: Fence }

/** A real store in a temporary directory. */
export async function openRoom() {
  const directory = mkdtempSync(join(tmpdir(), "sluice-records-"))
  const deaths: Error[] = []
  const writer = new URL("./writer.ts", import.meta.url)
  const store = await openSqlite({ directory, writer, onWriterDeath: (error) => deaths.push(error) })
  return {
    store,
    directory,
    async close() {
      await store.close()
      rmSync(directory, { recursive: true })
      if (deaths.length > 0) throw deaths[0] as Error
    },
  }
}

let lastConnection = 0

/** A connection of its own for each test, with the steps as a function would call them. */
export function makeConnection(store: Store) {
  const connectionId = ++lastConnection
  const step = (name: string, input: Record<string, unknown>, body?: string) =>
    store.step({ name: `records.${name}`, input: { connectionId, ...input }, body })
  const write =
    (name: string) =>
    async (records: RecordInput[], options: Options = {}) =>
      (await step(
        name,
        {
          runId: options.run ?? 1,
          model: options.model ?? "Issue",
          countModel: (options.model ?? "Issue").split("::")[0],
          ids: toLines(records.map((record) => String(record.id))),
          ignoreAfter: options.ignoreAfter,
          fence: options.fence,
        },
        records.map((record) => JSON.stringify(record)).join("\n"),
      )) as RecordOutcome
  const list = async (input: Partial<ListRecords> = {}) =>
    JSON.parse(await listRecords(store, { connectionId, model: "Issue", limit: 10_000, ...input })) as Page
  return {
    connectionId,
    step,
    list,
    save: write("save"),
    update: write("update"),
    remove: write("delete"),
    openWindow: (run: number, scope = "sync:issues:base") => step("openWindow", { runId: run, model: "Issue", scope }),
    markUnseen: (run: number, by: { scope: string } | { generation: number } = { scope: "sync:issues:base" }) =>
      step("markUnseen", { runId: run, model: "Issue", countModel: "Issue", ...by }),
    closeRun: (run: number) => step("closeRun", { runId: run }),
    prune: (untilChange: number, limit = 1000) =>
      step("prune", { model: "Issue", untilChange, limit }) as Promise<{ count: number; hasMore: boolean }>,
    async find(id: string) {
      return (await list({ ids: [id] })).records[0]
    },
    async totals(model = "Issue") {
      const [row] = await store.select<{ live_count: number; size_bytes: number }>(
        "SELECT live_count, size_bytes FROM collections WHERE connection_id = ? AND model = ?",
        [connectionId, model],
      )
      return row
    },
    async storedTotals(model = "Issue") {
      const [row] = await store.select<{ live_count: number; size_bytes: number }>(
        `SELECT count(*) FILTER (WHERE deleted_us IS NULL) AS live_count, coalesce(sum(octet_length(payload)), 0) AS size_bytes
         FROM records WHERE collection_id = (SELECT id FROM collections WHERE connection_id = ? AND model = ?)`,
        [connectionId, model],
      )
      return row
    },
    async sightings() {
      return store.select<{ run_id: number; record_ids: string }>(
        `SELECT run_id, record_ids FROM record_sightings WHERE collection_id IN
          (SELECT id FROM collections WHERE connection_id = ?) ORDER BY id`,
        [connectionId],
      )
    },
  }
}

export type Connection = ReturnType<typeof makeConnection>

/** The record without its metadata. */
export function payloadOf(record: Read | undefined): Record<string, unknown> | undefined {
  if (!record) return undefined
  const { _nango_metadata: _, ...payload } = record
  return payload
}

/**
 * What a promise fails with. Not `expect(…).rejects`: that spins the event loop inside the message handler of the
 * writer, and the writer's next answer never arrives.
 */
export const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => {
      throw new Error("It did not fail.")
    },
    (error: unknown) => error,
  )
