import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { eq } from "drizzle-orm"
import { inTransaction } from "../../src/app/context.ts"
import { claimTasks } from "../../src/queue/claim.ts"
import { settleTask } from "../../src/queue/queue.ts"
import { fireSchedules } from "../../src/queue/schedule.ts"
import { syncs } from "../../src/syncs/model.ts"
import { tasks } from "../../src/queue/model.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { type SyncRoom, syncNamed, syncsOf } from "./room.ts"

let t: TestApp
let room: SyncRoom
beforeEach(async () => {
  t = await testApp()
  room = syncsOf(t)
  for (const unique_key of ["k", "empty"])
    await t.request("POST", "/integrations", { body: { provider: "unauthenticated", unique_key } })
  await room.deploy(
    syncNamed("issues", { autoStart: false }),
    syncNamed("a_b", { autoStart: false }),
    syncNamed("a-b", { autoStart: false }),
  )
  await room.connect("c1")
  await room.connect("c2")
  await room.connect("bare", "empty")
})
afterEach(() => t.close())

const minute = 60_000
const waiting = async () =>
  (await t.app.db.select().from(tasks))
    .filter((task) => task.state !== "finished")
    .map((task) => String(task.key))
    .toSorted()
const keysOf = async (...names: [string, string?][]) =>
  Promise.all(names.map(async ([id, name]) => `sync:${(await room.one(id, name)).id}`)).then((keys) => keys.toSorted())
const trigger = (body: Record<string, unknown>, headers?: Record<string, string>) =>
  room.command("/sync/trigger", body, headers)
const claim = () => claimTasks(t.app, { places: [{ most: 10 }], leaseMs: 60_000, limit: () => 10 })
const saveCheckpoint = (connectionId: number, key: string) =>
  t.app.store.step({ name: "checkpoint.save", input: { connectionId, key, version: null, now: 1 }, body: '{"page":1}' })
const checkpointKeys = async () =>
  (await t.app.store.select<{ key: string }>("SELECT key FROM checkpoints ORDER BY key", [])).map(({ key }) => key)

describe("triggering", () => {
  test("makes one task for each sync that is named, on one connection or on all", async () => {
    expect((await trigger({ syncs: ["issues"], connection_id: "c1" })).body).toEqual({ success: true })
    expect(await waiting()).toEqual(await keysOf(["c1"]))
    await trigger({ syncs: ["issues"] })
    expect(await waiting()).toEqual(await keysOf(["c1"], ["c2"]))
    await trigger({ syncs: [{ name: "a_b" }, "a-b::base"], connection_id: "c2" })
    expect(await waiting()).toEqual(await keysOf(["c1"], ["c2"], ["c2", "a_b"], ["c2", "a-b"]))
  })

  test("nothing by name means everything", async () => {
    await trigger({ syncs: [], connection_id: "c1" })
    expect(await waiting()).toHaveLength(3)
    await trigger({ syncs: [] })
    expect(await waiting()).toHaveLength(6)
  })

  test("takes integration and connection from headers; the body wins", async () => {
    const headers = { "provider-config-key": "nowhere", "connection-id": "c2" }
    await trigger({ syncs: ["issues"], connection_id: undefined }, headers)
    expect(await waiting()).toEqual(await keysOf(["c2"]))
    const bare = await t.request("POST", "/sync/trigger", {
      body: { syncs: ["issues"] },
      headers: { "provider-config-key": "k", "connection-id": "c1" },
    })
    expect(bare.status).toBe(200)
    expect(await waiting()).toHaveLength(2)
  })

  test("what runs already is left to it, and the answer is the same", async () => {
    await trigger({ syncs: ["issues"], connection_id: "c1" })
    const [task] = await claim()
    expect((await trigger({ syncs: ["issues"], connection_id: "c1" })).status).toBe(200)
    expect(await t.app.db.select().from(tasks)).toHaveLength(1)
    expect((await room.task(await room.one("c1")))?.id).toBe(task?.id)
  })

  test("does not start what is paused, nor give it a second run when it is started later", async () => {
    const sync = await room.one("c1")
    await trigger({ syncs: ["issues"], connection_id: "c1" })
    expect((await room.schedule(sync))?.intent).toBe("paused")
    t.clock.advance(minute)
    await room.command("/sync/start", { syncs: ["issues"], connection_id: "c1" })
    expect((await room.schedule(sync))?.next_at).toBe(sync.created_at + 60 * minute)
  })

  test("goes ahead of what schedules want", async () => {
    await room.command("/sync/start", { syncs: ["issues"], connection_id: "c2" })
    await fireSchedules(t.app)
    t.clock.advance(1)
    await trigger({ syncs: ["issues"], connection_id: "c1" })
    const [first] = await claimTasks(t.app, { places: [{ most: 1 }], leaseMs: 1, limit: () => 10 })
    expect(first?.key).toBe((await keysOf(["c1"]))[0] ?? "")
  })
})

