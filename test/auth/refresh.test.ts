import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { eq } from "drizzle-orm"
import { findConnection } from "../../src/connections/connections.ts"
import { freshCredentials } from "../../src/connections/fresh.ts"
import { connections } from "../../src/connections/model.ts"
import type { FaultRule } from "../../src/fake-provider/model.ts"
import { webhookDeliveries } from "../../src/webhooks/model.ts"
import { reasonOf } from "../helpers/reason.ts"
import { client, startWorld, type World } from "./stage.ts"

const hour = 3_600_000
const key = "oauth"
let world: World
beforeAll(async () => {
  world = await startWorld({
    [key]:
      "auth_mode: OAUTH2\nauthorization_url: FAKE/oauth/authorize\ntoken_url: FAKE/oauth/token\nproxy:\n  base_url: FAKE\n",
    hasty:
      "auth_mode: OAUTH2\nauthorization_url: FAKE/oauth/authorize\ntoken_url: FAKE/oauth/token\ntoken_expiration_buffer: 60\n",
    forced:
      "auth_mode: OAUTH2\nauthorization_url: FAKE/oauth/authorize\ntoken_url: FAKE/oauth/token\nrefresh_exchange:\n  only_when_forced: true\n",
    keyed:
      "auth_mode: API_KEY\ncredentials:\n  apiKey: {type: string, title: Key, description: x}\nproxy:\n  base_url: FAKE\n  headers:\n    x-api-key: ${apiKey}\n",
  })
  for (const name of [key, "hasty", "forced"])
    await world.integrate(name, { credentials: { type: "OAUTH2", ...client } })
  await world.integrate("keyed")
  const hooks = await world.t.request("PATCH", "/sluice/webhooks/settings", {
    body: { primary_url: "https://hooks.test/a" },
  })
  expect(hooks.status).toBe(200)
})
afterAll(() => world[Symbol.asyncDispose]())
afterEach(() => world.fake.control({ faults: [] }))

const answer = (rule: Partial<FaultRule>) =>
  world.fake.control({ faults: [{ match: { path: "/oauth/token" }, ...rule }] })
const rowOf = async (id: string) => {
  const found = await findConnection(world.t.ctx, { connectionId: id, providerConfigKey: key })
  if (!found) throw new Error("gone")
  return found
}
const tokenOf = async (id: string, more = "&refresh_token=true") => (await world.get(key, id, more)).body.credentials
/** A connection whose token has ended. */
async function expired(): Promise<string> {
  const id = await world.authorize(key)
  world.t.clock.advance(2 * hour)
  return id
}

describe("when", () => {
  test("a token is left alone until a quarter of an hour before its end", async () => {
    const id = await world.authorize(key)
    const first = await tokenOf(id)
    world.t.clock.advance(45 * 60_000 - 1000)
    expect((await tokenOf(id)).access_token).toBe(first.access_token)
    world.t.clock.advance(2000)
    expect((await tokenOf(id)).access_token).not.toBe(first.access_token)
  })

  test("the entry may name another margin", async () => {
    const id = await world.authorize("hasty")
    const read = async () => (await world.get("hasty", id)).body.credentials.access_token
    const first = await read()
    world.t.clock.advance(59 * 60_000 - 2000)
    expect(await read()).toBe(first)
    world.t.clock.advance(4000)
    expect(await read()).not.toBe(first)
  })

  test("some providers are only refreshed on demand", async () => {
    const id = await world.authorize("forced")
    const first = (await world.get("forced", id)).body.credentials.access_token
    world.t.clock.advance(2 * hour)
    expect((await world.get("forced", id)).body.credentials.access_token).toBe(first)
    expect((await world.get("forced", id, "&force_refresh=true")).body.credentials.access_token).not.toBe(first)
  })

  test.each([
    ["no refresh token", { expires_at: "2020-01-01T00:00:00Z" }],
    ["no end", { refresh_token: "a-refresh-token" }],
  ])("imported with %s it is never refreshed", async (_, more) => {
    const connection_id = `imported-${JSON.stringify(more).length}`
    const credentials = { type: "OAUTH2", access_token: "an-access-token", ...more }
    await world.t.request("POST", "/connections", { body: { provider_config_key: key, connection_id, credentials } })
    world.fake.clear()
    const { status, body } = await world.get(key, connection_id)
    expect([status, body.credentials.access_token]).toEqual([200, "an-access-token"])
    expect(world.fake.requests).toEqual([])
  })

  test("without the scope for credentials nothing is refreshed", async () => {
    const id = await expired()
    world.fake.clear()
    const { createKey } = await import("../../src/environments/keys.ts")
    const { ctx } = world.t
    const few = await createKey(ctx, {
      environment: ctx.environment,
      displayName: "few",
      scopes: ["environment:connections:read"],
    })
    const seen = await world.t.request("GET", `/connections/${id}?provider_config_key=${key}`, { key: few.secretKey })
    expect([seen.status, seen.body.credentials, world.fake.requests.length]).toEqual([200, {}, 0])
  })
})

