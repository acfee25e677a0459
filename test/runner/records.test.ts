import { describe, expect, test } from "bun:test"
import { AppError } from "../../src/kit/errors.ts"
import { fromLines } from "../../src/kit/lines.ts"
import { shortcuts, testRunner } from "./harness.ts"
import { valueOf } from "./requests.ts"
import type { Answers } from "./requests.ts"

const { runSync } = shortcuts(testRunner({ warm: 2 }))

describe("records", () => {
  const big = `const list = Array.from({ length: 2500 }, (_, i) => ({ id: i + 1, d: new Date(0), u: undefined, _nango_metadata: { x: 1 } }));`

  test("chunks of 1000, one JSON text for each record, metadata deleted in place", async () => {
    const { outcome, seen, report } = await runSync(
      `${big} const r = await nango.batchSave(list, "Item"); REPORT({ r, left: list.some((o) => "_nango_metadata" in o) })`,
    )
    expect(valueOf(outcome)).toBe(true)
    const saves = seen.filter(({ call }) => call === "records.save")
    const idsOf = (input: { ids: string }) => fromLines(input.ids)
    expect(
      saves.map(({ input }) => [input.model, idsOf(input).length, idsOf(input)[0], Object.keys(input).length]),
    ).toEqual([
      ["Item", 1000, "1", 2],
      ["Item", 1000, "1001", 2],
      ["Item", 500, "2001", 2],
    ])
    const lines = String(saves[2]?.body).split("\n")
    expect(lines).toHaveLength(500)
    expect(JSON.parse(lines[0] ?? "")).toEqual({ id: 2001, d: "1970-01-01T00:00:00.000Z" })
    expect(report).toEqual({ r: true, left: false })
  })

  test("a failing chunk rejects, and nothing is sent after it is known", async () => {
    let count = 0
    const fail = () => {
      if (++count === 1) throw new AppError("disk_full", 507, "disk")
    }
    const { report, seen } = await runSync(
      `${big.replace("2500", "9000")} try { await nango.batchSave(list, "Item") } catch (e) { REPORT({ m: e.message }) }`,
      { "records.save": fail },
    )
    expect(report).toEqual({ m: "disk" })
    expect(seen.filter(({ call }) => call === "records.save").length).toBeLessThan(4)
  })

  test("ids and models are checked by name", async () => {
    const bad = [
      "[{}]",
      "[{ id: 0 }]",
      "[{ id: '' }]",
      "[{ id: null }]",
      "[{ id: true }]",
      "[{ id: 'x'.repeat(256) }]",
      "[null]",
      "[[1]]",
      "['a']",
      "[{ id: NaN }]",
      "'text'",
    ]
    const { report, seen } = await runSync(`const out = []
      for (const list of [${bad.join(", ")}]) { try { await nango.batchSave(list, "Item"); out.push("saved") } catch (e) { out.push(e.code) } }
      for (const list of [null, undefined, []]) out.push(await nango.batchDelete(list, "Item"))
      try { await nango.batchSave([{ id: 1 }], "Other") } catch (e) { out.push(e.message) }
      try { await nango.trackDeletesStart("Other") } catch (e) { out.push("start") }
      REPORT({ out: JSON.stringify(out) })`)
    const undeclared = 'nango.batchSave: The model "Other" is not declared by this function; declared are: Item'
    expect(JSON.parse(report.out)).toEqual([
      ...bad.map(() => "invalid_sync_record"),
      true,
      true,
      true,
      undeclared,
      "start",
    ])
    expect(seen.map(({ call }) => call)).toEqual(["checkpoint.save"])
  })

  test("reading, deletes, merging", async () => {
    const answers: Answers = {
      "records.get": ({ ids }) => ({
        body: ids
          .filter((id: string) => id !== "3")
          .map((id: string) => JSON.stringify({ id, _nango_metadata: {} }))
          .join("\n"),
      }),
      "records.list": ({ cursor }) => ({
        output: { nextCursor: cursor ? null : "n" },
        body: cursor ? '{"id":"c"}' : '{"id":"a"}\n{"id":"b"}',
      }),
      "deletes.end": () => ({ output: { deletedKeys: ["9"] } }),
    }
    const { report, seen } = await runSync(
      `const byId = await nango.getRecordsByIds([1, "2", 3], "Item"), same = await nango.getRecordsById([1], "Item"), none = await nango.getRecordsByIds([], "Item"), all = []
      for await (const r of nango.listRecords("Item")) all.push(r.id)
      await nango.setMergingStrategy({ strategy: "override" }, "Item"); const s = await nango.trackDeletesStart("Item"), e = await nango.trackDeletesEnd("Item")
      await nango.deleteRecordsFromPreviousExecutions("Item"); let bad; try { await nango.setMergingStrategy({ strategy: "x" }, "Item") } catch (x) { bad = x.message }
      await nango.batchUpdate([{ id: 1 }], "Item"); await nango.batchSend([{ id: 1 }], "Item")
      REPORT({ a: JSON.stringify([[...byId.keys()], same.size, none.size, all, s ?? null, e, bad]) })`,
      answers,
    )
    expect(JSON.parse(report.a)).toEqual([
      [1, "2"],
      1,
      0,
      ["a", "b", "c"],
      null,
      { deletedKeys: ["9"] },
      'nango.setMergingStrategy: Unknown merging strategy "x"',
    ])
    expect(seen.map(({ call }) => call)).toEqual([
      "records.get",
      "records.get",
      "records.list",
      "records.list",
      "merging.set",
      "deletes.start",
      "deletes.end",
      "deletes.previous",
      "records.update",
      "records.save",
      "checkpoint.save",
    ])
  })
})
