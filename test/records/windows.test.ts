import { afterAll, beforeAll, expect, test } from "bun:test"
import { countUnseen, listUnseen } from "../../src/records/list.ts"
import { failureOf, makeConnection, openRoom, payloadOf } from "./room.ts"

let room: Awaited<ReturnType<typeof openRoom>>
beforeAll(async () => {
  room = await openRoom()
})
afterAll(() => room.close())
const scope = "sync:issues:base"
const connect = () => makeConnection(room.store)
const rec = (...ids: string[]) => ids.map((id) => ({ id, text: `text of ${id}` }))

test("what no run since the window opened has seen is deleted, with payload, in the order of change", async () => {
  const connection = connect()
  const key = { connectionId: connection.connectionId, model: "Issue", scope }
  await connection.save(rec("a", "b", "c", "d", "e", "f"), { run: 1 })
  await connection.remove([{ id: "f" }], { run: 1 })
  await connection.closeRun(1)
  expect(await connection.openWindow(2)).toEqual({ generation: 2 })
  await connection.save([...rec("a"), { id: "b", text: "new" }], { run: 2 })
  await connection.update([{ id: "c" }], { run: 2 })
  expect(await listUnseen(room.store, { ...key, limit: 10 })).toEqual(["d", "e"])
  expect(await listUnseen(room.store, { ...key, limit: 1 })).toEqual(["d"])
  expect(await countUnseen(room.store, key)).toBe(2)
  expect(await connection.markUnseen(2)).toEqual({ deleted: 2, found: true })
  const { records } = await connection.list({ filter: ["deleted"] })
  expect(records.map(payloadOf)).toEqual(rec("f", "d", "e"))
  const meta = records[1]?._nango_metadata
  expect(meta?.deleted_at).toBe(meta?.last_modified_at as string)
  expect(await connection.totals()).toEqual(await connection.storedTotals())
  expect(await connection.markUnseen(2)).toEqual({ deleted: 0, found: false })
  expect(await failureOf(listUnseen(room.store, { ...key, limit: 1 }))).toMatchObject({ code: "unknown_delete_window" })
  const [counts] = await room.store.select<{ deleted: number }>(
    "SELECT deleted FROM run_counts WHERE run_id = 2 AND model = 'Issue'",
    [],
  )
  expect(counts?.deleted).toBe(2)
  await connection.closeRun(2)
  expect(await connection.sightings()).toEqual([])
})

test("a run that goes on after a failure goes on with the same window and what was seen in it", async () => {
  const connection = connect()
  await connection.save(rec("a", "b", "c", "d"), { run: 1 })
  await connection.closeRun(1)
  await connection.openWindow(2)
  await connection.save(rec("a"), { run: 2 })
  await connection.closeRun(2)
  expect(await connection.openWindow(3)).toEqual({ generation: 2 })
  await connection.save(rec("b"), { run: 3 })
  await connection.closeRun(3)
  await connection.openWindow(4)
  await connection.save(rec("c"), { run: 4 })
  expect(await connection.markUnseen(4)).toEqual({ deleted: 1, found: true })
  await connection.closeRun(4)
  expect((await connection.list({ filter: ["deleted"] })).records.map((record) => record.id)).toEqual(["d"])
  expect(await connection.sightings()).toEqual([])
})

test("closing one run takes nothing from a run that is still going", async () => {
  const connection = connect()
  await connection.save(rec("a", "b"), { run: 1 })
  await connection.closeRun(1)
  await connection.save(rec("a"), { run: 2 })
  await connection.save(rec("b"), { run: 3 })
  await connection.closeRun(3)
  expect((await connection.sightings()).map((row) => row.run_id)).toEqual([2])
  expect(await connection.markUnseen(2, { generation: 2 })).toEqual({ deleted: 1, found: true })
  expect((await connection.find("a"))?._nango_metadata.last_action).toBe("ADDED")
})

test("what a later run has seen counts too, and an older run does not take it back", async () => {
  const connection = connect()
  await connection.save(rec("a"), { run: 1 })
  await connection.save([{ id: "a", n: 1 }], { run: 9 })
  await connection.save([{ id: "a", n: 2 }], { run: 5 })
  expect(await connection.markUnseen(9, { generation: 9 })).toEqual({ deleted: 0, found: true })
  expect(await connection.markUnseen(10, { generation: 10 })).toEqual({ deleted: 1, found: true })
})

test("a generation leaves the windows alone; an unknown collection has none", async () => {
  const connection = connect()
  expect(await connection.markUnseen(2)).toEqual({ deleted: 0, found: false })
  expect(await connection.markUnseen(2, { generation: 2 })).toEqual({ deleted: 0, found: true })
  await connection.save(rec("a"), { run: 1 })
  await connection.openWindow(2)
  await connection.markUnseen(2, { generation: 2 })
  expect(await connection.markUnseen(2)).toEqual({ deleted: 0, found: true })
  const both = connection.step("markUnseen", { runId: 1, model: "Issue", countModel: "Issue", scope, generation: 1 })
  expect(await failureOf(both)).toMatchObject({ code: "invalid_input" })
})

test("windows are dropped by scope or by scope and colon, never by a longer name", async () => {
  const connection = connect()
  await connection.save(rec("a", "b"), { run: 1 })
  const scopes = ["sync:x:base", "sync:x:base:trackDeletes", "sync:x:base2", "sync:x:bas_", "sync:x:b%"]
  for (const each of scopes) await connection.openWindow(2, each)
  await connection.save(rec("a"), { run: 2 })
  await connection.closeRun(2)
  expect(await connection.step("dropWindows", { scopePrefix: "sync:x:bas_" })).toEqual({ dropped: 1 })
  expect(await connection.step("dropWindows", { scopePrefix: "sync:x:base" })).toEqual({ dropped: 2 })
  expect(await connection.sightings()).toHaveLength(1)
  expect(await connection.step("dropWindows", { scopePrefix: "sync:x:b%" })).toEqual({ dropped: 1 })
  expect(await connection.step("dropWindows", { scopePrefix: "sync:x:base2" })).toEqual({ dropped: 1 })
  expect(await connection.sightings()).toEqual([])
  expect((await connection.list({ filter: ["deleted"] })).records).toEqual([])
})

test("windows and runs of one connection do not touch another", async () => {
  const [one, two] = [connect(), connect()]
  for (const connection of [one, two]) {
    await connection.save(rec("a", "b"), { run: 1 })
    await connection.openWindow(2)
    await connection.save(rec("a"), { run: 2 })
  }
  await one.markUnseen(2)
  await one.closeRun(2)
  await one.step("dropWindows", { scopePrefix: scope })
  expect(await two.sightings()).toHaveLength(1)
  expect(await two.markUnseen(2)).toEqual({ deleted: 1, found: true })
})

test("a run that fails in its closing transaction has deleted nothing", async () => {
  const connection = connect()
  await connection.save(rec("a"), { run: 1 })
  await connection.openWindow(2)
  const input = { connectionId: connection.connectionId, runId: 2, model: "Issue", countModel: "Issue", scope }
  const failure = await failureOf(
    room.store.tx(async (tx) => {
      expect(await tx.step({ name: "records.markUnseen", input })).toEqual({ deleted: 1, found: true })
      throw new Error("the closing step failed")
    }),
  )
  expect(failure).toMatchObject({ message: "the closing step failed" })
  expect((await connection.find("a"))?._nango_metadata.last_action).toBe("ADDED")
  expect(await connection.markUnseen(2)).toEqual({ deleted: 1, found: true })
})
