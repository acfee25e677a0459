import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { inTransaction } from "../../src/app/context.ts"
import { findConnection } from "../../src/connections/connections.ts"
import { readConnectionConfig, saveSecrets } from "../../src/connections/credentials.ts"
import type { OutboundRequest } from "../../src/kit/fetch.ts"
import { lookupHandler } from "../../src/proxy/lookup-task.ts"
import { maxLosses, type TaskRow, tasks } from "../../src/queue/model.ts"
import { recoverTasks } from "../../src/queue/queue.ts"
import { webhookDeliveries } from "../../src/webhooks/model.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { temporaryFolder, until } from "../helpers/sluice.ts"
import { client, startWorld } from "../auth/stage.ts"
import { queueOf } from "../queue/room.ts"
import { type SyncRoom, syncNamed, syncsOf } from "../syncs/room.ts"

const providers = temporaryFolder("providers")
const head = `display_name: x\ndocs: https://x.test\nauth_mode: NONE\nproxy:\n  base_url: https://api.test\n`
writeFileSync(
  join(providers, "asked.yaml"),
  `${head}post_connection:\n  - { request: { endpoint: /me }, save: { site: id } }\n`,
)
writeFileSync(join(providers, "plain.yaml"), head)

let t: TestApp
let room: SyncRoom
let dataDir: string
let answer: (request: OutboundRequest) => Promise<Response> | Response
let asked = 0

