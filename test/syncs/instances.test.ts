import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { testApp, type TestApp } from "../helpers/app.ts"
import { type SyncRoom, syncNamed, syncsOf } from "./room.ts"

let t: TestApp
let room: SyncRoom
beforeEach(async () => {
  t = await testApp()
  room = syncsOf(t)
  for (const unique_key of ["k", "other"])
    await t.request("POST", "/integrations", { body: { provider: "unauthenticated", unique_key } })
})
afterEach(() => t.close())

const live = async () => (await room.all()).filter((row) => row.deleted_at === null)
const minute = 60_000

describe("a sync appears on a connection", () => {
  test("when the connection is made: started or paused as the function says, due at once", async () => {
    await room.deploy(syncNamed("issues"), syncNamed("repos", { autoStart: false, frequency: "every 5 minutes" }))
    await room.connect("c")
    const now = t.clock.now().getTime()
    const rows = (await live()).toSorted((a, b) => a.name.localeCompare(b.name))
    expect(
      rows.map(({ name, variant, schedule }) => [
        name,
        variant,
        schedule?.intent,
        schedule?.state,
        schedule?.interval_ms,
        schedule?.next_at,
      ]),
    ).toEqual([
      ["issues", "base", "started", "active", 3_600_000, now],
      ["repos", "base", "paused", "active", 300_000, now],
    ])
    expect(rows[0]?.schedule?.payload).toEqual({ syncId: rows[0]?.id })
  })

  test("when the function is deployed: on every connection of its integration, and on no other", async () => {
    await room.connect("a")
    await room.connect("b")
    await room.connect("c", "other")
    await room.deploy(syncNamed("issues"))
    expect(await live()).toHaveLength(2)
    expect((await room.status()).map((sync) => sync.connection_id)).toEqual(["a", "b"])
  })

  test("once, however often it is deployed or the connection imported", async () => {
    await room.deploy(syncNamed("issues"))
    await room.connect("c")
    const [first] = await live()
    await room.deploy(syncNamed("issues"))
    await room.deploy(syncNamed("issues", { description: "changed" }))
    await room.connect("c")
    expect((await live()).map((row) => row.id)).toEqual([first?.id ?? ""])
  })

  test("and only for syncs", async () => {
    await room.connect("c")
    await room.deploy(syncNamed("act", { type: "action" }))
    expect(await room.all()).toEqual([])
  })
})

describe("a deploy", () => {
  test("that changes the frequency moves the grid of those that have none of their own", async () => {
    await room.deploy(syncNamed("issues"))
    await room.connect("a")
    await room.connect("b")
    const body = { sync_name: "issues", provider_config_key: "k", connection_id: "b", frequency: "every 2 hours" }
    await t.request("PUT", "/sync/update-connection-frequency", { body })
    await room.deploy(syncNamed("issues", { frequency: "every 10 minutes" }))
    const intervals = async () =>
      Promise.all(["a", "b"].map(async (id) => (await room.schedule(await room.one(id)))?.interval_ms))
    expect(await intervals()).toEqual([10 * minute, 120 * minute])
    await t.request("PUT", "/sync/update-connection-frequency", { body: { ...body, frequency: null } })
    expect(await intervals()).toEqual([10 * minute, 10 * minute])
  })

  test("that changes only code leaves schedules alone", async () => {
    await room.deploy(syncNamed("issues"))
    await room.connect("c")
    await room.command("/sync/pause", { syncs: [] })
    const before = await room.all()
    t.clock.advance(10 * minute)
    await room.deploy(syncNamed("issues", { description: "new" }))
    expect(await room.all()).toEqual(before)
  })

  test("that drops a sync ends its instances and what waits; that brings it back brings them back as they were", async () => {
    await room.deploy(syncNamed("issues"), syncNamed("repos"))
    await room.connect("c")
    await room.command("/sync/trigger", { syncs: ["issues"] })
    await room.command("/sync/pause", { syncs: ["repos"] })
    const [issues, repos] = [await room.one("c"), await room.one("c", "repos")]
    await room.deploy()
    expect(await live()).toEqual([])
    expect(await room.status()).toEqual([])
    expect(await room.task(issues)).toBeUndefined()
    expect((await room.schedule(issues))?.state).toBe("disabled")
    await room.deploy(syncNamed("issues"), syncNamed("repos"))
    expect((await live()).map((row) => row.id).toSorted()).toEqual([issues.id, repos.id].toSorted())
    expect(await room.schedule(issues)).toMatchObject({ state: "active", intent: "started" })
    expect(await room.schedule(repos)).toMatchObject({ state: "active", intent: "paused" })
  })

  test("that keeps them does not bring to life what belongs to a deleted connection", async () => {
    await room.deploy(syncNamed("issues"))
    await room.connect("c")
    await room.disconnect("c")
    await room.deploy(syncNamed("issues", { description: "new" }))
    expect(await live()).toEqual([])
  })
})

describe("a connection that is deleted", () => {
  test("takes its syncs along: schedules end, waiting tasks too, checkpoints are gone", async () => {
    await room.deploy(syncNamed("issues"))
    await room.connect("c")
    await room.connect("stays")
    const sync = await room.one("c")
    await room.command("/sync/trigger", { syncs: [], connection_id: "c" })
    const input = { connectionId: sync.connection_id, key: "sync:issues:base", version: null, now: 1 }
    await t.app.store.step({ name: "checkpoint.save", input, body: '{"page":1}' })
    await room.disconnect("c")
    expect(await room.task(sync)).toBeUndefined()
    expect((await room.schedule(sync))?.state).toBe("disabled")
    expect(await t.app.store.select("SELECT * FROM checkpoints", [])).toEqual([])
    expect((await live()).map((row) => row.id)).toEqual([(await room.one("stays")).id])
  })

  test("and made again begins anew", async () => {
    await room.deploy(syncNamed("issues"))
    await room.connect("c")
    const before = await room.one("c")
    await room.command("/sync/pause", { syncs: [] })
    await room.disconnect("c")
    await room.connect("c")
    const after = await room.one("c")
    expect(after.id).not.toBe(before.id)
    expect(await room.schedule(after)).toMatchObject({ intent: "started", state: "active" })
  })

  test("that is imported again instead keeps what the operator decided", async () => {
    await room.deploy(syncNamed("issues"))
    await room.connect("c")
    await room.command("/sync/pause", { syncs: [] })
    await room.connect("c")
    expect(await room.schedule(await room.one("c"))).toMatchObject({ intent: "paused", state: "active" })
  })
})

test("an integration that is deleted takes connections, syncs and functions along", async () => {
  await room.deploy(syncNamed("issues"))
  await room.connect("c")
  await t.request("DELETE", "/integrations/k")
  expect(await live()).toEqual([])
  expect((await room.all())[0]?.schedule?.state).toBe("disabled")
  expect(await t.app.store.select("SELECT id FROM functions WHERE deleted_at IS NULL", [])).toEqual([])
  expect(await t.app.store.select("SELECT * FROM function_code", [])).toEqual([])
})
