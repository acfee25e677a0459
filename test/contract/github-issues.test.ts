import { afterAll, beforeAll, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { startWithFake } from "../helpers/setup.ts"
import { client } from "./clients.ts"
import { paginating, seedLegacy, seedSync, withGlobalZod } from "./seeds.ts"
import { type Connection, connectionAt, deployTo, importConnection, mintIntegration, token } from "./stage.ts"

/** The path that the documents' function asks for, whatever repository was recorded. */
const asked = "/repos/NangoHQ/interactive-demo/issues"
type Row = { path: string; body: { id: number; title: string; html_url: string; number: number }[] }

const folders = [join(import.meta.dir, "data"), process.env.SLUICE_REAL_INPUT].filter((folder) => folder !== undefined)

for (const folder of folders) {
  const data = join(folder, "github-issues.json")
  const rows = JSON.parse(readFileSync(data, "utf8")) as Row[]
  const path = new URL(rows[0]!.path, "http://recorded.invalid").pathname
  const all = rows.flatMap((row) => row.body)
  let world: Awaited<ReturnType<typeof startWithFake>>

  const connect = async (files: Record<string, string>): Promise<Connection> => {
    const key = await mintIntegration(world.sluice, "github")
    const { connection_id } = await importConnection(world.sluice, key, { credentials: token })
    world.fake.clear()
    await deployTo(world.sluice, key, files)
    return connectionAt(world.sluice, key, connection_id)
  }
  const read = async (at: Connection, model = "GithubIssueDemo") =>
    (await client(world.sluice).listRecords({ providerConfigKey: at.key, connectionId: at.id, model })).records
  const asRecord = ({ id, title, html_url }: Row["body"][number]) => ({ id: String(id), title, url: html_url })
  const withMetadata = (row: Row["body"][number]) => ({
    ...asRecord(row),
    _nango_metadata: expect.objectContaining({ last_action: "ADDED" }),
  })
  const byId = (one: { id: unknown }, other: { id: unknown }) => Number(one.id) - Number(other.id)

  beforeAll(async () => void (world = await startWithFake({ fake: { data, aliases: { [asked]: path } } })))
  afterAll(() => world[Symbol.asyncDispose]())

  for (const [name, source] of [
    ["the sync of the documents", seedSync],
    ["the sync of the documents with a global z", withGlobalZod],
    ["the older default export", seedLegacy],
  ] as const) {
    test(`${data}: ${name} saves what the API answered`, async () => {
      const at = await connect({ "syncs/issues.ts": source })
      // All of them start by themselves: two say so, and for functions of the older kind it is the default.
      const ended = await at.ended("issues")
      expect([ended.latestExecutionStatus, ended.latestResult]).toEqual([
        "SUCCESS",
        { GithubIssueDemo: { added: rows[0]!.body.length, updated: 0, deleted: 0 } },
      ])
      expect((await read(at)).toSorted(byId)).toEqual(rows[0]!.body.map(withMetadata).toSorted(byId) as never)
      expect(world.fake.requests.map((request) => request.url)).toEqual([
        `${asked}?labels=demo&sort=created&direction=asc`,
      ])
      expect(world.fake.requests[0]!.headers.authorization).toBe(`Bearer ${token.access_token}`)
    })
  }

  test(`${data}: paginate follows Link headers to the last page and stops`, async () => {
    const at = await connect({ "syncs/issues.ts": paginating(path) })
    const ended = await at.run("issues")
    expect(ended).toMatchObject({ latestExecutionStatus: "SUCCESS", recordCount: { GithubIssueDemo: all.length } })
    expect((await read(at)).toSorted(byId)).toEqual(all.map(withMetadata).toSorted(byId) as never)
    expect(world.fake.requests.map((request) => request.url)).toEqual(rows.map((row) => row.path))
    expect(
      world.fake.requests.every((request) => request.headers.authorization === `Bearer ${token.access_token}`),
    ).toBe(true)

    const again = await at.run("issues")
    expect(again.latestResult).toEqual({ GithubIssueDemo: { added: 0, updated: 0, deleted: 0 } })
  })
}
