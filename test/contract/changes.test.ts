import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { client } from "./clients.ts"
import { mirrorMetadata, syncFile } from "./functions.ts"
import { type Connection, stage } from "./stage.ts"

let world: Awaited<ReturnType<typeof startWithFake>>
beforeAll(async () => void (world = await startWithFake({ fake: { items: 40, itemBytes: 200 } })))
afterAll(() => world[Symbol.asyncDispose]())

const mirror = (rows: object[]) => stage(world.sluice, { "syncs/things.ts": mirrorMetadata }, { metadata: { rows } })
const reader = (at: Connection, model = "Thing") => {
  const config = { providerConfigKey: at.key, connectionId: at.id, model }
  return (more: object = {}) => client(world.sluice).listRecords<Record<string, unknown>>({ ...config, ...more })
}
const short = (records: { id: unknown; _nango_metadata: { last_action: string } }[]) =>
  records.map((record) => `${String(record.id)} ${record._nango_metadata.last_action}`)

const before = [
  { id: "stays", n: 1, nested: { a: [1, 2], b: null } },
  { id: "grows", n: 2 },
  { id: "goes", n: 3, note: "kept" },
  { id: "reordered", a: 1, b: 2 },
]
const after = [
  { id: "reordered", b: 2, a: 1 },
  { id: "stays", n: 1, nested: { a: [1, 2], b: null } },
  { id: "grows", n: 2, more: true },
  { id: "comes", n: 5 },
]

test("a second sync adds, updates and deletes exactly what changed", async () => {
  const at = await mirror(before)
  const list = reader(at)
  await at.run("things")
  const first = (await list()).records
  expect(short(first)).toEqual(["stays ADDED", "grows ADDED", "goes ADDED", "reordered ADDED"])
  const cursor = first.at(-1)!._nango_metadata.cursor

  await at.setMetadata({ rows: after })
  const ended = await at.run("things")
  expect(ended.latestResult).toEqual({ Thing: { added: 1, updated: 1, deleted: 1 } })
  expect(ended.recordCount).toEqual({ Thing: 4 })

  const all = (await list()).records
  expect(short(all)).toEqual(["stays ADDED", "reordered ADDED", "grows UPDATED", "comes ADDED", "goes DELETED"])
  const find = (id: string, records = all) => records.find((record) => record.id === id)!
  for (const id of ["stays", "reordered"]) expect(find(id)).toEqual(find(id, first))
  expect(find("grows")).toMatchObject({ n: 2, more: true })
  expect(find("grows")._nango_metadata.first_seen_at).toBe(find("grows", first)._nango_metadata.first_seen_at)
  const { _nango_metadata: gone, ...payload } = find("goes")
  expect(payload).toEqual({ id: "goes", n: 3, note: "kept" })
  expect(gone.deleted_at).toBe(gone.last_modified_at as never)
  expect(gone.deleted_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/)

  const changes = await list({ cursor })
  expect(short(changes.records)).toEqual(["grows UPDATED", "comes ADDED", "goes DELETED"])
  expect((await list({ cursor: changes.records.at(-1)!._nango_metadata.cursor })).records).toEqual([])
})

test("a sync over unchanged data changes nothing, and what comes back is added again", async () => {
  const at = await mirror(before)
  const list = reader(at)
  await at.run("things")
  const first = await list()
  const again = await at.run("things")
  expect(again.latestResult).toEqual({ Thing: { added: 0, updated: 0, deleted: 0 } })
  expect(await list()).toEqual(first)

  await at.setMetadata({ rows: before.slice(1) })
  expect((await at.run("things")).latestResult).toEqual({ Thing: { added: 0, updated: 0, deleted: 1 } })
  expect((await at.run("things")).latestResult).toEqual({ Thing: { added: 0, updated: 0, deleted: 0 } })
  const cursor = (await list()).records.at(-1)!._nango_metadata.cursor
  await at.setMetadata({ rows: before })
  expect((await at.run("things")).latestResult).toEqual({ Thing: { added: 1, updated: 0, deleted: 0 } })
  expect(short((await list({ cursor })).records)).toEqual(["stays ADDED"])
})

test("filters are unions, in either case of letters", async () => {
  const at = await mirror(before)
  const list = reader(at)
  await at.run("things")
  await at.setMetadata({ rows: after })
  await at.run("things")
  const filtered = async (filter: string) => short((await list({ filter })).records)
  expect(await filtered("added")).toEqual(["stays ADDED", "reordered ADDED", "comes ADDED"])
  expect(await filtered("updated")).toEqual(["grows UPDATED"])
  expect(await filtered("deleted")).toEqual(["goes DELETED"])
  expect(await filtered("UPDATED,DELETED")).toEqual(["grows UPDATED", "goes DELETED"])
  expect(await filtered("added,updated,deleted")).toHaveLength(5)
  const page = await list({ filter: "added", limit: 2 })
  expect(short(page.records)).toEqual(["stays ADDED", "reordered ADDED"])
  expect(short((await list({ filter: "added", limit: 2, cursor: page.next_cursor })).records)).toEqual(["comes ADDED"])
})

