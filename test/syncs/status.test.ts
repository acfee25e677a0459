import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { toLines } from "../../src/kit/lines.ts"
import { inTransaction } from "../../src/app/context.ts"
import { setScheduleState } from "../../src/queue/schedule.ts"
import { checkpoints, scheduleKey, SyncName, type SyncRow, type SyncRunRow, syncRuns } from "../../src/syncs/model.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { type SyncRoom, syncNamed, syncsOf } from "./room.ts"

let t: TestApp
let room: SyncRoom
let sync: SyncRow
beforeAll(async () => {
  t = await testApp()
  room = syncsOf(t)
  await t.request("POST", "/integrations", { body: { provider: "unauthenticated", unique_key: "k" } })
  await room.deploy(
    syncNamed("issues", { models: ["Issue", "Label"] }),
    syncNamed("other", { frequency: "every 5 minutes" }),
  )
  await room.connect("c")
  await room.connect("d")
  sync = await room.one("c")
})
afterAll(() => t.close())
beforeEach(async () => {
  await inTransaction(t.app, async (ctx) => {
    await ctx.db.delete(syncRuns)
    await ctx.db.delete(checkpoints)
    await setScheduleState(ctx, scheduleKey(sync.id), "active")
  })
  await room.command("/sync/start", { syncs: [] })
})

const mine = async () => (await room.status("syncs=issues&connection_id=c"))[0]

describe("the status", () => {
  type Run = Partial<SyncRunRow> | undefined
  test.each([
    ["never ran", undefined, "started", "active", "SUCCESS"],
    ["never ran, paused", undefined, "paused", "active", "PAUSED"],
    ["runs", { status: "RUNNING" }, "started", "active", "RUNNING"],
    ["runs, paused", { status: "RUNNING" }, "paused", "active", "RUNNING"],
    ["ran well", { status: "SUCCESS" }, "started", "active", "SUCCESS"],
    ["ran well, paused", { status: "SUCCESS" }, "paused", "active", "PAUSED"],
    ["failed", { status: "STOPPED" }, "started", "active", "ERROR"],
    ["failed, paused", { status: "STOPPED" }, "paused", "active", "PAUSED"],
    ["ran well, switched off", { status: "SUCCESS" }, "started", "disabled", "STOPPED"],
    ["failed, switched off", { status: "STOPPED" }, "paused", "disabled", "STOPPED"],
  ] as [string, Run, "started" | "paused", "active" | "disabled", string][])(
    "of a sync that %s",
    async (_, run, intent, state, status) => {
      if (run) await room.addRun(sync, run)
      if (intent === "paused") await room.command("/sync/pause", { syncs: ["issues"], connection_id: "c" })
      await inTransaction(t.app, (ctx) => setScheduleState(ctx, scheduleKey(sync.id), state))
      const found = await mine()
      expect([found.status, found.latestExecutionStatus]).toEqual([status, run?.status])
      const live = intent === "started" && state === "active"
      expect(found.nextScheduledSyncAt === null).toBe(!live)
    },
  )

  test("is that of the latest run, and webhook runs do not count", async () => {
    await room.addRun(sync, { status: "STOPPED" })
    await room.addRun(sync, { status: "SUCCESS" })
    await room.addRun(sync, { status: "STOPPED", kind: "webhook", type: "WEBHOOK" })
    expect((await mine()).status).toBe("SUCCESS")
  })

  test("says everything about a sync that never ran", async () => {
    expect(await mine()).toEqual({
      id: sync.id,
      connection_id: "c",
      name: "issues",
      variant: "base",
      status: "SUCCESS",
      type: "INITIAL",
      nextScheduledSyncAt: new Date(sync.created_at).toISOString(),
      frequency: "every hour",
      recordCount: { Issue: 0, Label: 0 },
      checkpoint: null,
    })
  })

  test("says what the last run brought, until when it ran, and where it stands", async () => {
    const run = await room.addRun(sync, { type: "INCREMENTAL", finished_at: t.clock.now().getTime() })
    const write = {
      runId: run.id,
      connectionId: sync.connection_id,
      model: "Issue",
      countModel: "Issue",
      ids: toLines(["1", "2"]),
    }
    await t.app.store.step({ name: "records.save", input: write, body: '{"id":"1"}\n{"id":"2"}' })
    const input = { connectionId: sync.connection_id, key: "sync:issues:base", version: null, now: 1 }
    await t.app.store.step({ name: "checkpoint.save", input, body: '{"page":7}' })
    expect(await mine()).toMatchObject({
      type: "INCREMENTAL",
      finishedAt: t.clock.now().toISOString(),
      latestResult: { Issue: { added: 2, updated: 0, deleted: 0 } },
      latestExecutionStatus: "SUCCESS",
      recordCount: { Issue: 2, Label: 0 },
      checkpoint: { page: 7 },
    })
    await t.app.store.step({ name: "checkpoint.clear", input })
    expect((await mine()).checkpoint).toBeNull()
  })

  test("has no end while a run works", async () => {
    await room.addRun(sync, { status: "RUNNING" })
    expect(await mine()).not.toHaveProperty("finishedAt")
  })
})

