import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { liveCount, readRecordPage, readRecords } from "../../src/records/list.ts"
import { failureOf, makeConnection, openRoom, payloadOf } from "./room.ts"

let room: Awaited<ReturnType<typeof openRoom>>
beforeAll(async () => {
  room = await openRoom()
})
afterAll(() => room.close())
const connect = () => makeConnection(room.store)

describe("delete", () => {
  test("a live record is marked and keeps its last payload", async () => {
    const connection = connect()
    await connection.save([{ id: "a", title: "kept" }, { id: "b" }])
    expect(await connection.remove([{ id: "a", title: "ignored" }])).toMatchObject({ deleted: 1, deletedIds: ["a"] })
    const { records } = await connection.list()
    expect(records.map((record) => record.id)).toEqual(["b", "a"])
    expect(payloadOf(records[1])).toEqual({ id: "a", title: "kept" })
    const meta = records[1]?._nango_metadata
    expect(meta?.last_action).toBe("DELETED")
    expect(meta?.deleted_at).toBe(meta?.last_modified_at as string)
    expect(await liveCount(room.store, { connectionId: connection.connectionId, model: "Issue" })).toBe(1)
  })

  test("a deleted one is marked anew and not counted; an unknown id leaves a tombstone", async () => {
    const connection = connect()
    await connection.save([{ id: "a", n: 1 }])
    await connection.remove([{ id: "a" }])
    const before = await connection.find("a")
    expect(await connection.remove([{ id: "a" }, { id: "t" }])).toMatchObject({ deleted: 0, deletedIds: [] })
    const after = await connection.find("a")
    expect(after?._nango_metadata.cursor).not.toBe(before?._nango_metadata.cursor)
    expect(after?._nango_metadata.deleted_at).not.toBe(before?._nango_metadata.deleted_at)
    expect(payloadOf(await connection.find("t"))).toEqual({ id: "t" })
    expect((await connection.find("t"))?._nango_metadata.last_action).toBe("DELETED")
    expect(await connection.totals()).toEqual(await connection.storedTotals())
  })

  const dates: [given: unknown, seen: string][] = [
    ["2023-09-18T15:20:35.941305Z", "2023-09-18T15:20:35.941305+00:00"],
    ["2023-09-18T15:20:35.9413+02:00", "2023-09-18T13:20:35.941300+00:00"],
    ["2023-09-18", "2023-09-18T00:00:00.000000+00:00"],
    [1695050435941, "2023-09-18T15:20:35.941000+00:00"],
    ["1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999+00:00"],
  ]
  for (const [given, seen] of dates) {
    test(`deletedAt ${JSON.stringify(given)}`, async () => {
      const connection = connect()
      await connection.remove([{ id: "a", deletedAt: given }])
      expect((await connection.find("a"))?._nango_metadata.deleted_at).toBe(seen)
    })
  }

  test("deletedAt that is no date is refused, and one that is empty means now", async () => {
    const connection = connect()
    for (const deletedAt of ["soon", {}, true, "9999-01-01", 1e300, "-000001-01-01T00:00:00Z"]) {
      expect(await failureOf(connection.remove([{ id: "a", deletedAt }]))).toMatchObject({ code: "invalid_record" })
    }
    for (const deletedAt of ["", null, 0]) await connection.remove([{ id: "a", deletedAt }])
    const meta = (await connection.find("a"))?._nango_metadata
    expect(meta?.deleted_at).toBe(meta?.last_modified_at as string)
  })
})