test("modified_after is inclusive, to the microsecond; delta means the same and wins", async () => {
  const at = await mirror(before)
  const list = reader(at)
  await at.run("things")
  await at.setMetadata({ rows: after })
  await at.run("things")
  const { records } = await list()
  for (const [index, record] of records.entries()) {
    const since = record._nango_metadata.last_modified_at.replace("+00:00", "Z")
    const same = records.findIndex(
      (one) => one._nango_metadata.last_modified_at === record._nango_metadata.last_modified_at,
    )
    expect((await list({ modifiedAfter: since })).records).toEqual(records.slice(Math.min(index, same)))
  }
  const future = new Date(Date.now() + 60_000).toISOString()
  const past = new Date(Date.now() - 60_000).toISOString()
  expect((await at.records("Thing", `&modified_after=${past}`)).records).toHaveLength(5)
  expect((await at.records("Thing", `&modified_after=${past}&delta=${future}`)).records).toEqual([])
})

test("ids filter on the external id, repeated or single, and limit walks through everything once", async () => {
  const rows = Array.from({ length: 25 }, (_, index) => ({ id: index + 1, text: `row ${index}` }))
  const at = await mirror(rows)
  const list = reader(at)
  await at.run("things")
  expect(short((await list({ ids: ["3", "17", "999"] })).records)).toEqual(["3 ADDED", "17 ADDED"])
  expect(short((await list({ ids: ["5"] })).records)).toEqual(["5 ADDED"])
  const seen: unknown[] = []
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await list({ limit: 4, ...(cursor === undefined ? {} : { cursor }) })
    expect(page.records.length).toBeLessThanOrEqual(4)
    seen.push(...page.records.map((record) => record.id))
    cursor = page.next_cursor
  }
  expect(seen).toEqual(rows.map((row) => String(row.id)))
})

test("changes at a paging provider: batchSave over pages, deletes by what was not seen", async () => {
  const pages = syncFile(
    `await nango.trackDeletesStart("Item")
    for await (const page of nango.paginate({ endpoint: "/items", paginate: { type: "link", limit: 7, limit_name_in_request: "limit", link_rel_in_response_header: "next" } })) {
      await nango.batchSave(page, "Item")
    }
    await nango.trackDeletesEnd("Item")`,
    { models: "Item: z.object({ id: z.string() })" },
  )
  const at = await stage(world.sluice, { "syncs/items.ts": pages })
  const list = reader(at, "Item")
  expect((await at.run("items")).latestResult).toEqual({ Item: { added: 40, updated: 0, deleted: 0 } })
  const first = (await list()).records
  const { mutated } = world.fake.control({ mutate: { update: 3, delete: 2, create: 4 } })
  expect((await at.run("items")).latestResult).toEqual({ Item: { added: 4, updated: 3, deleted: 2 } })
  const changes = await list({ cursor: first.at(-1)!._nango_metadata.cursor })
  const ids = (action: string) =>
    changes.records
      .filter((one) => one._nango_metadata.last_action === action)
      .map((one) => String(one.id))
      .toSorted()
  expect([ids("ADDED"), ids("UPDATED"), ids("DELETED")]).toEqual([
    mutated!.created.toSorted(),
    mutated!.updated.toSorted(),
    mutated!.deleted.toSorted(),
  ])
  const touched = new Set(changes.records.map((record) => record.id))
  const untouched = (await list()).records.filter((record) => !touched.has(record.id))
  expect(untouched).toEqual(first.filter((record) => !touched.has(record.id)))
})

test("batchDelete keeps the payload, batchUpdate merges, and both count only what they changed", async () => {
  const at = await stage(world.sluice, {
    "syncs/steps.ts": syncFile(`
    const { step } = await nango.getMetadata()
    if (step === 1) await nango.batchSave([{ id: "a", n: 1, keep: { x: 1 } }, { id: "b", n: 2 }], "Thing")
    if (step === 2) await nango.batchUpdate([{ id: "a", n: 9 }, { id: "nobody", n: 9 }], "Thing")
    if (step === 3) await nango.batchDelete([{ id: "b", n: "other" }, { id: "never-seen" }], "Thing")`),
  })
  const list = reader(at)
  const results: unknown[] = []
  for (const step of [1, 2, 3]) {
    await at.setMetadata({ step })
    results.push((await at.run("steps")).latestResult.Thing)
  }
  expect(results).toEqual([
    { added: 2, updated: 0, deleted: 0 },
    { added: 0, updated: 1, deleted: 0 },
    { added: 0, updated: 0, deleted: 1 },
  ])
  const plain = (await list()).records.map(({ _nango_metadata, ...payload }) => payload)
  // What was never there leaves a mark that it is gone, and is not counted.
  expect(plain).toEqual([{ id: "a", n: 9, keep: { x: 1 } }, { id: "b", n: 2 }, { id: "never-seen" }] as never)
})
