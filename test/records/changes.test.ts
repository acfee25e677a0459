import { afterAll, beforeAll, expect, test } from "bun:test"
import * as fc from "fast-check"
import { type Change, cursorOf, type Feed, readChanges } from "../../src/records/changes.ts"
import { decodePlaces, encodePlaces, type Places } from "../../src/records/places.ts"
import { type Connection, makeConnection, openRoom, payloadOf, type Read } from "./room.ts"

let room: Awaited<ReturnType<typeof openRoom>>
beforeAll(async () => {
  room = await openRoom()
})
afterAll(() => room.close())

type Seen = { model: string; variant: string; record: Read; after: string }
const parse = ({ text, after }: Change): Seen => ({ ...JSON.parse(text), after })
const changeOf = (seen: Seen): number =>
  Number(Buffer.from(seen.record._nango_metadata.cursor, "base64url").toString().split(":")[1])
const keyOf = ({ model, variant, record }: Seen): string => `${model}::${variant} ${record.id}`

/** A reader that keeps only its cursor between two looks, as one over HTTP does. */
function readerOf(feed: Feed, limit: number) {
  let cursor: string | undefined
  const seen: Seen[] = []
  const placesOf = async (): Promise<Places> => {
    if (cursor === undefined) return new Map()
    if (feed.model === undefined) return decodePlaces(cursor) ?? new Map()
    const change = Number(Buffer.from(cursor, "base64url").toString().split(":")[1])
    const rows = await room.store.select<{ id: number }>(
      "SELECT id FROM collections WHERE connection_id = ? AND model = ?",
      [feed.connectionId, feed.model],
    )
    return new Map(rows.map(({ id }) => [id, change]))
  }
  return {
    seen,
    async poll(): Promise<boolean> {
      const page = await readChanges(room.store, feed, { places: await placesOf(), limit })
      seen.push(...page.changes.map(parse))
      // Any place within a page is as good as its end.
      cursor = cursorOf(feed, page.places)
      return page.hasMore
    },
    async pollTo(nth: number) {
      const page = await readChanges(room.store, feed, { places: await placesOf(), limit })
      const change = page.changes[nth % Math.max(1, page.changes.length)]
      if (!change) return
      seen.push(...page.changes.slice(0, page.changes.indexOf(change) + 1).map(parse))
      cursor = change.after
    },
    async toEnd() {
      while (await this.poll());
    },
  }
}

const models = ["Issue", "Issue::eu", "User", "Zebra"]
const step = fc.record({
  kind: fc.constantFrom("save", "save", "update", "remove", "prune"),
  model: fc.constantFrom(...models),
  ids: fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "f"), { minLength: 1, maxLength: 4 }),
  value: fc.nat(3),
})
const look = fc.record({ reader: fc.nat(3), to: fc.option(fc.nat(5), { nil: undefined }) })

async function apply(
  c: Connection,
  { kind, model, ids, value }: { kind: string; model: string; ids: string[]; value: number },
) {
  const records = ids.map((id) => ({ id, value }))
  if (kind === "save") return c.save(records, { model })
  if (kind === "update") return c.update(records, { model })
  if (kind === "remove") return c.remove(records, { model })
  return c.step("prune", { model, untilChange: value * 5, limit: 10 })
}

