import { afterAll, beforeAll, expect, test } from "bun:test"
import { type Connection, failureOf, makeConnection, openRoom, payloadOf } from "./room.ts"

let room: Awaited<ReturnType<typeof openRoom>>
beforeAll(async () => {
  room = await openRoom()
})
afterAll(() => room.close())
const connect = () => makeConnection(room.store)
const first = { id: "a", title: "one", owner: { id: 7, tags: ["x", "y"] } }
const metaOf = async (connection: Connection, id = "a") => {
  const record = await connection.find(id)
  if (!record) throw new Error(`There is no record ${id}.`)
  return record._nango_metadata
}

type Row = {
  name: string
  before: (connection: Connection) => Promise<unknown>
  saved: { id: string | number } & Record<string, unknown>
  counts: [added: number, updated: number, unchanged: number]
  action: "ADDED" | "UPDATED"
  moves: boolean
  firstSeenMoves?: boolean
}
const live = (connection: Connection) => connection.save([first])
const pruned = async (connection: Connection) => {
  const { lastChange } = await connection.save([first])
  await connection.prune(lastChange as number)
}
const table: Row[] = [
  {
    name: "none → added",
    before: (c) => c.save([{ id: "z" }]),
    saved: first,
    counts: [1, 0, 0],
    action: "ADDED",
    moves: true,
  },
  {
    name: "live, differs → updated",
    before: live,
    saved: { ...first, title: "two" },
    counts: [0, 1, 0],
    action: "UPDATED",
    moves: true,
  },
  {
    name: "live, a field is gone → replaced",
    before: live,
    saved: { id: "a", title: "one" },
    counts: [0, 1, 0],
    action: "UPDATED",
    moves: true,
  },
  { name: "live, equal → unchanged", before: live, saved: first, counts: [0, 0, 1], action: "ADDED", moves: false },
  {
    name: "live, other key order → unchanged",
    before: live,
    saved: { owner: { tags: ["x", "y"], id: 7 }, title: "one", id: "a" },
    counts: [0, 0, 1],
    action: "ADDED",
    moves: false,
  },
  {
    name: "live, other element order → updated",
    before: live,
    saved: { ...first, owner: { id: 7, tags: ["y", "x"] } },
    counts: [0, 1, 0],
    action: "UPDATED",
    moves: true,
  },
  {
    name: "live, number became text → updated",
    before: live,
    saved: { ...first, owner: { id: "7", tags: ["x", "y"] } },
    counts: [0, 1, 0],
    action: "UPDATED",
    moves: true,
  },
  {
    name: "live, read back with metadata → unchanged",
    before: live,
    saved: { ...first, _nango_metadata: { cursor: "x" } },
    counts: [0, 0, 1],
    action: "ADDED",
    moves: false,
  },
  {
    name: "deleted, equal → added",
    before: async (c) => [await live(c), await c.remove([{ id: "a" }])],
    saved: first,
    counts: [1, 0, 0],
    action: "ADDED",
    moves: true,
    firstSeenMoves: true,
  },
  {
    name: "deleted, differs → added",
    before: async (c) => [await live(c), await c.remove([{ id: "a" }])],
    saved: { id: "a", n: 1 },
    counts: [1, 0, 0],
    action: "ADDED",
    moves: true,
    firstSeenMoves: true,
  },
  {
    name: "tombstone → added",
    before: (c) => c.remove([{ id: "a" }]),
    saved: first,
    counts: [1, 0, 0],
    action: "ADDED",
    moves: true,
    firstSeenMoves: true,
  },
  {
    name: "pruned, equal → restored in place",
    before: pruned,
    saved: first,
    counts: [0, 0, 1],
    action: "ADDED",
    moves: false,
  },
  {
    // Its text is its canonical text, so both hashes of a record are the same.
    name: "pruned, equal with sorted keys → restored in place",
    before: async (c) => c.prune((await c.save([{ id: "a", n: 1 }])).lastChange as number),
    saved: { id: "a", n: 1 },
    counts: [0, 0, 1],
    action: "ADDED",
    moves: false,
  },
  {
    name: "pruned, equal in other order → restored in place",
    before: pruned,
    saved: { owner: { tags: ["x", "y"], id: 7 }, id: "a", title: "one" },
    counts: [0, 0, 1],
    action: "ADDED",
    moves: false,
  },
  {
    name: "pruned, differs → updated",
    before: pruned,
    saved: { id: "a" },
    counts: [0, 1, 0],
    action: "UPDATED",
    moves: true,
  },
]