describe("update", () => {
  test("merges deeply, replaces arrays, null overwrites; the first seen time stays", async () => {
    const connection = connect()
    await connection.save([{ id: "a", keep: 1, deep: { x: { y: 1, z: 2 }, list: [1, 2, 3] }, gone: "v" }])
    const before = await connection.find("a")
    const outcome = await connection.update([{ id: "a", deep: { x: { z: 3 }, list: [9] }, gone: null, fresh: {} }])
    expect(outcome).toMatchObject({ updated: 1, updatedIds: ["a"] })
    const after = await connection.find("a")
    expect(payloadOf(after)).toEqual({
      id: "a",
      keep: 1,
      deep: { x: { y: 1, z: 3 }, list: [9] },
      gone: null,
      fresh: {},
    })
    expect(after?._nango_metadata.last_action).toBe("UPDATED")
    expect(after?._nango_metadata.first_seen_at).toBe(before?._nango_metadata.first_seen_at as string)
    expect(await connection.totals()).toEqual(await connection.storedTotals())
  })

  test("what is there already changes nothing; the merged record saved in full neither", async () => {
    const connection = connect()
    await connection.save([{ id: "a", n: 1, o: { p: 1 } }])
    expect(await connection.update([{ id: "a", o: { p: 1 } }])).toMatchObject({
      updated: 0,
      unchanged: 1,
      lastChange: null,
    })
    expect(await connection.update([{ id: "a", n: 2 }])).toMatchObject({ updated: 1 })
    expect(await connection.update([{ id: "a", n: 2 }])).toMatchObject({ updated: 0, unchanged: 1 })
    expect(await connection.save([{ id: "a", n: 2, o: { p: 1 } }])).toMatchObject({ updated: 0, unchanged: 1 })
    // A later save of other data, then the same partial again: the hash of a partial must not be remembered.
    await connection.save([{ id: "a", n: 3, o: { p: 1 } }])
    expect(await connection.update([{ id: "a", n: 2 }])).toMatchObject({ updated: 1 })
  })

  test("unknown and deleted ids are passed over, without a collection for nothing", async () => {
    const connection = connect()
    expect(await connection.update([{ id: "a", n: 1 }])).toMatchObject({ added: 0, updated: 0, unchanged: 0 })
    expect(await connection.totals()).toBeUndefined()
    await connection.save([{ id: "a" }])
    await connection.remove([{ id: "a" }])
    expect(await connection.update([{ id: "a", n: 1 }])).toMatchObject({ updated: 0, unchanged: 0 })
    expect((await connection.find("a"))?._nango_metadata.last_action).toBe("DELETED")
  })

  test("a pruned record takes the partial and is no longer pruned; an empty partial leaves it", async () => {
    const connection = connect()
    const { lastChange } = await connection.save([{ id: "a", n: 1, m: 2 }])
    await connection.prune(lastChange as number)
    expect(await connection.update([{ id: "a" }])).toMatchObject({ updated: 0, unchanged: 1 })
    expect((await connection.find("a"))?._nango_metadata.pruned_at).not.toBeNull()
    expect(await connection.update([{ id: "a", m: 3 }])).toMatchObject({ updated: 1 })
    const record = await connection.find("a")
    expect(payloadOf(record)).toEqual({ id: "a", m: 3 })
    expect(record?._nango_metadata.pruned_at).toBeNull()
  })

  test("a partial that is the whole of a pruned record restores it in place", async () => {
    const connection = connect()
    const { lastChange } = await connection.save([{ id: "a", n: 1 }])
    await connection.prune(lastChange as number)
    expect(await connection.update([{ id: "a", n: 1 }])).toMatchObject({ updated: 0, unchanged: 1, lastChange: null })
    expect(payloadOf(await connection.find("a"))).toEqual({ id: "a", n: 1 })
  })

  test("keys that JavaScript treats as special stay data", async () => {
    const connection = connect()
    const input = { runId: 1, model: "Issue", countModel: "Issue", ids: "a" }
    await connection.step("save", input, '{"id":"a","__proto__":{"x":1},"constructor":{"prototype":{"y":1}}}')
    await connection.step("update", input, '{"id":"a","__proto__":{"z":2},"constructor":{"prototype":{"y":2}}}')
    const record = (await connection.find("a")) as Record<string, unknown>
    expect(Object.getOwnPropertyDescriptor(record, "__proto__")?.value).toEqual({ x: 1, z: 2 })
    expect(record.constructor as unknown).toEqual({ prototype: { y: 2 } })
    expect(({} as Record<string, unknown>).z).toBeUndefined()
  })
})

