import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { Database } from "bun:sqlite"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { modes } from "../../src/auth/modes.ts"
import type { AppError } from "../../src/kit/errors.ts"
import type { AuthMode } from "../../src/providers/model.ts"
import { reasonOf } from "../helpers/reason.ts"
import { keyOf, providers, type Row, table } from "./mode-rows.ts"
import { client, rsa, startWorld, type World } from "./stage.ts"

let world: World
beforeAll(async () => {
  world = await startWorld(providers)
  for (const [mode, row] of table) await world.integrate(keyOf(mode), row.integration)
})
afterAll(() => world[Symbol.asyncDispose]())

const connect = (mode: AuthMode, row: Row) =>
  row.typed ? world.type(keyOf(mode), row.typed, row.config) : world.authorize(keyOf(mode), row.config)
const errorOf = async (promise: Promise<unknown>) => (await reasonOf(promise)) as AppError
/** What of stored credentials changes when they are renewed. */
const derived = (credentials: Record<string, unknown>) =>
  credentials.access_token ?? credentials.token ?? credentials.session_id ?? credentials.access_key_id

describe.each(table)("%s", (mode, row) => {
  test("is in the table of modes, under the type that it stores", () => {
    expect(modes[mode].stores as unknown[]).toContain(row.stored)
  })

  test("obtains, stores and shows credentials", async () => {
    const id = await connect(mode, row)
    const { status, body } = await world.get(keyOf(mode), id)
    expect([status, body.credentials.type, body.errors]).toEqual([200, row.stored, []])
    if (row.stored !== undefined && modes[mode].renew) expect(derived(body.credentials)).toBeString()
    expect(JSON.stringify(body.credentials)).not.toContain("refresh_token")
  })

  test("is injected into a proxied request", async () => {
    const id = await connect(mode, row)
    const answer = await world.whoami(keyOf(mode), id)
    if (row.proof !== "") expect([answer.status, answer.body]).toEqual([200, { auth: row.proof }])
    const seen = world.fake.requests.at(-1)
    expect(seen?.path).toBe("/whoami")
    if (mode !== "NONE") expect(JSON.stringify(seen?.headers)).toMatch(/authorization|x-api-key|x-wsse|x-session/)
  })

  const { renew, local, typed, browser } = modes[mode]
  if (renew !== undefined && !local)
    test("is renewed before it ends, and then works again", async () => {
      const key = keyOf(mode)
      const id = await connect(mode, row)
      const before = (await world.get(key, id)).body.credentials
      const requests = await world.tokenRequests()
      world.t.clock.advance(2 * 3_600_000)
      world.fake.control({ oauth: { expireAccessTokens: true } })
      const answer = await world.whoami(key, id)
      expect([answer.status, answer.body]).toEqual([200, { auth: row.proof }])
      const after = (await world.get(key, id)).body.credentials
      expect(derived(after)).not.toBe(derived(before))
      if (mode !== "BILL") expect((await world.tokenRequests()) - requests).toBe(1)
      const forced = (await world.get(key, id, "&force_refresh=true")).body.credentials
      expect(derived(forced)).not.toBe(derived(after))
    })

  if (local === true)
    test("is made anew at each use near its end, without a write", async () => {
      const id = await connect(mode, row)
      const first = (await world.get(keyOf(mode), id)).body.credentials
      world.t.clock.advance(400_000)
      const second = (await world.get(keyOf(mode), id)).body.credentials
      expect(second.token).not.toBe(first.token)
      expect(Date.parse(second.expires_at)).toBeGreaterThan(world.t.clock.now().getTime())
    })

  if (renew === undefined)
    test("stays as it is however old it gets, also when a refresh is asked for", async () => {
      const id = await connect(mode, row)
      const first = (await world.get(keyOf(mode), id)).body.credentials
      world.t.clock.advance(400 * 24 * 3_600_000)
      expect((await world.get(keyOf(mode), id, "&force_refresh=true")).body.credentials).toEqual(first)
    })

  test.each(row.malformed ?? [])("refuses %j before anybody is asked", async (input, code) => {
    world.fake.clear()
    const error = await errorOf(world.type(keyOf(mode), input, row.config))
    expect([error.code, error.status]).toEqual([code, 400])
    expect(world.fake.requests).toEqual([])
  })

  if (row.refused !== undefined)
    test("shows why the provider refuses, and stores nothing", async () => {
      const [input, code, words] = row.refused as [Record<string, unknown>, string, string]
      const error = await errorOf(world.type(keyOf(mode), input, row.config, "refused"))
      expect([error.code, error.status]).toEqual([code, 400])
      expect(error.message).toContain(words)
      const text = error.message + JSON.stringify(error.details.payload ?? {})
      for (const value of Object.values(input).filter((one) => String(one).startsWith("wrong")))
        expect(text).not.toContain(value as string)
      expect((await world.get(keyOf(mode), "refused")).status).toBe(404)
    })

  if (typed === undefined)
    test("cannot be typed", async () => {
      expect((await errorOf(world.type(keyOf(mode), {}))).code).toBe("invalid_auth_mode")
    })
  if (browser === undefined)
    test("has no browser part", async () => {
      expect((await errorOf(world.authorize(keyOf(mode)))).code).toBe("invalid_auth_mode")
    })
})

test("no secret of all this is in a log, and none stands in clear in the data directory", async () => {
  await world.t.app.logs.flush()
  const secrets = [
    client.client_secret,
    "fake-password",
    "fake-api-key",
    "wrong-password",
    "wrong-api-key",
    "wrong-secret",
    "token-secret-1234",
    "fake-aws-secret-key",
    rsa.privateKey.split("\n")[3] as string,
    "fake_access_",
    "fake_refresh_",
    "fake_code_",
  ]
  const logs = new Database(join(world.t.dataDir, "logs.db"), { readonly: true })
  const rowsOf = (name: string) => JSON.stringify(logs.query(`SELECT * FROM ${name}`).all())
  const told = rowsOf("operations") + rowsOf("messages") + JSON.stringify(world.t.logged)
  logs.close()
  expect(told).toContain("refresh_token")
  for (const secret of secrets) expect(told).not.toContain(secret)
  for (const file of readdirSync(world.t.dataDir, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    const bytes = readFileSync(join(file.parentPath, file.name)).toString("latin1")
    for (const secret of secrets) expect([file.name, bytes.includes(secret)]).toEqual([file.name, false])
  }
})
