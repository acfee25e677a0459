import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import type { Sluice } from "../helpers/sluice.ts"
import { syncFile } from "./functions.ts"
import { stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
let sluice: Sluice
beforeAll(async () => {
  world = await startWithFake()
  sluice = world.sluice
})
afterAll(() => world[Symbol.asyncDispose]())

const none = { Thing: { added: 0, updated: 0, deleted: 0 } }

test.each([
  ["without id", `{ name: "no id" }`],
  ["with a null id", `{ id: null }`],
  ["with an empty id", `{ id: "" }`],
  ["with the id 0", `{ id: 0 }`],
  ["with an object as id", `{ id: { a: 1 } }`],
  ["with an id of 256 characters", `{ id: "x".repeat(256) }`],
  ["that is a text", `"text"`],
  ["that is null", `null`],
  ["that is a list", `[1]`],
])("a record %s fails its batch: nothing of it is stored", async (_what, bad) => {
  const at = await stage(sluice, {
    "syncs/things.ts": syncFile(`await nango.batchSave([{ id: "good" }, ${bad}, { id: "also-good" }], "Thing")`),
  })
  const ended = await at.runToFailure("things")
  expect(ended).toMatchObject({ status: "PAUSED", latestExecutionStatus: "STOPPED", recordCount: { Thing: 0 } })
  expect(ended.latestResult).toEqual({})
  expect((await at.records("Thing")).records).toEqual([])
})

test("a bad record in a later chunk: the chunks before it stay", async () => {
  const at = await stage(sluice, {
    "syncs/things.ts": syncFile(`const rows = Array.from({ length: 2500 }, (_, index) => ({ id: index + 1 }))
    delete rows[1700].id
    await nango.batchSave(rows, "Thing")`),
  })
  const ended = await at.runToFailure("things")
  expect([ended.latestResult, ended.recordCount]).toEqual([
    { Thing: { added: 1000, updated: 0, deleted: 0 } },
    { Thing: 1000 },
  ])
  const { records } = await at.records("Thing", "&limit=10000")
  expect([records.length, records.at(-1).id]).toEqual([1000, "1000"])
})

test("a model that is not declared", async () => {
  const at = await stage(sluice, { "syncs/things.ts": syncFile(`await nango.batchSave([{ id: 1 }], "Other")`) })
  expect((await at.runToFailure("things")).recordCount).toEqual({ Thing: 0 })
  expect((await at.records("Other")).records).toEqual([])
})

test("two records of one id in a batch: the first one counts", async () => {
  const at = await stage(sluice, {
    "syncs/things.ts": syncFile(`await nango.batchSave([{ id: 1, n: "first" }, { id: "1", n: "second" }], "Thing")`),
  })
  expect((await at.run("things")).latestResult).toEqual({ Thing: { added: 1, updated: 0, deleted: 0 } })
  expect((await at.records("Thing")).records).toMatchObject([{ id: "1", n: "first" }])
})

test("an empty list, undefined and a record that was read back are fine", async () => {
  const at = await stage(sluice, {
    "syncs/things.ts": syncFile(`await nango.batchSave([], "Thing")
    await nango.batchSave(undefined, "Thing")
    await nango.batchDelete(null, "Thing")
    await nango.batchSave([{ id: "a", when: new Date(0), gone: undefined }], "Thing")
    for await (const record of nango.listRecords("Thing")) await nango.batchSave([record], "Thing")`),
  })
  expect((await at.run("things")).latestResult).toEqual({ Thing: { added: 1, updated: 0, deleted: 0 } })
  const [record] = (await at.records("Thing")).records
  expect({ ...record, _nango_metadata: undefined }).toEqual({
    id: "a",
    when: "1970-01-01T00:00:00.000Z",
    _nango_metadata: undefined,
  })
})

test("a run that fails deletes nothing, whatever it had seen", async () => {
  const at = await stage(sluice, {
    "syncs/things.ts": syncFile(`const { rows, fail } = await nango.getMetadata()
    await nango.trackDeletesStart("Thing")
    await nango.batchSave(rows, "Thing")
    await nango.trackDeletesEnd("Thing")
    if (fail) throw new Error("after the end")`),
  })
  await at.setMetadata({ rows: [{ id: "a" }, { id: "b" }] })
  await at.run("things")
  await at.setMetadata({ rows: [{ id: "a" }], fail: true })
  const failed = await at.runToFailure("things")
  expect([failed.latestResult, failed.recordCount]).toEqual([none, { Thing: 2 }])
  await at.setMetadata({ rows: [{ id: "a" }] })
  expect((await at.run("things")).latestResult).toEqual({ Thing: { added: 0, updated: 0, deleted: 1 } })
})

test("a sync that is started and fails stands in ERROR", async () => {
  const at = await stage(sluice, { "syncs/things.ts": syncFile(`throw new Error("always")`, { autoStart: true }) })
  expect((await at.ended("things")).status).toBe("ERROR")
})