async function open(): Promise<void> {
  t = await testApp({ dataDir, config: { providers } })
  room = syncsOf(t)
  t.app.egress.send = async (request) => {
    asked++
    return answer(request)
  }
}
beforeEach(async () => {
  dataDir = temporaryFolder("lookups")
  asked = 0
  answer = () => Response.json({ id: "s-1" })
  await open()
  for (const [provider, unique_key] of [
    ["asked", "k"],
    ["plain", "other"],
  ])
    await t.request("POST", "/integrations", { body: { provider, unique_key } })
  await t.request("PATCH", "/sluice/webhooks/settings", { body: { primary_url: "https://hooks.test/a" } })
  await room.deploy(syncNamed("issues"), syncNamed("others", { integrationId: "other" }))
})
afterEach(async () => {
  await t.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const configOf = async (id = "c", key = "k") =>
  (await t.request("GET", `/connections/${id}?provider_config_key=${key}`)).body.connection_config
const claim = () => queueOf(t).claim({ places: [{ kinds: ["lookup"], most: 10 }] })
const carryOut = (task: TaskRow | undefined, signal = new AbortController().signal) => {
  if (!task) throw new Error("There is no lookup to carry out.")
  return lookupHandler(() => t.app).run(task, signal)
}
const runLookups = async () => {
  for (const task of await claim()) await carryOut(task)
}
const syncNames = async () => (await room.all()).filter((row) => row.deleted_at === null).map((row) => row.name)
const told = async () => {
  const rows = await t.ctx.db.select().from(webhookDeliveries).orderBy(webhookDeliveries.id)
  return rows.map(({ body }) => (JSON.parse(body) as { operation: string }).operation)
}
const taskKinds = async () => (await t.ctx.db.select().from(tasks)).map(({ kind }) => kind)

describe("a connection whose provider has something to tell", () => {
  test("gets its syncs and its webhook once that was looked up", async () => {
    await room.connect("c")
    expect([await configOf(), await syncNames(), await told(), asked]).toEqual([{}, [], [], 0])
    await runLookups()
    expect([await configOf(), await syncNames(), await told()]).toEqual([{ site: "s-1" }, ["issues"], ["creation"]])
  })

  test("gets them all the same when the provider refuses; the log says why", async () => {
    answer = () => new Response("{}", { status: 403 })
    await room.connect("c")
    await runLookups()
    expect([await configOf(), await syncNames(), await told()]).toEqual([{}, ["issues"], ["creation"]])
    await t.app.logs.flush()
    const { data } = (await t.request("GET", "/sluice/logs?type=auth")).body
    expect(data[0]).toMatchObject({ action: "post_connection", state: "failed", connection: "c" })
    expect(JSON.stringify(data[0].error)).toContain("The provider answered 403 to /me.")
  })

  test("is looked up again when it is connected again, which tells of both in order", async () => {
    await room.connect("c")
    await runLookups()
    answer = () => Response.json({ id: "s-2" })
    await room.connect("c")
    expect(await configOf()).toEqual({})
    await runLookups()
    expect([await configOf(), await told()]).toEqual([{ site: "s-2" }, ["creation", "override"]])
  })

  test("keeps a pause through that", async () => {
    await room.connect("c")
    await runLookups()
    await room.command("/sync/pause", { syncs: ["issues"], connection_id: "c" })
    await room.connect("c")
    await runLookups()
    expect((await room.all()).map(({ schedule }) => schedule?.intent)).toEqual(["paused"])
  })

  test("never gets what an earlier lookup finds after it was saved again", async () => {
    await room.connect("c")
    const [first] = await claim()
    answer = async () => {
      answer = () => Response.json({ id: "new" })
      await room.connect("c")
      return Response.json({ id: "old" })
    }
    await carryOut(first)
    expect([await configOf(), await syncNames()]).toEqual([{}, []])
    await runLookups()
    expect([await configOf(), await syncNames(), await told()]).toEqual([{ site: "new" }, ["issues"], ["creation"]])
  })

  test("keeps what others changed in its configuration meanwhile", async () => {
    await room.connect("c")
    answer = async () => {
      const found = await findConnection(t.ctx, { connectionId: "c", providerConfigKey: "k" })
      if (!found) throw new Error("There is no connection.")
      const connectionConfig = { ...readConnectionConfig(t.ctx, found.connection), other: "kept" }
      await inTransaction(t.ctx, (ctx) => saveSecrets(ctx, found.connection, { connectionConfig }))
      return Response.json({ id: "s-1" })
    }
    await runLookups()
    expect(await configOf()).toEqual({ site: "s-1", other: "kept" })
  })

  test("that is deleted while it is looked up stays deleted", async () => {
    await room.connect("c")
    answer = async () => {
      await room.disconnect("c")
      return Response.json({ id: "s-1" })
    }
    await runLookups()
    expect([await syncNames(), (await t.request("GET", "/connections")).body.connections]).toEqual([[], []])
  })
})

describe("a daemon that dies", () => {
  test("between the save and the lookup asks after its next start", async () => {
    await room.connect("c")
    await t.close()
    await open()
    expect(await taskKinds()).toContain("lookup")
    await runLookups()
    expect([await configOf(), await syncNames()]).toEqual([{ site: "s-1" }, ["issues"]])
  })

  test("while it asks does so again", async () => {
    await room.connect("c")
    const [task] = await claim()
    const stop = new AbortController()
    answer = ({ signal }) =>
      new Promise((_, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason))
        stop.abort("the daemon stops")
      })
    await carryOut(task, stop.signal)
    expect([await configOf(), await syncNames()]).toEqual([{}, []])
    await t.close()
    answer = () => Response.json({ id: "s-1" })
    await open()
    await recoverTasks(t.app, { all: true })
    await runLookups()
    expect([await configOf(), await syncNames(), await told()]).toEqual([{ site: "s-1" }, ["issues"], ["creation"]])
  })

  test("each time it asks gives up at last, and the connection goes without", async () => {
    await room.connect("c")
    for (let n = 0; n < maxLosses; n++) {
      await claim()
      for (const { task, givenUp } of await recoverTasks(t.app, { all: true }))
        if (task.kind === "lookup") await lookupHandler(() => t.app).lost(task, givenUp)
    }
    expect([await configOf(), await syncNames(), await told()]).toEqual([{}, ["issues"], ["creation"]])
  })
})

test("a connection of any other provider waits for nothing", async () => {
  await room.connect("c", "other")
  expect([await syncNames(), await told(), await taskKinds()]).toEqual([["others"], ["creation"], ["delivery"]])
})

test("a connection that waits for its provider gets no syncs until it waits no longer", async () => {
  const save = (connection_config: object) =>
    t.request("POST", "/connections", {
      body: { provider_config_key: "other", connection_id: "c", credentials: { type: "NONE" }, connection_config },
    })
  await save({ pending: true })
  expect(await syncNames()).toEqual([])
  await save({})
  expect(await syncNames()).toEqual(["others"])
})

test("all the way: a browser connects, the queue asks the provider with the new token", async () => {
  const provider = `auth_mode: OAUTH2
authorization_url: FAKE/oauth/authorize
token_url: FAKE/oauth/token
proxy:
  base_url: FAKE
post_connection:
  - { request: { endpoint: /whoami, query: { from: lookup } }, save: { proof: auth } }
`
  await using world = await startWorld({ real: provider })
  await world.integrate("real", { credentials: { type: "OAUTH2", ...client } })
  await world.t.start()
  const id = await world.authorize("real")
  const read = async () => (await world.get("real", id)).body.connection_config
  const found = await until(async () => Object.keys(await read()).length > 0 && read(), "the lookup")
  expect(found).toEqual({ proof: "bearer" })
})