describe("a reset", () => {
  const modes = [
    ["opts", { opts: { reset: true } }, false],
    ["opts with an empty cache", { opts: { reset: true, emptyCache: true } }, true],
    ["full_refresh", { sync_mode: "full_refresh" }, false],
    ["full_refresh_and_clear_cache", { sync_mode: "full_refresh_and_clear_cache" }, true],
    ["full_resync", { full_resync: true }, false],
  ] as const

  test.each(modes)("by %s forgets where the sync was", async (_, mode, emptyCache) => {
    const sync = await room.one("c1")
    await inTransaction(t.app, (ctx) => ctx.db.update(syncs).set({ last_sync_at: 5 }).where(eq(syncs.id, sync.id)))
    await saveCheckpoint(sync.connection_id, "sync:issues:base")
    expect((await trigger({ syncs: ["issues"], connection_id: "c1", ...mode })).status).toBe(200)
    expect((await room.one("c1")).last_sync_at).toBeNull()
    expect(await checkpointKeys()).toEqual([])
    expect((await room.task(sync))?.payload).toEqual({ syncId: sync.id, emptyCache })
  })

  test.each([
    ["nothing", {}],
    ["incremental", { sync_mode: "incremental" }],
    ["full_resync: false", { full_resync: false }],
    ["an empty cache alone", { opts: { emptyCache: true } }],
  ])("is not what %s says", async (_, mode) => {
    const sync = await room.one("c1")
    await saveCheckpoint(sync.connection_id, "sync:issues:base")
    expect((await trigger({ syncs: ["issues"], connection_id: "c1", ...mode })).status).toBe(200)
    expect(await checkpointKeys()).toEqual(["sync:issues:base"])
    expect((await room.task(sync))?.payload).toEqual({ syncId: sync.id, emptyCache: false })
  })

  test("touches no checkpoint but its own: not of a variant, a namesake or another connection", async () => {
    const { connection_id } = await room.one("c1")
    const own = ["sync:a_b:base", "sync:a_b:base:part"]
    const others = [
      "sync:a-b:base",
      "sync:a-b:base:part",
      "sync:a_b:base2",
      "sync:a_b:vip",
      "sync:A_B:base:part",
      "webhook:a_b:base",
    ]
    for (const key of [...own, ...others]) await saveCheckpoint(connection_id, key)
    await saveCheckpoint((await room.one("c2")).connection_id, "sync:a_b:base")
    await trigger({ syncs: ["a_b"], connection_id: "c1", opts: { reset: true } })
    expect(await checkpointKeys()).toEqual([...others, "sync:a_b:base"].toSorted())
  })

  test("fences off the run that is under way, and adds a new one beside it", async () => {
    const sync = await room.one("c1")
    await trigger({ syncs: ["issues"], connection_id: "c1" })
    const [old] = await claim()
    await trigger({ syncs: ["issues"], connection_id: "c1", opts: { reset: true } })
    const fresh = await room.task(sync)
    expect(fresh?.id).not.toBe(old?.id)
    expect(fresh?.state).toBe("waiting")
    const [stale] = await t.app.db
      .select()
      .from(tasks)
      .where(eq(tasks.id, old?.id ?? ""))
    expect(stale).toMatchObject({ state: "started", cancel_reason: "the sync was reset", key: null })
    const late = await inTransaction(t.app, (ctx) =>
      settleTask(ctx, old ?? { id: "", attempt: 0 }, { unlessCancelled: true }),
    )
    expect(late).toBe(false)
  })
})

