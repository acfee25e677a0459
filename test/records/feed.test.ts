import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { toLines } from "../../src/kit/lines.ts"
import { findConnection } from "../../src/connections/connections.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { readEvents } from "../helpers/events.ts"
import { until } from "../helpers/sluice.ts"

let t: TestApp
beforeAll(async () => {
  t = await testApp()
  await t.request("POST", "/integrations", { body: { provider: "unauthenticated", unique_key: "k" } })
})
afterAll(() => t.close())

let made = 0
/** A connection of its own, with the writes of a sync. */
async function connection() {
  const name = `c${++made}`
  const body = { provider_config_key: "k", connection_id: name, credentials: { type: "NONE" } }
  if ((await t.request("POST", "/connections", { body })).status !== 201) throw new Error("no connection")
  const found = await findConnection(t.ctx, { connectionId: name, providerConfigKey: "k" })
  const connectionId = found?.connection.id ?? 0
  const headers = { "connection-id": name, "provider-config-key": "k" }
  const step = (model: string, ids: string[]) => ({
    name: "records.save",
    input: { connectionId, runId: 1, model, countModel: model.split("::")[0], ids: toLines(ids) },
    body: ids.map((id) => JSON.stringify({ id, at: ids.length })).join("\n"),
  })
  return {
    headers,
    save: (model: string, ...ids: string[]) => t.app.store.step(step(model, ids)),
    saveInside: (model: string, ...ids: string[]) => t.app.store.tx((tx) => tx.step(step(model, ids))),
    look: (query = "", key = t.key) => t.request("GET", `/sluice/records/changes?${query}`, { headers, key }),
    async stream(query = "", more: Record<string, string> = {}) {
      const request = new Request(`http://localhost:3003/sluice/records/changes?${query}`, {
        headers: { authorization: `Bearer ${t.key}`, accept: "text/event-stream", ...headers, ...more },
      })
      return readEvents(await t.send(request))
    },
  }
}
const idsOf = ({ body }: { body: any }): string[] => body.changes.map(({ record }: any) => record.id)

