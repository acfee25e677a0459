import { afterAll, beforeAll, expect, test } from "bun:test"
import type { FakeProviderOptions } from "../../src/fake-provider/model.ts"
import type { FakeProvider } from "../../src/fake-provider/server.ts"
import { startFakeProvider } from "../../src/fake-provider/server.ts"
import { reasonOf } from "./reason.ts"

const FILE = `${import.meta.dir}/data/tickets.json`
const NEXT = /<([^>]+)>; rel="next"/

type Ticket = { id: number; url: string; html_url: string; mirror: string }

let fake: FakeProvider
beforeAll(async () => {
  fake = await startFakeProvider({
    data: FILE,
    prefix: "/api",
    aliases: { "/repos/Some/Repo/tickets": "/v1/projects/acme/tickets", "/closed": "/v1/search?q=old&state=closed" },
  })
})
afterAll(() => fake.stop())

async function walk(start: string): Promise<{ ids: number[]; urls: string[] }> {
  const ids: number[] = []
  const urls: string[] = []
  for (let url: string | undefined = start; url !== undefined;) {
    urls.push(url)
    const response: Response = await fetch(url)
    expect(response.status).toBe(200)
    ids.push(...((await response.json()) as Ticket[]).map((ticket) => ticket.id))
    url = NEXT.exec(response.headers.get("link") ?? "")?.[1]
  }
  return { ids, urls }
}

async function idsAt(path: string): Promise<number[]> {
  const tickets = (await (await fetch(fake.url + path)).json()) as Ticket[]
  return tickets.map((ticket) => ticket.id)
}

test("a walk along the Link headers gives every recorded row once, and stays inside the fake", async () => {
  const { ids, urls } = await walk(`${fake.url}/v1/projects/acme/tickets?limit=2`)
  expect(ids).toEqual([5, 4, 3, 2, 1])
  expect(urls.slice(1)).toEqual([
    `${fake.url}/v1/lists/77/tickets?limit=2&page=2`,
    `${fake.url}/v1/lists/77/tickets?limit=2&page=3`,
  ])
})

test("an alias and a prefix lead to the same rows, and links keep the prefix", async () => {
  const { ids, urls } = await walk(`${fake.url}/api/repos/Some/Repo/tickets?limit=100&state=all`)
  expect(ids).toEqual([5, 4, 3, 2, 1])
  expect(urls[1]).toBe(`${fake.url}/api/v1/lists/77/tickets?limit=2&page=2`)
})

test("through an alias the paging parameter selects the page, and the pages end", async () => {
  for (const limit of [2, 100]) {
    const at = (page: number) => idsAt(`/repos/Some/Repo/tickets?page=${page}&limit=${limit}`)
    expect([await at(1), await at(2), await at(3), await at(4)]).toEqual([[5, 4], [3, 2], [1], []])
  }
})

test("the first page is found by its number on the path that only recorded the others", async () => {
  expect(await idsAt("/v1/lists/77/tickets?page=1&limit=2")).toEqual([5, 4])
})

test.each([
  ["/v1/search?state=closed&q=old", "closed"],
  ["/v1/search?q=old", "any"],
  ["/v1/search?q=old&state=open", "any"],
  ["/v1/search?state=closed&extra=1&q=old", "closed"],
  ["/v1/search?q=other", "closed"],
  ["/v1/search", "closed"],
  ["/closed", "closed"],
  ["/closed?state=open", "any"],
])("the query of %s picks the row %s", async (path, found) => {
  expect(await (await fetch(fake.url + path)).json()).toEqual({ found })
})

test("only URLs of the recorded origin are turned to this server", async () => {
  const ticket = (await (await fetch(`${fake.url}/v1/tickets/5`)).json()) as Ticket
  expect(ticket.url).toBe(`${fake.url}/v1/tickets/5`)
  expect(ticket.html_url).toBe("https://www.tickets.example/t/5")
  expect(ticket.mirror).toBe("https://api.tickets.example.evil.example/v1/tickets/5")
  expect(await (await fetch(`${fake.url}/v1/motd`)).text()).toBe(`See ${fake.url}/v1/help.`)
})

test("methods, status, headers and empty bodies are those of the recording", async () => {
  const created = await fetch(`${fake.url}/v1/tickets`, { method: "POST", body: "{}" })
  expect([created.status, created.headers.get("location")]).toEqual([201, `${fake.url}/v1/tickets/6`])
  const gone = await fetch(`${fake.url}/v1/tickets/5`, { method: "DELETE" })
  expect([gone.status, await gone.text()]).toEqual([204, ""])
  const head = await fetch(`${fake.url}/v1/tickets/5`, { method: "HEAD" })
  expect([head.status, await head.text()]).toEqual([200, ""])
  const same = await fetch(`${fake.url}/v1/projects/acme/tickets?limit=2`, { headers: { "if-none-match": '"page-1"' } })
  expect([same.status, same.headers.get("etag")]).toEqual([304, '"page-1"'])
  expect((await fetch(`${fake.url}/v1/tickets/5`, { method: "PATCH" })).status).toBe(404)
})

test("rows and origin can be given as data", async () => {
  const data = [{ path: "/a", body: { next: "https://x.example/base/b" } }]
  const own = await startFakeProvider({ data, origin: "https://x.example/base/" })
  expect(await (await fetch(`${own.url}/a`)).json()).toEqual({ next: `${own.url}/b` })
  await own.stop()
})

test("the origin is detected in bodies when no row has a Link header", async () => {
  const body = { self: "https://x.example/a", docs: "https://docs.example/other" }
  const own = await startFakeProvider({ data: [{ path: "/a", body }] })
  expect(await (await fetch(`${own.url}/a`)).json()).toEqual({
    self: `${own.url}/a`,
    docs: "https://docs.example/other",
  })
  await own.stop()
})

test("a recording that cannot be used is refused with the name of its file", async () => {
  const reason = (options: FakeProviderOptions) => reasonOf(startFakeProvider(options))
  expect(await reason({ data: "/nowhere/rows.json" })).toMatchObject({ code: "invalid_recording" })
  expect(await reason({ data: import.meta.path })).toMatchObject({
    code: "invalid_recording",
    message: expect.stringContaining("recorded.test.ts"),
  })
  expect(await reason({ port: -1 })).toMatchObject({ code: "invalid_options" })
})