describe("prune", () => {
  test("empties payloads oldest first; place, times and counts stay", async () => {
    const connection = connect()
    for (const id of ["a", "b", "c"]) await connection.save([{ id, text: "é".repeat(50) }])
    await connection.remove([{ id: "b" }])
    const before = (await connection.list()).records
    const changes = await room.store.select<{ change: number }>(
      "SELECT change FROM records WHERE collection_id = (SELECT id FROM collections WHERE connection_id = ?) ORDER BY change",
      [connection.connectionId],
    )
    const all = changes.at(-1)?.change as number
    expect(await connection.prune((changes[0] as { change: number }).change - 1)).toEqual({ count: 0, hasMore: false })
    expect(await connection.prune(all, 2)).toEqual({ count: 2, hasMore: true })
    expect(await connection.prune(all, 2)).toEqual({ count: 1, hasMore: false })
    expect(await connection.prune(all, 2)).toEqual({ count: 0, hasMore: false })
    const after = (await connection.list()).records
    expect(after.map(payloadOf)).toEqual([{ id: "a" }, { id: "c" }, { id: "b" }])
    for (const [index, record] of after.entries()) {
      const { pruned_at, ...rest } = record._nango_metadata
      expect(pruned_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/)
      expect(before[index]?._nango_metadata).toEqual({ ...rest, pruned_at: null })
    }
    expect(await connection.totals()).toEqual(await connection.storedTotals())
  })
})

describe("clear", () => {
  test("removes rows in portions and the collection at last; ids may come back", async () => {
    const connection = connect()
    await connection.save(Array.from({ length: 5 }, (_, n) => ({ id: `r${n}`, n })))
    await connection.remove([{ id: "r1" }, { id: "r2" }])
    const clear = () => connection.step("clear", { model: "Issue", limit: 4 })
    expect(await clear()).toEqual({ deleted: 4, more: true })
    expect((await connection.list()).records.map((record) => record.id)).toEqual(["r2"])
    expect(await connection.totals()).toEqual(await connection.storedTotals())
    expect(await clear()).toEqual({ deleted: 1, more: false })
    expect(await connection.totals()).toBeUndefined()
    expect(await clear()).toEqual({ deleted: 0, more: false })
    expect(await connection.save([{ id: "r0" }])).toMatchObject({ added: 1 })
  })

  test("keeps a collection that a window points to", async () => {
    const connection = connect()
    await connection.save([{ id: "a" }])
    await connection.openWindow(2)
    await connection.step("clear", { model: "Issue", limit: 10 })
    expect(await connection.totals()).toEqual({ live_count: 0, size_bytes: 0 })
    expect(await connection.markUnseen(2)).toEqual({ deleted: 0, found: true })
  })
})

test("a function reads records by id and page by page, deleted ones included", async () => {
  const connection = connect()
  const key = { connectionId: connection.connectionId, model: "Issue" }
  expect(await readRecords(room.store, { ...key, ids: ["a"] })).toBe("")
  const ids = Array.from({ length: 250 }, (_, n) => `r${n}`)
  await connection.save(ids.map((id) => ({ id, text: "line\nbreak" })))
  await connection.remove([{ id: "r7" }])
  const lines = (await readRecords(room.store, { ...key, ids: ["nope", ...ids, "r7"] })).split("\n")
  expect(new Set(lines.map((line) => JSON.parse(line).id))).toEqual(new Set(ids))
  expect(lines).toHaveLength(ids.length)
  const pages: number[] = []
  const read: string[] = []
  let cursor: string | undefined
  do {
    const page = await readRecordPage(room.store, { ...key, cursor })
    const records = page.lines.split("\n").map((line) => JSON.parse(line))
    pages.push(records.length)
    read.push(...records.map((record) => record.id))
    cursor = page.nextCursor ?? undefined
  } while (cursor)
  expect(pages).toEqual([100, 100, 50])
  expect(read.at(-1)).toBe("r7")
  expect(new Set(read).size).toBe(250)
})
