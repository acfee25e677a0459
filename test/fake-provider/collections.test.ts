import { afterEach, expect, test } from "bun:test"
import type { FakeProviderOptions } from "../../src/fake-provider/model.ts"
import type { FakeProvider } from "../../src/fake-provider/server.ts"
import { startFakeProvider } from "../../src/fake-provider/server.ts"

type Item = { id: string; name: string; version: number; updated_at: string; [name: string]: unknown }
type Page = {
  data: Item[]
  total?: number
  total_pages?: number
  has_more?: boolean
  next?: string | null
  next_cursor?: string | null
  paging?: { next: { after: string; link: string } }
}

const running: FakeProvider[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((fake) => fake.stop()))
})

async function start(options: FakeProviderOptions = {}): Promise<FakeProvider> {
  const fake = await startFakeProvider(options)
  running.push(fake)
  return fake
}

async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url)
  expect(response.status).toBe(200)
  return (await response.json()) as T
}

const allIds = (count: number) =>
  Array.from({ length: count }, (_, index) => `items_${String(index + 1).padStart(8, "0")}`)
const idsOf = (items: Item[]) => items.map((item) => item.id)

/** Walks a list as a client of each style would, and gives all ids in the order they came. */
const WALKS: Record<string, (fake: FakeProvider, limit: number) => Promise<string[]>> = {
  link: async (fake, limit) => {
    const ids: string[] = []
    for (let url: string | undefined = `${fake.url}/link/items?per_page=${limit}`; url !== undefined;) {
      const response: Response = await fetch(url)
      expect(response.headers.get("x-total-count")).toBe("25")
      ids.push(...idsOf((await response.json()) as Item[]))
      url = /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1]
    }
    return ids
  },
  cursor: async (fake, limit) => {
    const ids: string[] = []
    for (let cursor: string | undefined = ""; cursor !== undefined;) {
      const page: Page = await getJson(`${fake.url}/cursor/items?limit=${limit}&cursor=${cursor}`)
      ids.push(...idsOf(page.data))
      cursor = page.paging?.next.after
      expect([page.has_more, page.next_cursor]).toEqual([cursor !== undefined, cursor ?? null])
    }
    return ids
  },
  offset: async (fake, limit) => {
    const ids: string[] = []
    for (let offset = 0, total = 1; offset < total; offset += limit) {
      const page: Page = await getJson(`${fake.url}/offset/items?limit=${limit}&offset=${offset}`)
      total = page.total ?? 0
      ids.push(...idsOf(page.data))
    }
    return ids
  },
  page: async (fake, limit) => {
    const ids: string[] = []
    for (let number = 1, pages = 1; number <= pages; number++) {
      const page: Page = await getJson(`${fake.url}/items?paging=page&per_page=${limit}&page=${number}`)
      pages = page.total_pages ?? 0
      ids.push(...idsOf(page.data))
    }
    return ids
  },
  next: async (fake, limit) => {
    const ids: string[] = []
    for (let url: string | null = `${fake.url}/next/collections/items?limit=${limit}`; url !== null;) {
      const page: Page = await getJson(url)
      ids.push(...idsOf(page.data))
      url = page.next ?? null
    }
    return ids
  },
}

test.each(Object.keys(WALKS).flatMap((style) => [1, 7, 25, 30].map((limit) => [style, limit] as const)))(
  "paging by %s with a limit of %i gives all items exactly once",
  async (style, limit) => {
    expect(await WALKS[style]?.(await start({ items: 25 }), limit)).toEqual(allIds(25))
  },
)

test("an empty collection is one empty page in each style", async () => {
  const fake = await start({ items: 0 })
  expect(await getJson<Item[]>(`${fake.url}/items`)).toEqual([])
  for (const style of ["cursor", "offset", "page", "next"]) {
    expect((await getJson<Page>(`${fake.url}/${style}/items`)).data).toEqual([])
  }
})

test("a cursor neither skips nor repeats when items go and come between two pages", async () => {
  const fake = await start({ items: 10 })
  const first = await getJson<Page>(`${fake.url}/cursor/items?limit=4`)
  fake.control({ mutate: { delete: ["items_00000002", "items_00000004", "items_00000005"], create: 1 } })
  const second = await getJson<Page>(first.paging?.next.link ?? "")
  expect(idsOf(second.data)).toEqual(allIds(11).filter((id) => Number(id.slice(-2)) > 5 && Number(id.slice(-2)) < 10))
})

test("the same seed gives the same bytes, another seed other bytes", async () => {
  const read = async (seed: number) => (await fetch(`${(await start({ seed })).url}/items?per_page=100`)).text()
  const [one, again, other] = [await read(7), await read(7), await read(8)]
  expect(again).toBe(one)
  expect(other).not.toBe(one)
})

