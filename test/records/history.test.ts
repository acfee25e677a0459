import { afterAll, beforeAll, expect, test } from "bun:test"
import * as fc from "fast-check"
import { listUnseen } from "../../src/records/list.ts"
import { decodeCursor } from "../../src/records/cursor.ts"
import { makeOracle, type Payload } from "./oracle.ts"
import { type Connection, makeConnection, openRoom, payloadOf, type Read } from "./room.ts"

let room: Awaited<ReturnType<typeof openRoom>>
beforeAll(async () => {
  room = await openRoom()
})
afterAll(() => room.close())

type Action =
  | { kind: "save"; records: Payload[]; ignoreAt: number | undefined }
  | { kind: "update" | "remove"; records: Payload[] }
  | { kind: "open" | "mark" | "drop"; scope: string }
  | { kind: "prune"; place: number; limit: number }
  | { kind: "nextRun" }

/** Few ids, fields and values, so that records meet again, equal and different. */
const value = fc.oneof(
  fc.constantFrom<unknown>(null, 0, 1, 1.5, "", "é", "\u{1f600}", 'quote"\\\n', true),
  fc.array(fc.constantFrom<unknown>(1, 2, "x", null), { maxLength: 2 }),
  fc.dictionary(
    fc.constantFrom("x", "y"),
    fc.oneof(fc.constantFrom<unknown>(1, "1"), fc.constant({ deep: [1, { z: 2 }] })),
    { noNullPrototype: true },
  ),
)
const record = fc
  .tuple(
    fc.constantFrom("a", "b", "c", "d", "ü", "1"),
    fc.dictionary(fc.constantFrom("n", "o", "é", "2"), value, { noNullPrototype: true }),
    fc.boolean(),
  )
  .map(([id, fields, idLast]): Payload => (idLast ? { ...fields, id } : { id, ...fields }))
const records = fc.array(record, { maxLength: 5 })
const scope = fc.constantFrom("sync:s:base", "sync:s:base:m")
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("save" as const),
      records,
      ignoreAt: fc.option(fc.nat(6), { nil: undefined, freq: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("update" as const, "remove" as const), records }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("open" as const, "open" as const, "mark" as const, "drop" as const),
      scope,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("prune" as const),
      place: fc.nat(6),
      limit: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("nextRun" as const) }) },
)

/** The real room beside the oracle; every answer is compared. */
async function playHistory(actions: Action[], afterEach: (connection: Connection) => Promise<void>) {
  const connection = makeConnection(room.store)
  const oracle = makeOracle()
  const counted = { added: 0, updated: 0, deleted: 0, unchanged: 0 }
  // Run totals are kept by run id over all connections, so each history has runs of its own.
  const firstRun = connection.connectionId * 1000
  let run = firstRun
  const tally = (outcome: typeof counted) => {
    for (const key of ["added", "updated", "deleted", "unchanged"] as const) counted[key] += outcome[key]
  }
  for (const each of actions) {
    if (each.kind === "save") {
      const ignored = each.ignoreAt === undefined ? undefined : (await connection.list()).records[each.ignoreAt]
      const ignoreAfter = ignored && decodeCursor(ignored._nango_metadata.cursor)
      const expected = oracle.save(run, each.records, ignored && oracle.changeAt(each.ignoreAt as number))
      const outcome = await connection.save(each.records as never, { run, ignoreAfter })
      expect(outcome).toMatchObject(expected)
      tally(outcome)
    } else if (each.kind === "update" || each.kind === "remove") {
      const expected = oracle[each.kind](run, each.records)
      const outcome = await connection[each.kind](each.records as never, { run })
      expect(outcome).toMatchObject(expected)
      tally(outcome)
    } else if (each.kind === "open") {
      oracle.openWindow(run, each.scope)
      await connection.openWindow(run, each.scope)
    } else if (each.kind === "mark") {
      const unseen = oracle.unseen(each.scope)
      const key = { connectionId: connection.connectionId, model: "Issue", scope: each.scope, limit: 100 }
      if (unseen) expect(await listUnseen(room.store, key)).toEqual(unseen)
      const deleted = oracle.markUnseen(each.scope)
      expect(await connection.markUnseen(run, { scope: each.scope })).toEqual({ deleted, found: unseen !== undefined })
      counted.deleted += deleted
    } else if (each.kind === "drop") {
      oracle.dropWindow(each.scope)
      if (each.scope === "sync:s:base") oracle.dropWindow("sync:s:base:m")
      await connection.step("dropWindows", { scopePrefix: each.scope })
    } else if (each.kind === "prune") {
      const last = (await connection.list()).records[each.place]
      if (!last) continue
      let left = oracle.prune(each.place)
      do {
        const answer = await connection.prune(decodeCursor(last._nango_metadata.cursor) as number, each.limit)
        expect(answer).toEqual({ count: Math.min(left, each.limit), hasMore: left > each.limit })
        left -= answer.count
      } while (left > 0)
    } else {
      await connection.closeRun(run++)
    }
    await afterEach(connection)
    expect((await connection.list()).records.map(readable)).toEqual(oracle.read())
  }
  return { connection, oracle, counted, runs: [firstRun, run] as const }
}

