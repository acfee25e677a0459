import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { eq } from "drizzle-orm"
import { lookAfterCredentials } from "../../src/connections/look-after.ts"
import { connections } from "../../src/connections/model.ts"
import { findSchedule } from "../../src/queue/schedule.ts"
import { inTransaction } from "../../src/app/context.ts"
import { testApp } from "../helpers/app.ts"
import { until } from "../helpers/sluice.ts"
import { client, startWorld, type World } from "./stage.ts"

const day = 24 * 3_600_000
const proxy = "proxy:\n  base_url: FAKE\n"
const oauth = `auth_mode: OAUTH2\nauthorization_url: FAKE/oauth/authorize\ntoken_url: FAKE/oauth/token\n`
const keyed = (verification: string) =>
  `auth_mode: API_KEY\ncredentials:\n  apiKey: {type: string, title: Key, description: x}\n${proxy}  headers:\n    x-api-key: \${apiKey}\n  verification:\n${verification}`

const providers = {
  oauth: `${oauth}${proxy}`,
  keyed: keyed("    endpoints: [/whoami]\n"),
  second: keyed("    endpoints: [/status/401, /whoami]\n"),
  body: keyed(
    '    method: POST\n    endpoints: [/echo]\n    data: {key: "${credentials.apiKey}"}\n    headers: {x-more: "${now:YYYY}"}\n    fail_if:\n      - {path: body, matches: wrong}\n',
  ),
  form: keyed(
    '    method: POST\n    body_format: form\n    endpoints: [/echo]\n    data: {key: "${credentials.apiKey}"}\n    fail_if:\n      - {path: nothing, missing: true, matches: "^$"}\n',
  ),
  statuses: keyed("    endpoints: [/status/400]\n    ok_status: [400]\n"),
  elsewhere: keyed("    endpoints: [/whoami]\n    base_url_override: FAKE/nowhere\n"),
  revoked: `${oauth}${proxy}revocation:\n  endpoint: /oauth/revoke\n  data: {token: "\${credentials.refresh_token}", client_id: "\${clientId}", client_secret: "\${clientSecret}"}\n  body_format: form\n  unless_metadata: keepAccess\n`,
  shared: `${oauth}${proxy}revocation:\n  endpoint: /oauth/revoke\n  data: {token: "\${credentials.refresh_token}"}\n  body_format: form\n  ends_all: true\n`,
  unrevoked: `${oauth}${proxy}revocation:\n  method: DELETE\n  endpoint: /status/500?t=\${credentials.refresh_token}\n`,
}

let world: World
beforeAll(async () => {
  world = await startWorld(providers)
  for (const name of Object.keys(providers)) {
    const isOAuth = ["oauth", "revoked", "shared", "unrevoked"].includes(name)
    await world.integrate(name, isOAuth ? { credentials: { type: "OAUTH2", ...client } } : {})
  }
})
afterAll(() => world[Symbol.asyncDispose]())
afterEach(() => world.fake.control({ faults: [] }))

const stateOf = async (id: string) => {
  const [row] = await world.t.app.db.select().from(connections).where(eq(connections.connection_id, id))
  if (!row) throw new Error("gone")
  return row
}
const clear = () => inTransaction(world.t.app, (ctx) => ctx.db.update(connections).set({ deleted_at: 1 }))
const seen = (path: string) => world.fake.requests.filter((one) => one.path === path).length