test("whoever polls during writes misses nothing and sees each model in the order of its changes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(step, fc.array(look, { maxLength: 2 })), { minLength: 5, maxLength: 40 }),
      async (actions) => {
        const c = makeConnection(room.store)
        const stranger = makeConnection(room.store)
        const { connectionId } = c
        const readers = [
          readerOf({ connectionId }, 3),
          readerOf({ connectionId }, 100),
          readerOf({ connectionId, model: "Issue" }, 2),
          readerOf({ connectionId, model: "Issue::eu" }, 1),
        ]
        const looks: Promise<unknown>[] = []
        for (const [action, lookers] of actions) {
          // Not awaited: the reads happen anywhere among the writes that follow, but each reader reads one page at a time.
          const write = apply(c, action)
          const other = apply(stranger, action)
          for (const [index, reader] of readers.entries()) {
            const asked = lookers.filter((one) => one.reader === index)
            if (asked.length > 0)
              looks[index] = (looks[index] ?? Promise.resolve()).then(async () => {
                for (const one of asked) await (one.to === undefined ? reader.poll() : reader.pollTo(one.to))
              })
          }
          await Promise.all([write, other])
        }
        await Promise.all(looks)
        for (const reader of readers) await reader.toEnd()
        for (const [index, reader] of readers.entries()) {
          const wanted = index < 2 ? models : [["Issue"], ["Issue::eu"]][index - 2]
          await checkReader(c, reader.seen, wanted ?? [])
        }
      },
    ),
    { numRuns: 60 },
  )
}, 120_000)

async function checkReader(c: Connection, seen: Seen[], wanted: string[]): Promise<void> {
  for (const model of wanted) {
    const [name, variant = "base"] = model.split("::")
    const own = seen.filter((one) => one.model === name && one.variant === variant)
    const changes = own.map(changeOf)
    expect(changes).toEqual([...new Set(changes)].toSorted((a, b) => a - b))
    // What the reader holds in the end is what the store holds.
    const { records } = await c.list({ model })
    const last = new Map(own.map((one) => [one.record.id, one]))
    expect(last.size).toBe(records.length)
    for (const record of records) {
      const held = last.get(record.id)?.record
      expect(held?._nango_metadata.cursor).toBe(record._nango_metadata.cursor)
      // One that was read while its payload was pruned, and then saved again as it was, has not changed.
      const wasPruned = [record, held].some((one) => one?._nango_metadata.pruned_at !== null)
      if (!wasPruned) expect(payloadOf(held)).toEqual(payloadOf(record) ?? {})
    }
  }
  expect(
    seen.filter((one) => !wanted.includes(one.variant === "base" ? one.model : `${one.model}::${one.variant}`)),
  ).toEqual([])
  expect(new Set(seen.map((one) => `${keyOf(one)} ${changeOf(one)}`)).size).toBe(seen.length)
}

test("over all models changes come in the order of commit", async () => {
  const c = makeConnection(room.store)
  for (let n = 0; n < 30; n++) await c.save([{ id: `${n}` }], { model: models[n % 4] })
  const reader = readerOf({ connectionId: c.connectionId }, 7)
  await reader.toEnd()
  expect(reader.seen.map((one) => one.record.id)).toEqual(Array.from({ length: 30 }, (_, n) => `${n}`))
})

test("a connection with very many models is read like any other", async () => {
  const c = makeConnection(room.store)
  for (let n = 0; n < 900; n++) await c.save([{ id: `${n}` }], { model: `M${n}` })
  const reader = readerOf({ connectionId: c.connectionId }, 250)
  await reader.toEnd()
  expect(reader.seen.map((one) => one.record.id)).toEqual(Array.from({ length: 900 }, (_, n) => `${n}`))
  expect(reader.seen.at(-1)?.after.length).toBeLessThan(20_000)
}, 60_000)

test("a cursor is what was made from places, and nothing else", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.nat(), fc.maxSafeNat()), { selector: ([id]) => id, maxLength: 10 }),
      (entries) => {
        const places: Places = new Map(entries)
        expect(decodePlaces(encodePlaces(places))).toEqual(places)
      },
    ),
  )
  for (const text of [
    "",
    "x",
    "feed",
    "change:1",
    "feed:1",
    "feed:1.",
    "feed:-1.2",
    "feed:1.2,",
    "feed:1.2,1.3",
    "feed:1.zzzzzzzzzzz",
    "feed:01.2",
  ])
    expect([text, decodePlaces(Buffer.from(text).toString("base64url"))]).toEqual([text, undefined])
})