const readable = (read: Read) => ({
  payload: payloadOf(read),
  action: read._nango_metadata.last_action,
  pruned: read._nango_metadata.pruned_at !== null,
})
const history = fc.array(action, { minLength: 5, maxLength: 40, size: "max" })
const options = { numRuns: 40 }
/** Each step waits for a sync of the disk. */
const patience = 60_000

test(
  "any history of saves, updates, deletes, windows and prunes is what the oracle says",
  async () => {
    await fc.assert(
      fc.asyncProperty(history, async (actions) => {
        const { connection, oracle, counted, runs } = await playHistory(actions, async () => {})
        expect((await connection.totals())?.live_count ?? 0).toBe(oracle.live())
        if (await connection.totals()) expect(await connection.totals()).toEqual(await connection.storedTotals())
        const [row] = await room.store.select<typeof counted>(
          `SELECT coalesce(sum(added), 0) AS added, coalesce(sum(updated), 0) AS updated, coalesce(sum(deleted), 0) AS deleted,
           coalesce(sum(unchanged), 0) AS unchanged FROM run_counts WHERE run_id BETWEEN ? AND ?`,
          [...runs],
        )
        expect(row).toEqual(counted)
      }),
      options,
    )
  },
  patience,
)

test(
  "nothing is left of what runs have seen once they are closed and no window is open",
  async () => {
    await fc.assert(
      fc.asyncProperty(history, async (actions) => {
        const { connection, runs } = await playHistory(actions, async () => {})
        await connection.closeRun(runs[1])
        await connection.step("dropWindows", { scopePrefix: "sync:s:base" })
        expect(await connection.sightings()).toEqual([])
      }),
      options,
    )
  },
  patience,
)

test(
  "a reader that goes on from its last cursor misses no change, and times and cursors only grow",
  async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.integer({ min: 1, max: 3 }), async (actions, limit) => {
        const replica = new Map<string, Read>()
        let cursor: string | undefined
        let lastTime = ""
        const { connection } = await playHistory(actions, async (reader) => {
          while (true) {
            const page = await reader.list({ cursor, limit })
            for (const read of page.records) {
              const meta = read._nango_metadata
              expect(decodeCursor(meta.cursor)).toBeGreaterThan(
                cursor === undefined ? 0 : (decodeCursor(cursor) as number),
              )
              expect(meta.last_modified_at >= lastTime).toBe(true)
              expect(meta.first_seen_at <= meta.last_modified_at).toBe(true)
              replica.set(read.id, read)
              cursor = meta.cursor
              lastTime = meta.last_modified_at
            }
            if (page.next_cursor === null) return
          }
        })
        const all = (await connection.list()).records
        // Pruning and restoring are no changes, so only the rest must agree.
        const stable = (read: Read | undefined) => ({ ...read?._nango_metadata, pruned_at: null, id: read?.id })
        expect(all.map((read) => stable(replica.get(read.id)))).toEqual(all.map(stable))
        expect(replica.size).toBe(all.length)
      }),
      options,
    )
  },
  patience,
)

test(
  "the same history gives the same state",
  async () => {
    await fc.assert(
      fc.asyncProperty(history, async (actions) => {
        const one = await playHistory(actions, async () => {})
        const two = await playHistory(actions, async () => {})
        const stateOf = async ({ connection }: typeof one) => {
          const { records: rows } = await connection.list()
          return { rows: rows.map((read) => JSON.stringify(readable(read))), totals: await connection.totals() }
        }
        expect(await stateOf(two)).toEqual(await stateOf(one))
      }),
      { ...options, numRuns: 20 },
    )
  },
  patience,
)
