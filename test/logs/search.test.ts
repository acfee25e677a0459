import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import type { NewOperation } from "../../src/logs/model.ts"
import { searchExpression } from "../../src/logs/words.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { readEvents } from "../helpers/events.ts"

let t: TestApp
beforeAll(async () => void (t = await testApp()))
afterAll(() => t.close())
beforeEach(() => t.clock.advance(60_000))

const open = (more: Partial<NewOperation> = {}) =>
  t.app.logs.open({
    environmentId: t.ctx.environment.id,
    type: "sync",
    action: "run",
    message: "An operation",
    ...more,
  })
const list = async (query: Record<string, string>, key = t.key) =>
  (await t.request("GET", `/sluice/logs?${new URLSearchParams(query).toString()}`, { key })).body
const idsOf = async (query: Record<string, string>, key = t.key): Promise<string[]> =>
  (await list(query, key)).data.map(({ id }: { id: string }) => id)

describe("a search", () => {
  test("finds words of the operation, of its messages, of their details and of its error", async () => {
    const one = open({
      message: "Sync of zebras",
      function: "zebra-sync",
      integration: "savanna",
      connection: "herd-1",
    })
    one.info("a lion was seen", { near: { place: "waterhole" } })
    one.close("failed", { type: "eaten", message: "no stripes left" })
    const other = open({ message: "Something else" })
    other.close("success")
    const found = [
      "zebras",
      "lion",
      "waterhole",
      "stripes",
      "eaten",
      "savanna",
      "herd-1",
      "zebra-sync",
      one.id,
      "LION",
      "lion was",
    ]
    for (const search of found) expect([search, await idsOf({ search })]).toEqual([search, [one.id]])
    for (const search of ["lion tiger", '"was lion"', "ions", "e1", "!!!"])
      expect([search, await idsOf({ search })]).toEqual([search, []])
    expect(await idsOf({ search: "stripes lion" })).toEqual([])
    expect(await idsOf({ search: "waterh seen" })).toEqual([one.id])
    expect(await idsOf({ search: '"lion was seen"' })).toEqual([one.id])
  })

  test("finds accents written either way", async () => {
    const one = open({ message: "Über den Fluß, naïve" })
    one.close("success")
    for (const search of ["uber", "über", "naive", "Naïve"]) expect(await idsOf({ search })).toEqual([one.id])
  })

  test.each(['"', "a AND", "NEAR(", "words:x", "* OR 1", "'; DROP TABLE operations; --", "(", "x\u0000y", '""', "\\"])(
    "takes %p for words and never fails",
    async (search) => {
      expect((await t.request("GET", `/sluice/logs?search=${encodeURIComponent(search)}`)).status).toBe(200)
    },
  )

  test("never finds what belongs to another environment", async () => {
    const own = open({ message: "secretword" })
    const foreign = t.app.logs.open({
      environmentId: t.prod.environment.id,
      type: "sync",
      action: "run",
      message: "secretword",
    })
    foreign.info("secretword")
    for (const one of [own, foreign]) one.close("success")
    expect(await idsOf({ search: "secretword" })).toEqual([own.id])
    expect(await idsOf({ search: "secretword" }, t.prodKey)).toEqual([foreign.id])
    expect(searchExpression(7, 'x" environment : "e1')).toBe(
      'environment : "e7" AND words : ("x "* AND "environment"* AND "e1")',
    )
    expect(searchExpression(7, '") OR environment : "e1"')).toBe(
      'environment : "e7" AND words : (") OR environment : " AND "e1 "*)',
    )
  })

  test("is paged to its end, each operation once, with the other filters", async () => {
    const all: string[] = []
    const syncs: string[] = []
    for (let n = 0; n < 25; n++) {
      t.clock.advance(1)
      const one = open({ type: n % 2 ? "sync" : "action", message: `pageword ${n}` })
      for (let line = 0; line < 3; line++) one.info("pageword again")
      all.unshift(one.id)
      if (n % 2) syncs.unshift(one.id)
    }
    // An old operation that speaks again is found by its newest line.
    const pages = async (query: Record<string, string>) => {
      const ids: string[] = []
      for (let after: string | null | undefined; after !== null;) {
        const page = await list({ ...query, limit: "4", ...(after ? { after } : {}) })
        ids.push(...page.data.map(({ id }: { id: string }) => id))
        after = page.next as string | null
      }
      return ids
    }
    expect(await pages({ search: "pageword" })).toEqual(all)
    expect(await pages({ search: "pageword", type: "sync" })).toEqual(syncs)
    expect((await t.request("GET", "/sluice/logs?search=x&after=nonsense")).body.error.code).toBe("invalid_cursor")
  })

  test("within one operation finds its messages", async () => {
    const one = open()
    for (let n = 0; n < 5; n++) one.info(`line ${n} ${n % 2 ? "odd" : "even"}`)
    one.error("odd failure")
    const read = async (query: string) =>
      (await t.request("GET", `/sluice/logs/${one.id}?${query}`)).body.data.messages.map(({ message }: any) => message)
    expect(await read("search=odd")).toEqual(["line 1 odd", "line 3 odd", "odd failure"])
    expect(await read("search=odd&level=error")).toEqual(["odd failure"])
    expect(await read("level=warn")).toEqual(["odd failure"])
    expect(await read("search=nowhere")).toEqual([])
  })
})