describe("credentials that nobody reads right now", () => {
  test("in use and about to end: renewed before anybody has to wait", async () => {
    await clear()
    const id = await world.authorize("oauth")
    await world.get("oauth", id)
    await world.t.app.touches.flush()
    world.fake.clear()
    world.t.clock.advance(30 * 60_000)
    await lookAfterCredentials(world.t.app)
    expect(seen("/oauth/token")).toBe(0)
    world.t.clock.advance(6 * 60_000)
    await lookAfterCredentials(world.t.app)
    await lookAfterCredentials(world.t.app)
    expect(seen("/oauth/token")).toBe(1)
    expect((await stateOf(id)).last_fetched_at).toBeLessThan(world.t.clock.now().getTime() - 30 * 60_000)
  })

  test("not in use: once a day, so that refresh tokens stay alive", async () => {
    await clear()
    await world.authorize("oauth")
    world.fake.clear()
    for (let hour = 0; hour < 52; hour++) {
      world.t.clock.advance(3_600_000)
      await lookAfterCredentials(world.t.app)
    }
    expect(seen("/oauth/token")).toBe(2)
  })

  test("keys are tried once a day; one that is dead is marked, told, and given up after four days", async () => {
    await clear()
    const id = await world.type("keyed", { apiKey: "fake-api-key" })
    world.fake.clear()
    world.t.clock.advance(day + 1000)
    await lookAfterCredentials(world.t.app)
    expect([seen("/whoami"), (await stateOf(id)).errors]).toEqual([1, []])
    world.fake.control({ faults: [{ match: { path: "/whoami" }, status: 401 }] })
    for (let n = 1; n <= 5; n++) {
      world.t.clock.advance(day + 1000)
      await lookAfterCredentials(world.t.app)
      const row = await stateOf(id)
      expect([row.refresh_attempts, row.refresh_exhausted]).toEqual([Math.min(n, 4), n >= 4])
      expect(row.errors).toEqual([{ type: "auth", log_id: expect.any(String) }])
    }
    expect(seen("/whoami")).toBe(5)
    await world.t.app.logs.flush()
    const { errors } = await stateOf(id)
    const [operation] = await world.t.app.store.selectLogs<Record<string, unknown>>(
      "SELECT action, state FROM operations WHERE id = ?",
      [errors[0]?.log_id ?? ""],
    )
    expect(operation).toEqual({ action: "connection_test", state: "failed" })
    expect((await world.get("keyed", id)).status).toBe(424)
    world.fake.control({ faults: [] })
    await world.type("keyed", { apiKey: "fake-api-key" }, {}, id)
    expect((await world.get("keyed", id)).status).toBe(200)
  })

  test("one that works again is no longer marked", async () => {
    await clear()
    const id = await world.type("keyed", { apiKey: "fake-api-key" })
    world.fake.control({ faults: [{ match: { path: "/whoami" }, status: 401, times: 1 }] })
    for (let n = 0; n < 2; n++) {
      world.t.clock.advance(day + 1000)
      await lookAfterCredentials(world.t.app)
      expect((await stateOf(id)).errors).toHaveLength(n === 0 ? 1 : 0)
    }
    expect(await stateOf(id)).toMatchObject({ refresh_attempts: null, last_refresh_failure_at: null })
  })

  test("more than one page of them, one of which fails", async () => {
    await clear()
    const ids = await Promise.all(Array.from({ length: 120 }, () => world.type("keyed", { apiKey: "fake-api-key" })))
    world.fake.clear()
    world.fake.control({ faults: [{ match: { path: "/whoami" }, status: 401, times: 1 }] })
    world.t.clock.advance(day + 1000)
    expect(await lookAfterCredentials(world.t.app)).toBe(120)
    expect(seen("/whoami")).toBe(120)
    const failed = await Promise.all(ids.map(async (id) => (await stateOf(id)).errors.length))
    expect(failed.filter((n) => n === 1)).toHaveLength(1)
  }, 60_000)

  test("a schedule of the queue does it, and a setting stops it", async () => {
    await using app = await testApp({ config: { connectionCheckMinutes: 15 } })
    await app.start()
    expect(await findSchedule(app.app, "credentials:check")).toMatchObject({
      kind: "credentials",
      interval_ms: 900_000,
      state: "active",
    })
    await until(
      async () => (await findSchedule(app.app, "credentials:check"))?.next_at !== app.clock.now().getTime(),
      "its first run",
    )
    await using off = await testApp({ config: { connectionCheckMinutes: 0 } })
    await off.start()
    expect(await findSchedule(off.app, "credentials:check")).toBeUndefined()
  })
})

describe("what shows that credentials work", () => {
  const put = (provider_config_key: string, apiKey: string) =>
    world.t.request("POST", "/connections", { body: { provider_config_key, credentials: { type: "API_KEY", apiKey } } })

  test.each<[string, string, string]>([
    ["keyed", "fake-api-key", "wrong-api-key"],
    ["second", "fake-api-key", "wrong-api-key"],
    ["body", "right-key", "wrong-key"],
  ])("%s: an import of %s passes, of %s does not", async (key, right, wrong) => {
    expect((await put(key, right)).status).toBe(201)
    const refused = await put(key, wrong)
    expect([refused.status, refused.body.error.code]).toEqual([400, "connection_test_failed"])
    expect(refused.body.error.message).toBe(
      "The given credentials were found to be invalid. Please check them and try again.",
    )
    expect(refused.text).not.toContain(wrong)
  })
  test("body and headers are filled in", async () => {
    await put("body", "right-key")
    expect(world.fake.requests.at(-1)).toMatchObject({
      method: "POST",
      body: '{"key":"right-key"}',
      headers: { "x-more": "2026" },
    })
    await put("form", "a b")
    expect(world.fake.requests.at(-1)).toMatchObject({
      body: "key=a+b",
      headers: { "content-type": expect.stringContaining("application/x-www-form-urlencoded") },
    })
  })
  test("another status may be the good one, and another host the one to ask", async () => {
    expect((await put("statuses", "any-key")).status).toBe(201)
    expect((await put("elsewhere", "fake-api-key")).status).toBe(400)
    expect(world.fake.requests.at(-1)?.path).toBe("/nowhere/whoami")
  })
  test("a provider that is away proves nothing good", async () => {
    world.fake.control({ faults: [{ match: { path: "/whoami" }, mode: "reset" }] })
    const refused = await put("keyed", "fake-api-key")
    expect([refused.status, refused.body.error.payload]).toEqual([
      400,
      { answers: [expect.stringMatching(/^[A-Z_]+$/)] },
    ])
  })
  test("the operator may switch it off", async () => {
    await using other = await startWorld({ keyed: providers.keyed }, { app: { config: { verifyCredentials: false } } })
    await other.integrate("keyed")
    const body = { provider_config_key: "keyed", credentials: { type: "API_KEY", apiKey: "wrong-api-key" } }
    expect((await other.t.request("POST", "/connections", { body })).status).toBe(201)
    expect(other.fake.requests).toEqual([])
  })
})