describe("what the answer may be", () => {
  const good = { access_token: "new-access-token", expires_in: 3600, token_type: "bearer" }
  const form = { "content-type": "application/x-www-form-urlencoded" }

  test.each<[string, Partial<FaultRule>]>([
    ["JSON", { status: 200, body: good }],
    [
      "JSON that calls itself text",
      { status: 200, body: JSON.stringify(good), headers: { "content-type": "text/plain" } },
    ],
    ["a form", { status: 200, body: "access_token=new-access-token&expires_in=3600", headers: form }],
    ["numbers written as text", { status: 200, body: { ...good, expires_in: "3600" } }],
    ["an end in seconds", { status: 200, body: { access_token: "new-access-token", expires_at: 4_102_444_800 } }],
    [
      "an end as numeric text in milliseconds",
      { status: 200, body: { access_token: "new-access-token", expires_at: "4102444800000" } },
    ],
    [
      "an end as a date",
      { status: 200, body: { access_token: "new-access-token", expires_at: "2100-01-01T00:00:00Z" } },
    ],
    ["created", { status: 201, body: good }],
  ])("%s", async (_, rule) => {
    const id = await expired()
    const before = await tokenBefore(id)
    answer({ ...rule, times: 1 })
    const after = await tokenOf(id)
    expect(after).toMatchObject({ access_token: "new-access-token", refresh_token: before.refresh_token })
    expect(Date.parse(after.expires_at)).toBeGreaterThan(world.t.clock.now().getTime())
    const raw =
      typeof rule.body === "string" && rule.headers === form
        ? { access_token: "new-access-token", expires_in: "3600" }
        : undefined
    if (raw) expect(after.raw).toEqual(raw)
  })

  test("without a life time the one that was told before counts", async () => {
    const id = await expired()
    answer({ status: 200, body: { access_token: "new-access-token" }, times: 1 })
    const { expires_at } = await tokenOf(id)
    expect(Date.parse(expires_at)).toBe(world.t.clock.now().getTime() + hour)
  })

  const big = { access_token: "new-access-token", padding: "x".repeat(10 * 1024 * 1024) }
  test.each<[string, Partial<FaultRule>, string]>([
    [
      "a web page with 200",
      { status: 200, body: "<!doctype html><p>Down</p>", headers: { "content-type": "text/html" } },
      "refresh_token_parsing_error",
    ],
    ["nothing", { status: 200, body: "" }, "refresh_token_parsing_error"],
    [
      "JSON that breaks off",
      { status: 200, body: '{"access_token": "new', headers: { "content-type": "application/json" } },
      "refresh_token_parsing_error",
    ],
    ["JSON without a token", { status: 200, body: { ok: true } }, "incomplete_raw_credentials"],
    ["a token that is no text", { status: 200, body: { access_token: { a: 1 } } }, "incomplete_raw_credentials"],
    ["an error with 200", { status: 200, body: { ok: false, error: "token_revoked" } }, "refresh_token_external_error"],
    ["a refusal", { status: 400, body: { error: "invalid_grant" } }, "refresh_token_external_error"],
    ["a failure", { status: 503, body: "busy" }, "refresh_token_external_error"],
    ["10 MB", { status: 200, body: big }, "refresh_token_external_error"],
    ["a redirect", { status: 302, headers: { location: "https://evil.example/" } }, "refresh_token_external_error"],
    ["a connection that is cut", { mode: "reset" }, "refresh_token_external_error"],
    ["half an answer", { status: 200, body: good, mode: "truncate" }, "refresh_token_external_error"],
    ["silence", { mode: "hang" }, "refresh_token_external_error"],
  ])(
    "%s is an error, and the old token stays",
    async (_, rule, code) => {
      const id = await expired()
      const before = await tokenBefore(id)
      answer({ ...rule, times: 1 })
      world.fake.clear()
      const failed = await world.get(key, id)
      expect([failed.status, failed.body.error.code]).toEqual([400, "invalid_credentials"])
      expect(await stored(id)).toEqual(before)
      const [operation] = await lastOperations(id)
      expect(operation?.error?.type).toBe(code)
      expect(world.fake.requests).toHaveLength(1)
      // The next one is fine, once the wait is over.
      world.t.clock.advance(31_000)
      expect((await world.get(key, id)).status).toBe(200)
    },
    60_000,
  )

  test("a refresh token that the answer leaves out is kept, one that it brings replaces it", async () => {
    const id = await expired()
    const before = await tokenBefore(id)
    const after = await tokenOf(id)
    expect(after.refresh_token).not.toBe(before.refresh_token)
    expect(after.refresh_token).toBe(after.raw.refresh_token)
  })
})

