import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { createLogSink } from "../../src/logs/log.ts"
import { longestMessage, type NewOperation } from "../../src/logs/model.ts"
import { sweepLogs } from "../../src/logs/retention.ts"
import { listMessages, listOperations } from "../../src/logs/search.ts"
import { createKey } from "../../src/environments/keys.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { temporaryFolder, until } from "../helpers/sluice.ts"

let t: TestApp
beforeAll(async () => void (t = await testApp()))
afterAll(() => t.close())
beforeEach(() => t.clock.advance(1_000))

const open = (more: Partial<NewOperation> = {}, of = t) =>
  of.app.logs.open({
    environmentId: of.ctx.environment.id,
    type: "sync",
    action: "run",
    message: 'Sync "issues"',
    ...more,
  })
const read = async (id: string, key = t.key) => t.request("GET", `/sluice/logs/${id}`, { key })
const messagesOf = async (id: string): Promise<any[]> => (await read(id)).body.data.messages
const list = async (query: string, key = t.key) => (await t.request("GET", `/sluice/logs?${query}`, { key })).body

describe("an operation", () => {
  test("can be read with its messages, oldest first, while it runs and when it has ended", async () => {
    const operation = open({ integration: "github", provider: "github", connection: "c", function: "issues" })
    operation.info("first", { n: 1 })
    operation.warn("second")
    const running = (await read(operation.id)).body.data
    expect(running).toMatchObject({
      id: operation.id,
      type: "sync",
      action: "run",
      state: "running",
      level: "info",
      message: 'Sync "issues"',
      integration: "github",
      connection: "c",
      function: "issues",
      created_at: t.clock.now().toISOString(),
      ended_at: null,
      error: null,
    })
    expect(running.messages.map((one: any) => [one.level, one.message, one.detail])).toEqual([
      ["info", "first", { n: 1 }],
      ["warn", "second", null],
    ])
    t.clock.advance(500)
    operation.error("third")
    operation.close("failed", { type: "oops", message: "bad" })
    const ended = (await read(operation.id)).body.data
    expect(ended).toMatchObject({ state: "failed", level: "error", error: { type: "oops", message: "bad" } })
    expect(ended.ended_at).toBe(t.clock.now().toISOString())
    expect(ended.messages).toHaveLength(3)
  })

  test.each([
    ["success", "info"],
    ["cancelled", "info"],
    ["failed", "error"],
    ["timeout", "error"],
  ] as const)("that ends as %s has the level %s", async (state, level) => {
    const operation = open()
    operation.close(state)
    const at = t.clock.now().toISOString()
    const times = { created_at: at, started_at: at, ended_at: at }
    expect((await read(operation.id)).body.data).toMatchObject({ state, level, error: null, ...times })
  })

  test("that fails in the batch in which it begins has its error", async () => {
    const operation = open()
    operation.error("bad")
    operation.close("failed", { type: "oops", message: "bad" })
    const { error, messages } = (await read(operation.id)).body.data
    expect([error, messages.length]).toEqual([{ type: "oops", message: "bad" }, 1])
  })

  test("ends once: the first end holds", async () => {
    const operation = open()
    operation.close("success")
    operation.close("failed", { message: "late" })
    expect((await read(operation.id)).body.data).toMatchObject({ state: "success", error: null })
  })

  test("a message that is too long is cut, and says so", async () => {
    const operation = open()
    operation.info("x".repeat(longestMessage + 1))
    operation.info("y".repeat(longestMessage))
    const [long, short] = await messagesOf(operation.id)
    expect(long.message).toBe(`${"x".repeat(longestMessage)}… (truncated)`)
    expect(short.message).toBe("y".repeat(longestMessage))
  })
})

describe("secrets", () => {
  test("that are hidden appear nowhere in what is written later: message, detail or error", async () => {
    const operation = open({ meta: { headers: { authorization: "Bearer hunter22" } } })
    operation.hide(["hunter22-token"])
    operation.hide(["other-secret", "hunter22-token"])
    operation.info("got hunter22-token and other-secret", {
      url: "https://x.test/?a=hunter22-token",
      list: [{ "other-secret": 1 }],
      request: { headers: { Cookie: "a=b" } },
    })
    operation.close("failed", { message: "refused: other-secret" })
    const { body, text } = await read(operation.id)
    for (const secret of ["hunter22", "other-secret", "a=b"]) expect(text).not.toContain(secret)
    expect(body.data.messages[0].message).toBe("got [redacted] and [redacted]")
    expect(body.data.error.message).toBe("refused: [redacted]")
  })
})

test("what others are told of the work can be cleaned of what is hidden, and of nothing else", () => {
  const operation = open()
  const error = { password: "shown", message: 'it was "hidden-text"', raw: JSON.stringify({ a: 'hidden-"quoted"' }) }
  expect(operation.clean(error)).toEqual(error)
  operation.hide(["hidden-text", 'hidden-"quoted"'])
  expect(operation.clean(error)).toEqual({
    password: "shown",
    message: 'it was "[redacted]"',
    raw: '{"a":"[redacted]"}',
  })
})

