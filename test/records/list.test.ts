import { Database } from "bun:sqlite"
import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { countRecords, findLastChange, listModels, listRecords, liveCount } from "../../src/records/list.ts"
import { decodeCursor } from "../../src/records/cursor.ts"
import type { RecordFilter } from "../../src/records/model.ts"
import { formatMicros } from "../../src/records/wire.ts"
import { mainFile } from "../../src/store/sqlite.ts"
import { failureOf, makeConnection, openRoom, payloadOf, type Read } from "./room.ts"

let room: Awaited<ReturnType<typeof openRoom>>
beforeAll(async () => {
  room = await openRoom()
})
afterAll(() => room.close())
const connect = () => makeConnection(room.store)
const idsOf = (records: Read[]) => records.map((record) => record.id)
const microsOf = (time: string) => Date.parse(time) * 1000 + Number(time.slice(23, 26))

test("the body is the documented one, to the letter", async () => {
  const connection = connect()
  await connection.save([{ z: [1, { y: "ü\u2028" }], id: 5 }])
  const body = await listRecords(room.store, { connectionId: connection.connectionId, model: "Issue", limit: 10 })
  const time = /"first_seen_at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00)"/.exec(body)?.[1]
  const cursor = JSON.parse(body).records[0]._nango_metadata.cursor
  expect(body).toBe(
    `{"records":[{"z":[1,{"y":"ü\u2028"}],"id":"5","_nango_metadata":{"first_seen_at":"${time}","last_modified_at":"${time}",` +
      `"last_action":"ADDED","deleted_at":null,"pruned_at":null,"cursor":"${cursor}"}}],"next_cursor":null}`,
  )
})

test("pages follow one another without gap or double, and an unknown model is an empty page", async () => {
  const connection = connect()
  expect(await connection.list({ model: "Nothing" })).toEqual({ records: [], next_cursor: null })
  const ids = Array.from({ length: 23 }, (_, n) => `r${n}`)
  await connection.save(ids.map((id) => ({ id })))
  const read: string[] = []
  const sizes: number[] = []
  let cursor: string | undefined
  do {
    const page = await connection.list({ limit: 5, cursor })
    read.push(...idsOf(page.records))
    sizes.push(page.records.length)
    if (page.next_cursor) expect(page.next_cursor).toBe(page.records.at(-1)?._nango_metadata.cursor as string)
    cursor = page.next_cursor ?? undefined
  } while (cursor)
  expect(read).toEqual(ids)
  expect(sizes).toEqual([5, 5, 5, 5, 3])
  expect((await connection.list({ limit: 23 })).next_cursor).toBeNull()
})

test("a record changed during paging is met again at the end", async () => {
  const connection = connect()
  await connection.save([{ id: "a" }, { id: "b" }, { id: "c" }])
  const page = await connection.list({ limit: 2 })
  await connection.save([{ id: "a", n: 1 }])
  expect(idsOf((await connection.list({ cursor: page.next_cursor as string })).records)).toEqual(["c", "a"])
})

test("a cursor that is none is refused", async () => {
  const connection = connect()
  for (const cursor of ["", "x", "MTIz", "Y2hhbmdlOi0x", "%%%"]) {
    expect(await failureOf(connection.list({ cursor }))).toMatchObject({ code: "invalid_cursor", status: 400 })
  }
})

const filters: [RecordFilter[], string[]][] = [
  [["added"], ["a"]],
  [["updated"], ["u"]],
  [["deleted"], ["d"]],
  [
    ["added", "updated"],
    ["a", "u"],
  ],
  [
    ["updated", "deleted"],
    ["u", "d"],
  ],
  [
    ["deleted", "added"],
    ["a", "d"],
  ],
  [
    ["added", "updated", "deleted"],
    ["a", "u", "d"],
  ],
  [["added", "added"], ["a"]],
  [[], ["a", "u", "d"]],
]
for (const [filter, expected] of filters) {
  test(`filter ${filter.join(",") || "none"}`, async () => {
    const connection = connect()
    await connection.save([{ id: "a" }, { id: "u" }, { id: "d" }])
    await connection.save([{ id: "u", n: 1 }])
    await connection.remove([{ id: "d" }])
    expect(idsOf((await connection.list({ filter })).records)).toEqual(expected)
    const one = await connection.list({ filter, limit: 1 })
    expect(idsOf(one.records)).toEqual(expected.slice(0, 1))
    expect(one.next_cursor === null).toBe(expected.length === 1)
    expect(idsOf((await connection.list({ filter, ids: ["a", "d"] })).records)).toEqual(
      expected.filter((id) => id !== "u"),
    )
  })
}

test("a filter finds the few among many, across slices", async () => {
  const connection = connect()
  const ids = Array.from({ length: 12_000 }, (_, n) => `r${n}`)
  for (let from = 0; from < ids.length; from += 4000)
    await connection.save(ids.slice(from, from + 4000).map((id) => ({ id })))
  await connection.save([
    { id: "r10", n: 1 },
    { id: "r11999", n: 1 },
  ])
  await connection.remove([{ id: "r5" }])
  expect(idsOf((await connection.list({ filter: ["deleted", "updated"] })).records)).toEqual(["r10", "r11999", "r5"])
  const added = await connection.list({ filter: ["added"], limit: 7000 })
  expect(added.records).toHaveLength(7000)
  const rest = await connection.list({ filter: ["added"], limit: 7000, cursor: added.next_cursor as string })
  expect(rest.records).toHaveLength(12_000 - 3 - 7000)
  expect(rest.next_cursor).toBeNull()
})