describe("access that ends with the connection", () => {
  const remove = (key: string, id: string) => world.t.request("DELETE", `/connections/${id}?provider_config_key=${key}`)

  test("is ended at the provider first", async () => {
    const id = await world.authorize("revoked")
    const { refresh_token } = (await world.get("revoked", id, "&refresh_token=true")).body.credentials
    expect((await remove("revoked", id)).body).toEqual({ success: true })
    expect(Object.fromEntries(new URLSearchParams(world.fake.requests.at(-1)?.body))).toEqual({
      token: refresh_token,
      ...client,
    })
    expect(world.fake.requests.at(-1)?.path).toBe("/oauth/revoke")
  })
  test("unless the connection's metadata says no", async () => {
    const id = await world.authorize("revoked")
    const metadata = { connection_id: id, provider_config_key: "revoked", metadata: { keepAccess: true } }
    await world.t.request("POST", "/connections/metadata", { body: metadata })
    world.fake.clear()
    await remove("revoked", id)
    expect(world.fake.requests).toEqual([])
  })
  test("also when the whole integration goes", async () => {
    await world.integrate("revoked", { unique_key: "going", credentials: { type: "OAUTH2", ...client } })
    for (let n = 0; n < 3; n++) await world.authorize("going")
    world.fake.clear()
    expect((await world.t.request("DELETE", "/integrations/going")).status).toBe(200)
    expect(seen("/oauth/revoke")).toBe(3)
  })
  test("not where that would end what another connection of the same person holds", async () => {
    await clear()
    const own = { credentials: { type: "OAUTH2", ...client } }
    await world.integrate("shared", { ...own, unique_key: "mail" })
    await world.integrate("shared", { ...own, unique_key: "drive" })
    const person = async (key: string, id: string, name: string) => {
      const path = `/connections/${id}?provider_config_key=${key}`
      expect((await world.t.request("PATCH", path, { body: { end_user: { id: name } } })).status).toBe(200)
    }
    const [mail, drive, other] = [
      await world.authorize("mail"),
      await world.authorize("drive"),
      await world.authorize("drive"),
    ]
    await person("mail", mail, "ada")
    await person("drive", drive, "ada")
    await person("drive", other, "bob")
    world.fake.clear()
    await remove("mail", mail)
    expect(world.fake.requests).toEqual([])
    // Nobody else of hers is left; what Bob holds is his own.
    await remove("drive", drive)
    expect(seen("/oauth/revoke")).toBe(1)
    await world.authorize("drive")
    await remove("drive", other)
    expect(seen("/oauth/revoke")).toBe(1)
  })
  test("a provider that refuses does not keep a connection alive; the log says so without the token", async () => {
    const id = await world.authorize("unrevoked")
    const { refresh_token } = (await world.get("unrevoked", id, "&refresh_token=true")).body.credentials
    expect((await remove("unrevoked", id)).status).toBe(200)
    expect(seen("/status/500")).toBe(1)
    await world.t.app.logs.flush()
    const rows = await world.t.app.store.selectLogs(
      "SELECT o.*, m.message AS line, m.detail FROM operations o JOIN messages m ON m.operation_id = o.id WHERE o.connection = ? AND o.action = 'revocation'",
      [id],
    )
    expect(JSON.stringify(rows)).toContain("revocation_failed")
    expect(JSON.stringify(rows)).not.toContain(refresh_token)
  })
})