describe("the list", () => {
  test("can be narrowed to a range of time and to a level", async () => {
    const at: [string, string][] = []
    for (const state of ["success", "failed", "success"] as const) {
      t.clock.advance(1_000)
      const one = open({ function: "ranged" })
      one.close(state)
      at.push([one.id, t.clock.now().toISOString()])
    }
    const [[first, firstAt], [second, secondAt], [third]] = at as [[string, string], [string, string], [string, string]]
    const ranged = (query: Record<string, string>) => idsOf({ function: "ranged", ...query })
    expect(await ranged({ from: secondAt })).toEqual([third, second])
    expect(await ranged({ to: secondAt })).toEqual([first])
    expect(await ranged({ from: firstAt, to: secondAt.replace("Z", "+00:00") })).toEqual([first])
    expect(await ranged({ level: "error" })).toEqual([second])
    expect(await ranged({ level: "info" })).toEqual([third, second, first])
    expect((await t.request("GET", "/sluice/logs?from=yesterday")).status).toBe(400)
  })
})

describe("the tail", () => {
  const tail = async (query = "", headers: Record<string, string> = {}) => {
    const request = new Request(`http://localhost:3003/sluice/logs/tail?${query}`, {
      headers: { authorization: `Bearer ${t.key}`, ...headers },
    })
    return readEvents(await t.send(request))
  }

  test("tells of operations and messages as they come, in order, and goes on where it was left", async () => {
    open({ message: "before" }).close("success")
    const events = await tail()
    const one = open({ message: "One", function: "f" })
    one.info("hello", { n: 1 })
    const begun = await events.next()
    expect(begun).toMatchObject({ event: "operation", data: { id: one.id, message: "One", state: "running" } })
    const said = await events.next()
    expect(said).toMatchObject({
      event: "message",
      data: {
        level: "info",
        message: "hello",
        detail: { n: 1 },
        operation: { id: one.id, function: "f", type: "sync" },
      },
    })
    one.close("success")
    expect(await events.next()).toMatchObject({ event: "operation", data: { id: one.id, state: "success" } })
    await events.close()
    const again = await tail("", { "last-event-id": begun?.id ?? "" })
    expect((await again.next())?.id).toBe(said?.id ?? "")
    expect(await again.next()).toMatchObject({ event: "operation", data: { state: "success" } })
    await again.close()
  })

  test("can be narrowed, and never tells of another environment", async () => {
    const byFunction = await tail("function=mine")
    const bySearch = await tail("search=needle")
    const byLevel = await tail("level=error")
    const foreign = t.app.logs.open({
      environmentId: t.prod.environment.id,
      type: "sync",
      action: "run",
      message: "x",
      function: "mine",
    })
    foreign.error("needle")
    const other = open({ function: "other" })
    other.error("needle in other")
    const mine = open({ function: "mine" })
    mine.info("quiet")
    const first = async (events: ReturnType<typeof readEvents>) => (await events.next())?.data
    expect(await first(byFunction)).toMatchObject({ id: mine.id })
    expect(await first(bySearch)).toMatchObject({ message: "needle in other" })
    expect(await first(byLevel)).toMatchObject({ message: "needle in other" })
    for (const events of [byFunction, bySearch, byLevel]) await events.close()
  })

  test("gives a slow reader everything", async () => {
    const events = await tail("function=many")
    const one = open({ function: "many" })
    for (let n = 0; n < 1_000; n++) one.info(`m${n}`)
    await t.app.logs.flush()
    expect(await events.next()).toMatchObject({ event: "operation" })
    for (let n = 0; n < 1_000; n++) expect((await events.next())?.data.message).toBe(`m${n}`)
    await events.close()
  })

  test("ends when the daemon stops", async () => {
    await using own = await testApp()
    const request = new Request("http://localhost:3003/sluice/logs/tail", {
      headers: { authorization: `Bearer ${own.key}` },
    })
    const events = readEvents(await own.send(request))
    const ended = events.next()
    await own.close()
    expect(await ended).toBeUndefined()
  })
})