test("modified_after is inclusive and exact to the microsecond", async () => {
  const connection = connect()
  for (let n = 0; n < 12; n++) await connection.save([{ id: `r${n}` }, { id: `s${n}` }])
  await connection.save([{ id: "r3", n: 1 }])
  const { records } = await connection.list()
  const times = records.map((record) => microsOf(record._nango_metadata.last_modified_at))
  for (const time of [0, ...new Set(times), (times.at(-1) as number) + 1]) {
    for (const us of [time, time + 1]) {
      const expected = records.filter((_, index) => (times[index] as number) >= us)
      expect(idsOf((await connection.list({ modifiedAfterUs: us })).records)).toEqual(idsOf(expected))
      const some = await connection.list({
        modifiedAfterUs: us,
        ids: ["r3", "s11"],
        cursor: records[2]?._nango_metadata.cursor,
      })
      expect(idsOf(some.records)).toEqual(idsOf(expected).filter((id) => id === "r3" || id === "s11"))
    }
  }
})

test("ids are found in the order of change, whatever their number", async () => {
  const connection = connect()
  const ids = Array.from({ length: 120 }, (_, n) => `r${n}`)
  await connection.save(ids.map((id) => ({ id })))
  for (const count of [0, 1, 2, 10, 11, 100, 101, 120]) {
    const asked = ids.slice(0, count).toReversed()
    expect(idsOf((await connection.list({ ids: [...asked, "unknown"] })).records)).toEqual(ids.slice(0, count))
  }
  expect((await connection.list({ ids: [] })).records).toEqual([])
})

test("ids are looked up by identity, not by walking the changes", () => {
  // On a connection of its own: SQLite ends an EXPLAIN only when it is reset, and until then the snapshot stands still.
  const db = new Database(join(room.directory, mainFile), { readonly: true })
  const plan = db
    .query<{ detail: string }, []>(
      `EXPLAIN QUERY PLAN SELECT payload FROM records WHERE collection_id = 1 AND external_id IN ('a', 'b')
       AND change + 0 > 0 ORDER BY change + 0 LIMIT 10`,
    )
    .all()
  db.close()
  expect(plan.map((row) => row.detail).join("; ")).toContain("records_identity")
})

test("collections are apart by connection, model and variant", async () => {
  const [one, two] = [connect(), connect()]
  await one.save([{ id: "a" }, { id: "b" }])
  await one.save([{ id: "a", v: "eu" }], { model: "Issue::eu" })
  await two.save([{ id: "a", of: 2 }])
  await one.remove([{ id: "b" }])
  expect((await two.list()).records.map(payloadOf)).toEqual([{ id: "a", of: 2 }])
  expect((await one.list({ model: "Issue::eu" })).records.map(payloadOf)).toEqual([{ id: "a", v: "eu" }])
  const models = ["Issue", "Issue::eu", "None"]
  expect(await countRecords(room.store, one.connectionId, models)).toEqual({ Issue: 1, "Issue::eu": 1, None: 0 })
  expect(await liveCount(room.store, { connectionId: two.connectionId, model: "Issue" })).toBe(1)
  expect(await listModels(room.store, one.connectionId)).toEqual(["Issue", "Issue::eu"])
})

test("the last change is what the newest cursor holds", async () => {
  const connection = connect()
  const key = { connectionId: connection.connectionId, model: "Issue" }
  expect(await findLastChange(room.store, key)).toBeNull()
  await connection.save([{ id: "a" }, { id: "b" }])
  const { records } = await connection.list()
  expect(await findLastChange(room.store, key)).toBe(
    decodeCursor(records[1]?._nango_metadata.cursor as string) as number,
  )
})

test("times keep growing when the clock stands still or goes back", async () => {
  const ahead = (Date.now() + 3_600_000) * 1000
  await room.store.tx(
    (tx) => tx.db.run(`UPDATE counters SET value = ${ahead} WHERE name = 'clock_us'`) as unknown as Promise<void>,
  )
  const connection = connect()
  await connection.save([{ id: "a" }, { id: "b" }])
  await connection.save([{ id: "a", n: 1 }])
  const meta = (await connection.list()).records.map((record) => record._nango_metadata)
  expect(meta.map((each) => each.last_modified_at)).toEqual([formatMicros(ahead + 1), formatMicros(ahead + 2)])
  expect(meta[1]?.last_action).toBe("UPDATED")
})

const micros: [number, string][] = [
  [0, "1970-01-01T00:00:00.000000+00:00"],
  [-1, "1969-12-31T23:59:59.999999+00:00"],
  [1695050435941305, "2023-09-18T15:20:35.941305+00:00"],
  [-6213559680000001, "1773-02-05T19:11:59.999999+00:00"],
]
for (const [us, text] of micros) test(`${us} µs is ${text}`, () => expect(formatMicros(us)).toBe(text))