test("size and count are options and can be set for one request", async () => {
  const fake = await start({ items: 40, itemBytes: 700 })
  const bytes = (items: Item[]) => [...new Set(items.map((item) => Buffer.byteLength(JSON.stringify(item))))]
  expect(bytes(await getJson(`${fake.url}/items?per_page=40`))).toEqual([700])
  expect(bytes(await getJson(`${fake.url}/items?per_page=40&size=100000`))).toEqual([100_000])
  const page = await getJson<Page>(`${fake.url}/offset/collections/deals?count=1000000&offset=999999`)
  expect([page.total, idsOf(page.data)]).toEqual([1_000_000, ["deals_01000000"]])
})

test("items can be created, read, patched, replaced and deleted", async () => {
  const fake = await start({ items: 3 })
  const send = (method: string, path: string, body?: unknown) =>
    fetch(fake.url + path, { method, body: body === undefined ? undefined : JSON.stringify(body) })

  const created = await send("POST", "/items", { name: "Nova", id: "mine", description: "kept" })
  const item = (await created.json()) as Item
  expect([created.status, item.id, item.name, item.version]).toEqual([201, "items_00000004", "Nova", 1])
  expect(created.headers.get("location")).toBe(`${fake.url}/items/items_00000004`)
  expect(await getJson<Item>(`${fake.url}/items/${item.id}`)).toEqual(item)

  const patched = (await (await send("PATCH", "/items/items_00000001", { name: "New" })).json()) as Item
  expect([patched.name, patched.version, typeof patched.email]).toEqual(["New", 2, "string"])
  const replaced = (await (await send("PUT", "/items/items_00000001", { name: "Only" })).json()) as Item
  expect(replaced).toEqual({ id: patched.id, name: "Only", version: 3, updated_at: expect.any(String) })

  expect((await send("DELETE", "/items/items_00000002")).status).toBe(204)
  expect((await send("DELETE", "/items/items_00000002")).status).toBe(404)
  expect(idsOf(await getJson(`${fake.url}/items`))).toEqual(["items_00000001", "items_00000003", "items_00000004"])
  expect((await send("PATCH", "/items/items_00000003", [1])).status).toBe(400)
  expect((await send("PUT", "/items", {})).status).toBe(405)
})

test("updated_since gives what changed then or later", async () => {
  const fake = await start({ items: 20 })
  const before = await getJson<Item[]>(`${fake.url}/items`)
  const newest = before.at(-1)?.updated_at ?? ""
  const since = (time: string) => getJson<Item[]>(`${fake.url}/items?updated_since=${encodeURIComponent(time)}`)
  expect(idsOf(await since(newest))).toEqual(["items_00000020"])
  const { mutated } = fake.control({ mutate: { update: 3, create: 2 } })
  const changed = [...(mutated?.updated ?? []), ...(mutated?.created ?? [])]
  expect(idsOf((await since(newest)).filter((item) => item.updated_at > newest)).toSorted()).toEqual(changed.toSorted())
  expect((await fetch(`${fake.url}/items?updated_since=never`)).status).toBe(400)
})

test("mutations are the same for a seed, touch different items, and differ from call to call", async () => {
  const play = async (seed: number) => {
    const fake = await start({ seed, items: 50 })
    const first = fake.control({ mutate: { update: 5, delete: 5, create: 2 } }).mutated
    const second = fake.control({ mutate: { update: 5, delete: 5 } }).mutated
    return { first, second, after: await (await fetch(`${fake.url}/items?per_page=100`)).text() }
  }
  const [one, again, other] = [await play(3), await play(3), await play(4)]
  expect(again).toEqual(one)
  expect(other.first).not.toEqual(one.first)
  expect(one.second?.updated).not.toEqual(one.first?.updated)
  expect(one.first?.created).toEqual(["items_00000051", "items_00000052"])
  expect(new Set([...(one.first?.updated ?? []), ...(one.first?.deleted ?? [])]).size).toBe(10)
  expect((JSON.parse(one.after) as Item[]).length).toBe(42)
})

test("a mutation changes exactly the items it names", async () => {
  const fake = await start({ items: 30 })
  const before = await getJson<Item[]>(`${fake.url}/items`)
  const response = await fetch(`${fake.url}/__control`, {
    method: "POST",
    body: JSON.stringify({ mutate: { update: 4, delete: ["items_00000001", "items_00000001"] } }),
  })
  const { mutated } = (await response.json()) as { mutated: { updated: string[]; deleted: string[] } }
  expect(mutated.deleted).toEqual(["items_00000001"])
  const after = new Map((await getJson<Item[]>(`${fake.url}/items`)).map((item) => [item.id, item]))
  expect(after.size).toBe(29)
  const changed = before.filter((item) => after.has(item.id) && !Bun.deepEquals(after.get(item.id), item))
  expect(idsOf(changed)).toEqual(mutated.updated.filter((id) => id !== "items_00000001"))

  fake.control({ reset: true })
  expect(await getJson<Item[]>(`${fake.url}/items`)).toEqual(before)
})

test.each(["limit=0", "limit=x", "limit=", "cursor=bm8", "size=-1", "count=1e9"])("%s is refused", async (query) => {
  const response = await fetch(`${(await start()).url}/cursor/items?${query}`)
  expect([response.status, ((await response.json()) as { error: { code: string } }).error.code]).toEqual([
    400,
    "invalid_parameter",
  ])
})