describe("a look at the changes", () => {
  test("gives those of all models in order, with model and variant, page by page", async () => {
    const c = await connection()
    await c.save("Issue", "1", "2")
    await c.save("User", "3")
    await c.save("Issue::eu", "4")
    const first = await c.look("limit=3")
    expect(first.body.changes.map(({ model, variant, record }: any) => [model, variant, record.id])).toEqual([
      ["Issue", "base", "1"],
      ["Issue", "base", "2"],
      ["User", "base", "3"],
    ])
    expect(first.body.changes[0].record).toMatchObject({ at: 2, _nango_metadata: { last_action: "ADDED" } })
    expect(first.body.has_more).toBe(true)
    const second = await c.look(`after=${first.body.next_cursor}`)
    expect(second.body).toMatchObject({
      has_more: false,
      changes: [{ model: "Issue", variant: "eu", record: { id: "4" } }],
    })
    const third = await c.look(`after=${second.body.next_cursor}`)
    expect(third.body).toEqual({ changes: [], next_cursor: second.body.next_cursor, has_more: false })
  })

  test("gives those of one model, and takes the cursors of GET /records", async () => {
    const c = await connection()
    await c.save("Issue", "1")
    await c.save("Issue::eu", "2")
    await c.save("User", "3")
    await c.save("Issue", "4")
    const all = await c.look("model=Issue")
    expect(idsOf(all)).toEqual(["1", "4"])
    expect(idsOf(await c.look("model=Issue&variant=eu"))).toEqual(["2"])
    expect(idsOf(await c.look(`model=Issue&after=${all.body.changes[0].record._nango_metadata.cursor}`))).toEqual(["4"])
    const records = await t.request("GET", `/records?model=Issue&cursor=${all.body.next_cursor}`, {
      headers: c.headers,
    })
    expect(records.body.records).toEqual([])
    expect(idsOf(await c.look("model=Nothing"))).toEqual([])
  })

  test("from now on leaves out what was", async () => {
    const c = await connection()
    await c.save("Issue", "1")
    for (const model of ["", "&model=Issue"]) {
      const { next_cursor } = (await c.look(`after=now${model}`)).body
      await c.save("Issue", `then${model}`)
      expect(idsOf(await c.look(`after=${next_cursor}${model}`))).toEqual([`then${model}`])
    }
  })

  test("waits for the next commit, whichever way it comes, and for nobody else's", async () => {
    const c = await connection()
    const other = await connection()
    for (const save of [c.save, c.saveInside]) {
      const { next_cursor } = (await c.look("after=now")).body
      const waiting = c.look(`after=${next_cursor}&wait=60`)
      const one = c.look(`after=${(await c.look("after=now&model=Issue")).body.next_cursor}&wait=60&model=Issue`)
      await other.save("Issue", "not mine")
      await c.save("User", `u${save === c.save}`)
      expect(idsOf(await waiting)).toEqual([`u${save === c.save}`])
      await save("Issue", `i${save === c.save}`)
      expect(idsOf(await one)).toEqual([`i${save === c.save}`])
      await c.look()
    }
  })

  test("answers with an unchanged cursor when nothing came", async () => {
    const c = await connection()
    await c.save("Issue", "1")
    const { next_cursor } = (await c.look()).body
    expect((await c.look(`after=${next_cursor}&wait=0.05`)).body).toEqual({ changes: [], next_cursor, has_more: false })
  })

  test("leaves nothing behind once it is over", async () => {
    const c = await connection()
    let watching = 0
    const { watch } = t.app.store
    t.app.store.watch = (watcher) => {
      watching++
      const end = watch(watcher)
      return () => {
        watching--
        end()
      }
    }
    const gone = new AbortController()
    const request = new Request("http://localhost:3003/sluice/records/changes?wait=60", {
      headers: { authorization: `Bearer ${t.key}`, ...c.headers },
      signal: gone.signal,
    })
    const answer = t.send(request)
    const events = await c.stream()
    const reading = events.next()
    await until(() => watching === 2, "both to wait")
    gone.abort()
    await events.close()
    await reading
    await until(() => watching === 0, "both to leave")
    expect((await answer).status).toBe(200)
    t.app.store.watch = watch
  })

  test.each([
    ["after=nonsense", "invalid_cursor"],
    ["after=Y2hhbmdlOjE", "invalid_cursor"],
    ["model=Issue&after=ZmVlZDoxLjI", "invalid_cursor"],
    ["wait=61", "invalid_query_params"],
    ["wait=-1", "invalid_query_params"],
    ["limit=0", "invalid_query_params"],
    ["variant=eu", "invalid_query_params"],
    ["model=issue%20x", "invalid_query_params"],
    ["other=1", "invalid_query_params"],
  ])("refuses %s", async (query, code) => {
    const answer = await (await connection()).look(query)
    expect([answer.status, answer.body.error.code]).toEqual([400, code])
  })

  test("of another environment's connection is refused like one of none", async () => {
    const c = await connection()
    await c.save("Issue", "1")
    const answer = await c.look("", t.prodKey)
    expect([answer.status, answer.body.error.code]).toEqual([400, "unknown_connection"])
  })
})

describe("a stream of the changes", () => {
  test("gives what is there and what comes, and goes on after the last event that was seen", async () => {
    const c = await connection()
    await c.save("Issue", "1", "2")
    const events = await c.stream("limit=1")
    const first = await events.next()
    expect(first).toMatchObject({ event: "change", data: { model: "Issue", variant: "base", record: { id: "1" } } })
    expect((await events.next())?.data.record.id).toBe("2")
    const coming = events.next()
    await c.save("User", "3")
    const third = await coming
    expect(third?.data).toMatchObject({ model: "User", record: { id: "3" } })
    await events.close()
    const again = await c.stream("after=now", { "last-event-id": first?.id ?? "" })
    expect((await again.next())?.data.record.id).toBe("2")
    expect(await again.next()).toEqual(third)
    await again.close()
    expect(idsOf(await c.look(`after=${first?.id}`))).toEqual(["2", "3"])
  })

  test("of one model stays silent about the others", async () => {
    const c = await connection()
    const events = await c.stream("model=Issue&after=now")
    const coming = events.next()
    await c.save("User", "u")
    await c.save("Issue", "i")
    expect((await coming)?.data.record.id).toBe("i")
    await events.close()
  })
})