describe("batches", () => {
  test("many entries are written in order, and all can be read after a flush", async () => {
    const operation = open()
    for (let n = 0; n < 1_000; n++) operation.info(`line ${n}`)
    const answer = await t.request("GET", `/sluice/logs/${operation.id}?limit=1000`)
    expect(answer.body.data.messages.map((one: any) => one.message)).toEqual(
      Array.from({ length: 1_000 }, (_, n) => `line ${n}`),
    )
  })

  test("go together: hundreds of entries are few writes", async () => {
    const calls: string[] = []
    const store = { ...t.app.store, step: (call: any) => (calls.push(call.name), t.app.store.step(call)) }
    const sink = createLogSink({ store, now: t.clock.now, log: t.app.log })
    const operation = sink.open({ environmentId: 1, type: "sync", action: "run", message: "m" })
    for (let n = 0; n < 450; n++) operation.info("x")
    await sink.flush()
    expect(calls).toEqual(["logs.write", "logs.write", "logs.write"])
    await sink.flush()
    expect(calls).toHaveLength(3)
  })

  test("are written without a flush, too", async () => {
    const operation = open()
    operation.info("by itself")
    await until(async () => {
      const rows = await t.app.store.selectLogs("SELECT 1 FROM messages WHERE operation_id = ?", [operation.id])
      return rows.length === 1
    }, "the batch to be written")
  })

  test("that cannot be written are told in the process log; the work goes on, and later ones are written", async () => {
    let broken = true
    const step: typeof t.app.store.step = (call) =>
      broken ? Promise.reject(new Error("disk full")) : t.app.store.step(call)
    const sink = createLogSink({ store: { ...t.app.store, step }, now: t.clock.now, log: t.app.log })
    const lost = sink.open({ environmentId: 1, type: "sync", action: "run", message: "m" })
    await sink.flush()
    expect(t.logged.at(-1)).toMatchObject({ level: 50, msg: "log entries could not be stored" })
    broken = false
    const kept = sink.open({ environmentId: 1, type: "sync", action: "run", message: "m" })
    await sink.flush()
    const ids = (await t.app.store.selectLogs<{ id: string }>("SELECT id FROM operations", [])).map(({ id }) => id)
    expect([ids.includes(lost.id), ids.includes(kept.id)]).toEqual([false, true])
  })

  test("one entry that no JSON can hold does not spoil the others", async () => {
    const operation = open()
    const loop: Record<string, unknown> = { big: 12n }
    loop.self = loop
    operation.info("odd", loop)
    operation.info("plain")
    expect((await messagesOf(operation.id)).map((one) => one.message)).toEqual(["odd", "plain"])
  })
})

describe("searching", () => {
  test("filters by what an operation is about, alone and together", async () => {
    const rows = [
      { type: "sync", integration: "a", connection: "c1", function: "f" },
      { type: "action", integration: "a", connection: "c2", function: "g" },
      { type: "action", integration: "b", connection: "c1", function: "f" },
    ] as const
    const ids = rows.map((row) => open({ ...row, message: "filtered" }).id)
    open({ integration: "a" }).close("success")
    const found = async (query: string) => (await list(query)).data.map((row: any) => ids.indexOf(row.id))
    expect(await found("type=action&integration=a")).toEqual([1])
    expect(await found("connection=c1&function=f&integration=b")).toEqual([2])
    expect((await found("function=f&state=running")).toSorted()).toEqual([0, 2])
    expect(await found("integration=%25")).toEqual([])
    expect(await found("integration=a' OR '1'='1")).toEqual([])
  })

  test("pages without a gap or a double, newest first, also among operations of the same millisecond", async () => {
    for (let n = 0; n < 25; n++) {
      open({ function: "paged" }).close("success")
      if (n % 10 === 9) t.clock.advance(1)
    }
    const seen: string[] = []
    let after = ""
    for (;;) {
      const page = await list(`function=paged&limit=10${after}`)
      seen.push(...page.data.map((row: any) => row.id))
      if (!page.next) break
      after = `&after=${page.next}`
    }
    expect(seen).toHaveLength(25)
    expect(new Set(seen).size).toBe(25)
    expect(seen.toSorted().toReversed()).toEqual(seen)
    expect(await list("after=nope")).toEqual({ data: [], next: null })
  })

  test("messages are paged by their number", async () => {
    const operation = open()
    for (let n = 0; n < 5; n++) operation.info(`${n}`)
    const page = async (query: string) =>
      (await t.request("GET", `/sluice/logs/${operation.id}?${query}`)).body.data.messages
    const first = await page("limit=2")
    const rest = await page(`limit=10&after=${first.at(-1).id}`)
    expect([...first, ...rest].map((one: any) => one.message)).toEqual(["0", "1", "2", "3", "4"])
  })

  test.each(["limit=0", "limit=1001", "limit=x", "nope=1", "after[]=x", "type[a]=b"])(
    "%s is refused",
    async (query) => {
      const { status, body } = await t.request("GET", `/sluice/logs?${query}`)
      expect([status, body.error.code]).toEqual([400, "invalid_query_params"])
    },
  )

  test("another environment sees nothing, not even that there is something", async () => {
    const operation = open({ function: "private" })
    const theirs = await read(operation.id, t.prodKey)
    const nowhere = await read(`${operation.id}x`, t.prodKey)
    expect([theirs.status, theirs.text]).toEqual([404, nowhere.text])
    expect((await list("function=private", t.prodKey)).data).toEqual([])
    expect((await list(`after=${operation.id}`, t.prodKey)).data).toEqual([])
  })

  test("needs its scope", async () => {
    const key = (
      await createKey(t.app, { environment: t.ctx.environment, displayName: "x", scopes: ["environment:logs:read"] })
    ).secretKey
    expect((await t.request("GET", "/sluice/logs", { key })).status).toBe(200)
    expect((await t.request("GET", "/connections", { key })).status).toBe(403)
  })
})