/** What is stored, in clear, without reading it through the door. */
async function stored(id: string) {
  const { readCredentials } = await import("../../src/connections/credentials.ts")
  return readCredentials(world.t.ctx, (await rowOf(id)).connection) as Record<string, any>
}
const tokenBefore = stored

async function lastOperations(id: string): Promise<any[]> {
  await world.t.app.logs.flush()
  const rows = await world.t.app.store.selectLogs<{ error: string | null; state: string; id: string }>(
    "SELECT id, state, error FROM operations WHERE connection = ? AND action = 'refresh_token' ORDER BY id DESC",
    [id],
  )
  return rows.map((row) => ({ ...row, error: row.error && JSON.parse(row.error) }))
}

describe("failure", () => {
  test("is shown with the connection, noted on it, told by a webhook, and backed off from", async () => {
    const id = await expired()
    answer({ status: 400, body: { error: "invalid_grant", error_description: "Token has been revoked" } })
    world.fake.clear()
    const failed = await world.get(key, id)
    const [operation] = await lastOperations(id)
    expect([failed.status, failed.body.error.code]).toEqual([400, "invalid_credentials"])
    expect(failed.body.error.message).toContain("invalid_grant: Token has been revoked")
    expect(failed.body.error.payload).toMatchObject({
      status: 400,
      provider_error: { error: "invalid_grant" },
      connection: { connection_id: id, credentials: {}, errors: [{ type: "auth", log_id: operation.id }] },
    })
    expect(operation).toMatchObject({ state: "failed", error: { type: "refresh_token_external_error" } })
    const again = await world.get(key, id)
    expect([again.status, again.body.error.code]).toEqual([424, "invalid_credentials"])
    expect(again.body.error.message).toBe("A recent refresh attempt failed. Backing off before retrying.")
    expect(world.fake.requests).toHaveLength(1)
    const deliveries = await world.t.app.db.select().from(webhookDeliveries).where(eq(webhookDeliveries.connection, id))
    const told = deliveries.map(({ body }) => JSON.parse(body)).filter(({ operation }) => operation === "refresh")
    expect(told).toEqual([
      expect.objectContaining({
        type: "auth",
        operation: "refresh",
        success: false,
        connectionId: id,
        error: { type: "refresh_token_external_error", description: failed.body.error.message },
      }),
    ])
  })

  test("once, and then fine: the error goes away", async () => {
    const id = await expired()
    answer({ status: 400, body: { error: "invalid_grant" }, times: 1 })
    expect((await world.get(key, id)).status).toBe(400)
    world.t.clock.advance(29_000)
    expect((await world.get(key, id)).status).toBe(424)
    world.t.clock.advance(2_000)
    const { status, body } = await world.get(key, id)
    expect([status, body.errors]).toEqual([200, []])
    expect((await rowOf(id)).connection).toMatchObject({
      refresh_attempts: null,
      last_refresh_failure_at: null,
      refresh_lease: null,
    })
  })

  test("a forced refresh does not wait", async () => {
    const id = await expired()
    answer({ status: 400, body: { error: "invalid_grant" }, times: 1 })
    expect((await world.get(key, id)).status).toBe(400)
    expect((await world.get(key, id, "&force_refresh=true")).status).toBe(200)
    expect((await world.get(key, id)).status).toBe(200)
  })

  test("on four days exhausts it; only force or a new connection help", async () => {
    world.t.clock.set("2027-01-01T10:00:00Z")
    const id = await expired()
    answer({ status: 400, body: { error: "invalid_grant" } })
    const failures = [
      ["2027-01-02T08:00:00Z", 1],
      ["2027-01-02T23:59:00Z", 1],
      ["2027-01-03T00:01:00Z", 2],
      ["2027-01-05T12:00:00Z", 3],
    ] as const
    for (const [at, attempts] of failures) {
      world.t.clock.set(at)
      expect((await world.get(key, id)).status).toBe(400)
      expect((await rowOf(id)).connection).toMatchObject({ refresh_attempts: attempts, refresh_exhausted: false })
    }
    world.t.clock.set("2027-01-06T10:00:00Z")
    expect((await world.get(key, id)).status).toBe(400)
    world.t.clock.advance(hour)
    world.fake.clear()
    const exhausted = await world.get(key, id)
    expect([exhausted.status, exhausted.body.error.message]).toEqual([
      424,
      "The refresh limit has been reached for this connection.",
    ])
    expect(world.fake.requests).toEqual([])
    answer({ status: 200, body: { access_token: "t-1234", expires_in: 3600 } })
    expect((await world.get(key, id, "&force_refresh=true")).status).toBe(200)
    expect((await world.get(key, id)).status).toBe(200)
    expect((await rowOf(id)).connection).toMatchObject({ refresh_exhausted: false, refresh_attempts: null })
  })

  test("connecting again clears everything", async () => {
    const id = await expired()
    answer({ status: 400, body: { error: "invalid_grant" }, times: 1 })
    expect((await world.get(key, id)).status).toBe(400)
    await world.authorize(key, {}, id)
    const { status, body } = await world.get(key, id)
    expect([status, body.errors]).toEqual([200, []])
  })

  test("reaches a proxied request as it is", async () => {
    const id = await expired()
    answer({ status: 400, body: { error: "invalid_grant" } })
    const failed = await world.whoami(key, id)
    expect([failed.status, failed.body.error]).toMatchObject([
      400,
      { message: expect.stringContaining("invalid_grant") },
    ])
    const again = await world.whoami(key, id)
    expect(again.status).toBe(424)
  })

  test("names no secret that the provider sends back", async () => {
    const id = await expired()
    const { refresh_token } = await tokenBefore(id)
    answer({
      status: 400,
      body: { error: "invalid_grant", hint: `${refresh_token} / ${client.client_secret}`, refresh_token },
    })
    const { text } = await world.get(key, id)
    expect(text).toContain("invalid_grant")
    for (const secret of [refresh_token, client.client_secret]) expect(text).not.toContain(secret)
  })
})

