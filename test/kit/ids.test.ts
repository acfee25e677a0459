import { expect, test } from "bun:test"
import { newOperationId, newUuid } from "../../src/kit/ids.ts"

test("an operation id begins with its time and has the form that log readers expect", () => {
  const ids = Array.from({ length: 500 }, () => newOperationId(new Date(1_700_000_000_123)))
  for (const id of ids) {
    expect(id).toMatch(/^[a-zA-Z0-9_]{20,25}$/)
    expect(id).toStartWith("1700000000123_")
  }
  expect(new Set(ids).size).toBe(500)
})

test("ids of rows are UUIDs of version 7, in the order in which they were made", () => {
  const ids = Array.from({ length: 500 }, newUuid)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(ids).size).toBe(500)
})