for (const row of table) {
  test(`save: ${row.name}`, async () => {
    const connection = connect()
    await row.before(connection)
    const before = await connection.find("a")
    const outcome = await connection.save([row.saved])
    const after = await connection.find("a")
    const { _nango_metadata: _, ...expected } = row.saved
    expect([outcome.added, outcome.updated, outcome.unchanged]).toEqual(row.counts)
    expect(payloadOf(after)).toEqual({ ...expected, id: String(expected.id) })
    const meta = await metaOf(connection)
    expect(meta).toMatchObject({ last_action: row.action, deleted_at: null, pruned_at: null })
    expect(meta.cursor === before?._nango_metadata.cursor).toBe(!row.moves)
    if (before) expect(meta.first_seen_at === before._nango_metadata.first_seen_at).toBe(row.firstSeenMoves !== true)
    expect(await connection.totals()).toEqual(await connection.storedTotals())
    // Whatever happened before, the same text again is recognised.
    expect(await connection.save([row.saved])).toMatchObject({ added: 0, updated: 0, unchanged: 1, lastChange: null })
  })
}

test("the first of several records with one id wins", async () => {
  const connection = connect()
  const outcome = await connection.save([{ id: "a", n: 1 }, { id: "b" }, { id: "a", n: 2 }, { id: "a", n: 3 }])
  expect(outcome).toMatchObject({ added: 2, addedIds: ["a", "b"], duplicates: ["a"] })
  expect(payloadOf(await connection.find("a"))).toEqual({ id: "a", n: 1 })
})

test("a numeric id is text for readers, and costs no rewrite when it comes again", async () => {
  const connection = connect()
  await connection.save([{ name: "n", id: 12 }, { id: 0 }])
  const { records } = await connection.list()
  expect(records.map(payloadOf)).toEqual([{ name: "n", id: "12" }, { id: "0" }])
  expect(await connection.save([{ name: "n", id: 12 }])).toMatchObject({ unchanged: 1 })
  expect(await connection.save([{ name: "n", id: "12" }])).toMatchObject({ unchanged: 1 })
})

test("NUL characters leave the external id but not the payload", async () => {
  const connection = connect()
  await connection.save([{ id: "a\0b", text: "c\0d" }])
  expect(payloadOf(await connection.find("ab"))).toEqual({ id: "ab", text: "c\0d" })
})

test("counts are kept by run and base model; variants are collections of their own", async () => {
  const connection = connect()
  await connection.save([{ id: "a" }, { id: "b" }], { run: 900_001 })
  await connection.save([{ id: "a", n: 1 }], { run: 900_001 })
  await connection.save([{ id: "a" }], { run: 900_001, model: "Issue::eu" })
  await connection.remove([{ id: "b" }, { id: "c" }], { run: 900_001 })
  const rows = await room.store.select(
    "SELECT model, added, updated, deleted, unchanged FROM run_counts WHERE run_id = ?",
    [900_001],
  )
  expect(rows).toEqual([{ model: "Issue", added: 3, updated: 1, deleted: 1, unchanged: 0 }])
  expect((await connection.totals("Issue::eu"))?.live_count).toBe(1)
})

test("a step is refused once the fence does not hold", async () => {
  const connection = connect()
  await room.store.step({ name: "records.closeRun", input: { runId: 1, connectionId: connection.connectionId } })
  const fence = { taskId: "no-such-task", attempt: 1 }
  expect(await failureOf(connection.save([{ id: "a" }], { fence }))).toMatchObject({ code: "lease_lost" })
  expect(await failureOf(connection.step("openWindow", { fence, runId: 1, model: "Issue", scope: "s" }))).toMatchObject(
    {
      code: "lease_lost",
    },
  )
  expect((await connection.list()).records).toEqual([])
})

test("ignore_if_modified_after leaves what others changed meanwhile, but has seen it", async () => {
  const connection = connect()
  const { lastChange } = await connection.save(
    [
      { id: "a", by: 1 },
      { id: "b", by: 1 },
    ],
    { run: 1 },
  )
  await connection.save([{ id: "a", by: 2 }], { run: 2 })
  const options = { run: 3, ignoreAfter: lastChange }
  const outcome = await connection.save(
    [
      { id: "a", by: 3 },
      { id: "b", by: 3 },
      { id: "c", by: 3 },
    ],
    options,
  )
  expect(outcome).toMatchObject({ added: 1, updated: 1, unchanged: 1, addedIds: ["c"], updatedIds: ["b"] })
  expect(await connection.update([{ id: "a", by: 4 }], options)).toMatchObject({ updated: 0, unchanged: 1 })
  expect(await connection.remove([{ id: "a" }], options)).toMatchObject({ deleted: 0, unchanged: 1 })
  expect(payloadOf(await connection.find("a"))).toEqual({ id: "a", by: 2 })
  expect(await connection.markUnseen(3, { generation: 3 })).toEqual({ deleted: 0, found: true })
  // The caller moves on to the last change of the step, so the run does not block its own writes.
  const again = await connection.save([{ id: "c", by: 5 }], { run: 3, ignoreAfter: outcome.lastChange })
  expect(again).toMatchObject({ updated: 1 })
})
