import { afterAll, beforeAll, expect, test } from "bun:test"
import { startWithFake } from "../helpers/setup.ts"
import { client } from "./clients.ts"
import { actionFile, syncFile } from "./functions.ts"
import { type Connection, connectionAt, deployTo, expectStatus, importConnection, stage } from "./stage.ts"

const failsWhenTold = (model: string) => {
  const exec = `
    const { fail } = await nango.getMetadata()
    if (fail) throw new Error("told to fail")`
  return syncFile(exec, { models: `${model}: z.object({ id: z.string() })` })
}
const files = {
  "syncs/one.ts": failsWhenTold("One"),
  "syncs/two.ts": failsWhenTold("Two"),
  "actions/look.ts": actionFile("return (await nango.getConnection()).errors"),
}

let world: Awaited<ReturnType<typeof startWithFake>>
let at: Connection
beforeAll(async () => {
  world = await startWithFake()
  at = await stage(world.sluice, files)
})
afterAll(() => world[Symbol.asyncDispose]())

const errorsOf = async ({ key, id }: Connection): Promise<any[]> =>
  (await client(world.sluice).getConnection(key, id)).errors
const listed = async () => {
  const { connections } = await client(world.sluice).listConnections({ integrationId: at.key })
  return Object.fromEntries(connections.map(({ connection_id, errors }) => [connection_id, errors.length]))
}

test("a connection tells which of its syncs fail, until they end well or are gone", async () => {
  const other = connectionAt(world.sluice, at.key, (await importConnection(world.sluice, at.key)).connection_id)
  expect(await errorsOf(at)).toEqual([])

  await at.setMetadata({ fail: true })
  await at.runToFailure("one")
  await at.runToFailure("two")
  await at.runToFailure("two")
  await other.run("one")
  const errors = await errorsOf(at)
  expect(errors.map(({ type }) => type)).toEqual(["sync", "sync"])
  for (const { log_id } of errors) {
    const { body } = expectStatus(await world.sluice.call("GET", `/sluice/logs/${log_id}`), 200)
    expect(JSON.stringify(body)).toContain("told to fail")
  }
  expect(await listed()).toEqual({ [at.id]: 2, [other.id]: 0 })
  expect(expectStatus(await at.act("look"), 200).body).toEqual(errors)
  const imported = await importConnection(world.sluice, at.key, { connection_id: at.id, metadata: { fail: true } })
  expect(imported.errors).toEqual(errors)

  await at.setMetadata({})
  await at.run("one")
  expect(await errorsOf(at)).toEqual(errors.slice(1))

  const { "syncs/two.ts": _, ...left } = files
  await deployTo(world.sluice, at.key, left)
  expect(await errorsOf(at)).toEqual([])
  await deployTo(world.sluice, at.key, files)
  expect(await errorsOf(at)).toEqual([])
})