describe("asking", () => {
  const names = async (query: string) => (await room.status(query)).map((one) => `${one.connection_id}/${one.name}`)

  test("for all, for some, on all connections or on one", async () => {
    expect(await names("syncs=*")).toEqual(["c/issues", "c/other", "d/issues", "d/other"])
    expect(await names("syncs=issues")).toEqual(["c/issues", "d/issues"])
    expect(await names("syncs=*&connection_id=d")).toEqual(["d/issues", "d/other"])
    expect(await names("syncs=issues::base,%20other&connection_id=c")).toEqual(["c/issues", "c/other"])
  })

  test("for what is not there is no mistake, except for a connection", async () => {
    expect(await names("syncs=nope,issues::vip,a%20b,&connection_id=c")).toEqual([])
    const nowhere = await t.request("GET", "/sync/status?syncs=*&provider_config_key=nowhere&connection_id=x")
    expect([nowhere.status, nowhere.body]).toEqual([200, { syncs: [] }])
    const { status, body } = await t.request("GET", "/sync/status?syncs=*&provider_config_key=k&connection_id=x")
    expect([status, body.error]).toEqual([400, { code: "invalid_body", message: "Connection not found" }])
  })

  test.each([
    "provider_config_key=k",
    "syncs=&provider_config_key=k",
    "syncs=*",
    "syncs=*&provider_config_key=k&nope=1",
    "syncs=a&syncs=b&provider_config_key=k",
  ])("?%s is refused", async (query) => {
    expect((await t.request("GET", `/sync/status?${query}`)).body.error.code).toBe("invalid_query_params")
  })
})

describe("an own frequency", () => {
  const set = (frequency: unknown, more: Record<string, unknown> = {}) =>
    t.request("PUT", "/sync/update-connection-frequency", {
      body: { sync_name: "issues", provider_config_key: "k", connection_id: "c", frequency, ...more },
    })

  test.each([
    ["every hour", "1h", 3_600_000],
    ["every half day", "12h", 43_200_000],
    ["half hour", "30m", 1_800_000],
    ["every quarter hour", "15m", 900_000],
    ["every day", "1d", 86_400_000],
    ["every week", "1w", 604_800_000],
    ["every month", "30d", 2_592_000_000],
    ["every 5 minutes", "5 minutes", 300_000],
    ["6h", "6h", 21_600_000],
    ["30s", "30s", 30_000],
    ["hour", "1h", 3_600_000],
  ])("%s is %s", async (given, shown, ms) => {
    const answer = await set(given)
    expect([answer.status, answer.body]).toEqual([200, { frequency: shown }])
    expect(await mine()).toMatchObject({ frequency: shown })
    expect((await room.schedule(sync))?.interval_ms).toBe(ms)
    expect((await room.schedule(await room.one("d")))?.interval_ms).toBe(3_600_000)
  })

  test("may be a time table, and back", async () => {
    expect((await set("cron(0 9 * * 1-5, Europe/Berlin)")).status).toBe(200)
    expect(await room.schedule(sync)).toMatchObject({
      cron: "0 9 * * 1-5",
      timezone: "Europe/Berlin",
      interval_ms: null,
    })
    expect((await set(null)).body).toEqual({ frequency: "every hour" })
    expect(await room.schedule(sync)).toMatchObject({ cron: null, interval_ms: 3_600_000 })
    expect((await mine()).frequency).toBe("every hour")
  })

  test.each([
    "every 29 seconds",
    "1ms",
    "0",
    "soon",
    "every",
    "-5m",
    "every 5 parsecs",
    "cron(* * * *)",
    "cron(99 * * * *)",
    "",
  ])("%p is refused, and nothing changes", async (frequency) => {
    await set("2h")
    const { status, body } = await set(frequency)
    expect([status, body.error.code]).toEqual([400, "invalid_body"])
    expect((await room.schedule(sync))?.interval_ms).toBe(7_200_000)
  })

  test("of what is not there", async () => {
    const codes = async (more: Record<string, unknown>) => {
      const { status, body } = await set("1h", more)
      return [status, body.error.code]
    }
    expect(await codes({ connection_id: "nowhere" })).toEqual([400, "unknown_connection"])
    expect(await codes({ provider_config_key: "nowhere" })).toEqual([400, "unknown_connection"])
    expect(await codes({ sync_name: "nope" })).toEqual([400, "unknown_sync"])
    expect(await codes({ sync_variant: "vip" })).toEqual([400, "unknown_sync"])
    expect(await codes({ nope: 1 })).toEqual([400, "invalid_body"])
    expect((await set(undefined)).body.error.code).toBe("invalid_body")
  })
})

