import { afterAll, beforeAll, expect, test } from "bun:test"
import { toLines } from "../../src/kit/lines.ts"
import { failureOf, makeConnection, openRoom } from "./room.ts"

let room: Awaited<ReturnType<typeof openRoom>>
beforeAll(async () => {
  room = await openRoom()
})
afterAll(() => room.close())
const connect = () => makeConnection(room.store)

const bad: [name: string, id: string, line: string, reason: string][] = [
  ["not JSON", "b", "{", "not JSON"],
  ["no object", "b", "[1]", "not an object"],
  ["null", "b", "null", "not an object"],
  ["no id", "b", '{"n":1}', "id is missing"],
  ["an object as id", "b", '{"id":{}}', "id is missing"],
  ["another id", "b", '{"id":"c"}', "not the announced one"],
  ["a last key that wins", "b", '{"id":"b","id":"c"}', "not the announced one"],
  ["an empty id", "", '{"id":""}', "id is empty"],
  ["an id of NULs", "\0", '{"id":"\\u0000"}', "id is empty"],
  ["a long id", "x".repeat(256), `{"id":"${"x".repeat(256)}"}`, "longer than 255"],
  ["a lone surrogate in the id", "\ud800", '{"id":"\\ud800"}', "not valid Unicode"],
  ["a lone surrogate in the text", "b", '{"id":"b","t":"\ud800"}', "not valid Unicode"],
  ["nesting", "b", `{"id":"b","t":${"[".repeat(600)}${"]".repeat(600)}}`, "nests deeper"],
  ["absurd nesting", "b", `{"id":"b","t":${"[".repeat(200_000)}${"]".repeat(200_000)}}`, "Record 1 is not valid"],
]
for (const [name, id, line, reason] of bad) {
  test(`an invalid record stores nothing: ${name}`, async () => {
    const connection = connect()
    const input = { runId: 1, model: "Issue", countModel: "Issue", ids: toLines(["a", id]) }
    const failure = connection.step("save", input, `{"id":"a"}\n${line}`)
    expect(await failureOf(failure)).toMatchObject({
      code: "invalid_record",
      message: expect.stringContaining(reason),
      data: { index: 1 },
    })
    expect((await connection.list()).records).toEqual([])
    expect(await connection.totals()).toBeUndefined()
  })
}

test("a duplicate is checked too", async () => {
  const connection = connect()
  const input = { runId: 1, model: "Issue", countModel: "Issue", ids: toLines(["a", "a"]) }
  expect(await failureOf(connection.step("save", input, '{"id":"a"}\n{"id":'))).toMatchObject({
    code: "invalid_record",
  })
})

test("an invalid record leaves no trace in a transaction that goes on", async () => {
  const connection = connect()
  const input = {
    connectionId: connection.connectionId,
    runId: 1,
    model: "Issue",
    countModel: "Issue",
    ids: toLines(["a", "b"]),
  }
  const failure = await room.store.tx(async (tx) => {
    const body = '{"id":"a"}\n{"id":1}'
    return failureOf(tx.step({ name: "records.save", input, body }))
  })
  expect(failure).toMatchObject({ code: "invalid_record" })
  expect((await connection.list()).records).toEqual([])
})

test("an envelope that does not fit is refused", async () => {
  const connection = connect()
  const input = { runId: 1, model: "Issue", countModel: "Issue", ids: "a" }
  for (const call of [
    connection.step("save", input, '{"id":"a"}\n{"id":"b"}'),
    connection.step("save", input),
    connection.step("save", { ...input, ids: [1] }, '{"id":1}'),
    connection.step("save", { ...input, runId: -1 }, '{"id":"a"}'),
    connection.step("save", { ...input, model: "" }, '{"id":"a"}'),
  ]) {
    expect(await failureOf(call)).toMatchObject({ code: "invalid_input" })
  }
})

test("odd but valid JSON is stored in a clean form", async () => {
  const connection = connect()
  const input = { runId: 1, model: "Issue", countModel: "Issue", ids: "a" }
  const text =
    ' { "n" : 1, "n": 2, "id":"x", "__proto__":{"p":1}, "_nango_metadata":{}, "_nango_metadata":1, "id":"a" } \t'
  await connection.step("save", input, text)
  const record = (await connection.find("a")) as Record<string, unknown>
  expect(Object.keys(record).toSorted()).toEqual(["__proto__", "_nango_metadata", "id", "n"])
  expect(record.n).toBe(2)
  expect(Object.getOwnPropertyDescriptor(record, "__proto__")?.value).toEqual({ p: 1 })
  expect(await connection.step("save", input, text)).toMatchObject({ unchanged: 1 })
})

test("a record that the merging strategy leaves alone is checked too", async () => {
  const connection = connect()
  await connection.save([{ id: "a" }])
  const input = { runId: 2, model: "Issue", countModel: "Issue", ids: "a", ignoreAfter: 0 }
  const failure = await failureOf(connection.step("save", input, "[]"))
  expect(failure).toMatchObject({ code: "invalid_record" })
})