describe("many at once", () => {
  test("200 calls on an expired token make one refresh", async () => {
    const id = await expired()
    const before = await world.tokenRequests()
    const calls = Array.from({ length: 200 }, (_, n) => (n % 2 ? world.get(key, id) : world.whoami(key, id)))
    const answers = await Promise.all(calls)
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect((await world.tokenRequests()) - before).toBe(1)
    const tokens = answers.filter(({ body }) => body.credentials).map(({ body }) => body.credentials.access_token)
    expect(new Set(tokens).size).toBe(1)
  }, 60_000)

  test("200 calls on one that cannot be refreshed make one attempt", async () => {
    const id = await expired()
    answer({ status: 400, body: { error: "invalid_grant" } })
    const before = world.fake.requests.filter(({ path }) => path === "/oauth/token").length
    const answers = await Promise.all(Array.from({ length: 200 }, () => world.get(key, id)))
    expect(answers.every(({ status }) => status === 400 || status === 424)).toBe(true)
    expect(world.fake.requests.filter(({ path }) => path === "/oauth/token").length - before).toBe(1)
  }, 60_000)

  test("two daemons on one store share a refresh by its lease", async () => {
    const id = await expired()
    const before = await world.tokenRequests()
    const found = await rowOf(id)
    const daemons = Array.from({ length: 5 }, () => ({ ...world.t.ctx, refreshes: new Map() }))
    answer({ delayMs: 200 })
    const all = await Promise.all(daemons.map((ctx) => freshCredentials(ctx, found)))
    expect(new Set(all.map(({ credentials }) => (credentials as { access_token: string }).access_token)).size).toBe(1)
    expect((await world.tokenRequests()) - before).toBe(1)
  })

  test("who connects again during a refresh wins", async () => {
    const id = await expired()
    const found = await rowOf(id)
    world.fake.clear()
    answer({ delayMs: 300, times: 1, status: 200, body: { access_token: "too-late-token", expires_in: 3600 } })
    const slow = freshCredentials(world.t.ctx, found)
    await world.fake.waitForRequest(({ path }) => path === "/oauth/token")
    const credentials = { type: "OAUTH2", access_token: "imported-token" }
    await world.t.request("POST", "/connections", {
      body: { provider_config_key: key, connection_id: id, credentials },
    })
    expect((await slow).credentials).toMatchObject({ access_token: "imported-token" })
    expect((await stored(id)).access_token).toBe("imported-token")
  })

  test("a connection that is deleted during a refresh stays deleted", async () => {
    const id = await expired()
    const found = await rowOf(id)
    world.fake.clear()
    answer({ delayMs: 300, times: 1, status: 200, body: { access_token: "too-late-token", expires_in: 3600 } })
    const slow = reasonOf(freshCredentials(world.t.ctx, found))
    await world.fake.waitForRequest(({ path }) => path === "/oauth/token")
    expect((await world.t.request("DELETE", `/connections/${id}?provider_config_key=${key}`)).status).toBe(200)
    expect(await slow).toMatchObject({ code: "not_found" })
    const [row] = await world.t.app.db.select().from(connections).where(eq(connections.id, found.connection.id))
    expect(row?.credentials).toBeNull()
  })
})