describe("starting and pausing", () => {
  test("are idempotent, and pausing cancels what waits and what runs", async () => {
    const sync = await room.one("c1")
    for (let n = 0; n < 2; n++)
      expect((await room.command("/sync/start", { syncs: ["issues"], connection_id: "c1" })).body).toEqual({
        success: true,
      })
    expect((await room.schedule(sync))?.intent).toBe("started")
    await trigger({ syncs: ["issues"], connection_id: "c1" })
    const [running] = await claim()
    for (let n = 0; n < 2; n++) await room.command("/sync/pause", { syncs: ["issues"], connection_id: "c1" })
    expect((await room.schedule(sync))?.intent).toBe("paused")
    const [stopped] = await t.app.db
      .select()
      .from(tasks)
      .where(eq(tasks.id, running?.id ?? ""))
    expect(stopped?.cancel_reason).toBe("the sync was paused")
    await inTransaction(t.app, (ctx) => settleTask(ctx, running ?? { id: "", attempt: 0 }))
    await trigger({ syncs: ["issues"], connection_id: "c1" })
    await room.command("/sync/pause", { syncs: ["issues"], connection_id: "c1" })
    expect(await room.task(sync)).toBeUndefined()
  })

  test("of several are done to all, or to none when one is not known", async () => {
    const refused = await room.command("/sync/start", { syncs: ["issues", "nope"], connection_id: "c1" })
    expect(refused.body.error.code).toBe("no_syncs_found")
    expect((await room.schedule(await room.one("c1")))?.intent).toBe("paused")
    await room.command("/sync/start", { syncs: [] })
    const intents = (await room.all()).map((row) => row.schedule?.intent)
    expect(intents).toEqual(Array.from({ length: 6 }, () => "started"))
  })

  test("take no headers", async () => {
    const answer = await t.request("POST", "/sync/start", {
      body: { syncs: [] },
      headers: { "provider-config-key": "k" },
    })
    expect(answer.body.error.code).toBe("invalid_body")
  })
})

describe("mistakes", () => {
  const paths = ["/sync/trigger", "/sync/start", "/sync/pause"]

  test.each(paths)("%s: an integration, a connection or a sync that is not there", async (path) => {
    const rows: [Record<string, unknown>, number, string, unknown][] = [
      [{ syncs: [], provider_config_key: "nowhere" }, 400, "unknown_provider_config", { providerConfigKey: "nowhere" }],
      [
        { syncs: [], connection_id: "nowhere" },
        404,
        "unknown_connection",
        { connectionId: "nowhere", providerConfigKey: "k" },
      ],
      [{ syncs: ["nope"], connection_id: "c1" }, 400, "no_syncs_found", {}],
      [{ syncs: ["issues::vip"] }, 400, "no_syncs_found", {}],
      [{ syncs: [], provider_config_key: "empty" }, 400, "no_syncs_found", {}],
    ]
    for (const [body, status, code, payload] of rows) {
      const answer = await room.command(path, body)
      expect([answer.status, answer.body.error.code, answer.body.error.payload]).toEqual([status, code, payload])
      expect(answer.body.error.message).toBeString()
    }
    const bare = await room.command(path, { syncs: [], provider_config_key: "empty", connection_id: "bare" })
    expect(bare.body).toEqual({ success: true })
    expect(await waiting()).toEqual([])
  })

  test.each(paths)("%s: names in a form that is none", async (path) => {
    for (const name of [
      "",
      "a b",
      "a::",
      "::a",
      "a::b::c",
      "a::b c",
      { name: "a b" },
      { name: "a", nope: 1 },
      {},
      1,
      null,
    ]) {
      const answer = await room.command(path, { syncs: [name] })
      expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_body"])
    }
    const many = await room.command(path, { syncs: Array.from({ length: 257 }, () => "issues") })
    expect(many.body.error.code).toBe("invalid_body")
  })

  test("without an integration a trigger is refused by name", async () => {
    const { status, body } = await t.request("POST", "/sync/trigger", { body: { syncs: [] } })
    expect([status, body.error.code]).toEqual([400, "missing_provider_config_key"])
  })

  test.each([{ sync_mode: "full_refresh" }, { full_resync: true }, { full_resync: false }])(
    "opts cannot be mixed with %j",
    async (mode) => {
      const { status, body } = await trigger({ syncs: ["issues"], opts: {}, ...mode })
      expect([status, body.error]).toEqual([
        400,
        { code: "invalid_body", message: "Cannot use opts with deprecated sync_mode/full_resync parameters" },
      ])
      expect(await waiting()).toEqual([])
    },
  )
})