const dayMs = 86_400_000

describe("retention", () => {
  test("what is older than the setting goes, with its messages; what still runs stays", async () => {
    await using old = await testApp({ config: { logRetentionDays: 2 } })
    const ended = Array.from({ length: 30 }, () => {
      const operation = open({}, old)
      for (let n = 0; n < 100; n++) operation.info("x")
      operation.close("success")
      return operation.id
    })
    const running = open({}, old)
    running.info("still here")
    await old.app.logs.flush()
    old.clock.advance(2 * dayMs)
    expect(await sweepLogs(old.app)).toBe(0)
    const young = open({}, old)
    young.close("success")
    await old.app.logs.flush()
    old.clock.advance(1)
    expect(await sweepLogs(old.app)).toBe(30 * 103)
    const { rows: left } = await listOperations(old.app, { environmentId: 1, limit: 100 })
    expect(left.map((row) => row.id).toSorted()).toEqual([running.id, young.id].toSorted())
    const input = { environmentId: 1, operationId: running.id, limit: 10 }
    expect((await listMessages(old.app, input))?.messages).toHaveLength(1)
    expect(await old.app.store.selectLogs("SELECT count(*) AS n FROM messages", [])).toEqual([{ n: 1 }])
    expect(left.some((row) => ended.includes(row.id))).toBe(false)
    // An operation that ended well has no words in its end.
    const counts = "SELECT (SELECT count(*) FROM entries) AS entries, (SELECT count(*) FROM entry_words) AS words"
    expect(await old.app.store.selectLogs(counts, [])).toEqual([{ entries: 4, words: 3 }])
  })

  test("a database beyond its size loses the oldest first, and nothing that still runs", async () => {
    await using full = await testApp({ config: { logMaxMb: 1 } })
    const running = open({}, full)
    const detail = Array.from({ length: 50 }, (_, n) => `word${n} ${crypto.randomUUID()}`)
    const ids: string[] = []
    for (let n = 0; n < 600; n++) {
      full.clock.advance(1)
      const operation = open({}, full)
      operation.info("x", { detail })
      operation.close("success")
      ids.push(operation.id)
    }
    await full.app.logs.flush()
    const size = async () => (await full.app.store.step({ name: "logs.size", input: null })) as number
    expect(await size()).toBeGreaterThan(1024 * 1024)
    full.clock.advance(1)
    expect(await sweepLogs(full.app)).toBeGreaterThan(0)
    expect(await size()).toBeLessThanOrEqual(1024 * 1024)
    const { rows } = await listOperations(full.app, { environmentId: 1, limit: 1000 })
    const left = rows.map((row) => row.id).filter((id) => id !== running.id)
    expect(left.length).toBeGreaterThan(0)
    expect(left.toReversed()).toEqual(ids.slice(-left.length))
    expect(rows.map((row) => row.id)).toContain(running.id)
    expect(await sweepLogs(full.app)).toBe(0)
  })

  test("is kept from the start of the daemon on", async () => {
    const dataDir = temporaryFolder("retention")
    const first = await testApp({ dataDir })
    open({}, first).close("success")
    await first.close()
    await using next = await testApp({ dataDir, now: "2026-06-01T00:00:00Z" })
    await next.start()
    await until(
      async () => (await next.app.store.selectLogs("SELECT id FROM operations", [])).length === 0,
      "the old operation to go",
    )
  })
})

test("what ran when the daemon died is failed at the next start, and says why; what had ended stays", async () => {
  const dataDir = temporaryFolder("abandon")
  const first = await testApp({ dataDir })
  const running = open({}, first)
  const done = open({}, first)
  done.close("success")
  await first.close()
  await using next = await testApp({ dataDir, now: "2026-03-01T13:00:00Z" })
  await next.start()
  const { rows } = await listOperations(next.app, { environmentId: 1, limit: 10 })
  const of = (id: string) => rows.find((row) => row.id === id)
  expect(of(done.id)?.state).toBe("success")
  expect(of(running.id)).toMatchObject({ state: "failed", level: "error", ended_at: next.clock.now().getTime() })
  expect(JSON.parse(of(running.id)?.error ?? "null")).toMatchObject({
    message: "The daemon stopped while this was running.",
  })
})