describe("the name of a sync", () => {
  test.each([
    ["issues", { name: "issues", variant: "base" }],
    ["issues::vip", { name: "issues", variant: "vip" }],
    [{ name: "issues" }, { name: "issues", variant: "base" }],
    [
      { name: "issues", variant: "vip" },
      { name: "issues", variant: "vip" },
    ],
  ])("%j", (given, read) => {
    expect(SyncName.parse(given)).toEqual(read)
  })

  test.each(["", "::", "a::", "::b", "a::b::c", "a:b", "a b", "a".repeat(256), { name: "a::b" }, { variant: "b" }])(
    "%j is none",
    (given) => {
      expect(SyncName.safeParse(given).success).toBe(false)
    },
  )
})

describe("variants", () => {
  const change = (method: "POST" | "DELETE", path: string, more: Record<string, unknown> = {}) =>
    t.request(method, path, { body: { provider_config_key: "k", connection_id: "c", ...more } })

  test("have an instance of their own, with its own schedule and status, until they are ended", async () => {
    const made = await change("POST", "/sync/other/variant/vip")
    expect([made.status, made.body]).toEqual([200, { id: expect.any(String), name: "other", variant: "vip" }])
    const [status] = await room.status("syncs=other::vip&connection_id=c")
    expect(status).toMatchObject({
      id: made.body.id,
      variant: "vip",
      frequency: "every 5 minutes",
      recordCount: { Thing: 0 },
    })
    expect((await change("POST", "/sync/other/variant/vip")).body.error.code).toBe("sync_variant_already_exists")
    await room.command("/sync/pause", { syncs: ["other::vip"], connection_id: "c" })
    expect((await room.status("syncs=other,other::vip&connection_id=c")).map((one) => one.status)).toEqual([
      "SUCCESS",
      "PAUSED",
    ])
    expect((await change("DELETE", "/sync/other/variant/vip")).body).toEqual({ success: true })
    expect(await room.status("syncs=other::vip&connection_id=c")).toEqual([])
    expect((await change("DELETE", "/sync/other/variant/vip")).body.error.code).toBe("not_found")
  })

  test.each([
    ["POST", "/sync/other/variant/base", {}, "invalid_variant"],
    ["POST", "/sync/other/variant/BASE", {}, "invalid_variant"],
    ["POST", "/sync/nope/variant/vip", {}, "unknown_sync"],
    ["POST", "/sync/other/variant/vip", { connection_id: "nowhere" }, "unknown_connection"],
    ["POST", "/sync/other/variant/a%20b", {}, "invalid_uri_params"],
    ["DELETE", "/sync/other/variant/base", {}, "invalid_variant"],
    ["DELETE", "/sync/other/variant/vip", { nope: 1 }, "invalid_body"],
  ] as const)("%s %s %j is refused: %s", async (method, path, more, code) => {
    expect((await change(method, path, more)).body.error.code).toBe(code)
  })
})
