import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { createKey } from "../../src/environments/keys.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { writeProviders } from "../integrations/providers.ts"

let t: TestApp
let made = 0
const newId = () => `c${++made}`
const apiKey = { type: "API_KEY", apiKey: "hunter22-api-key" }

beforeAll(async () => {
  t = await testApp({ config: { providers: writeProviders() } })
  const client = { type: "OAUTH2", client_id: "id", client_secret: "hunter22-client" }
  for (const body of [
    { provider: "private-api-bearer", unique_key: "api" },
    { provider: "private-api-bearer", unique_key: "other" },
    { provider: "private-basic", unique_key: "basic" },
    { provider: "unauthenticated", unique_key: "none" },
    { provider: "plain-oauth", unique_key: "oauth", credentials: client },
  ])
    expect((await t.request("POST", "/integrations", { body })).status).toBe(200)
})
afterAll(() => t.close())
beforeEach(() => t.clock.advance(60_000))

const put = (body: Record<string, unknown>) =>
  t.request("POST", "/connections", { body: { provider_config_key: "api", credentials: apiKey, ...body } })
const get = (id: string, key = "api", more = "") =>
  t.request("GET", `/connections/${encodeURIComponent(id)}?provider_config_key=${key}${more}`)
const patch = (id: string, body: unknown, key = "api") =>
  t.request("PATCH", `/connections/${id}?provider_config_key=${key}`, { body })
const list = async (query = ""): Promise<any[]> => (await t.request("GET", `/connections?${query}`)).body.connections
const idsOf = async (query: string) => (await list(query)).map((one) => String(one.connection_id))
const keyWith = async (...scopes: string[]) =>
  (await createKey(t.app, { environment: t.ctx.environment, displayName: "x", scopes })).secretKey

describe("importing", () => {
  test("answers 201 with the whole connection, secrets included, and times that end in Z", async () => {
    const connection_id = newId()
    const { status, body } = await put({
      connection_id,
      metadata: { plan: { name: "gold" } },
      connection_config: { baseUrl: "https://x.test" },
      webhook_url_override: "https://hooks.test/a",
    })
    const now = t.clock.now().toISOString()
    expect([status, body]).toEqual([
      201,
      {
        id: expect.any(Number),
        connection_id,
        provider_config_key: "api",
        provider: "private-api-bearer",
        errors: [],
        end_user: null,
        tags: {},
        metadata: { plan: { name: "gold" } },
        connection_config: { baseUrl: "https://x.test" },
        webhook_url_override: "https://hooks.test/a",
        created_at: now,
        updated_at: now,
        last_fetched_at: null,
        credentials: apiKey,
      },
    ])
  })

  test("makes an id where none is given", async () => {
    const { body } = await put({})
    expect(body.connection_id).toMatch(/^[0-9a-f-]{36}$/)
    expect((await get(body.connection_id)).status).toBe(200)
  })

  const oauth = { type: "OAUTH2", access_token: "hunter22-access", refresh_token: "hunter22-refresh" }
  test.each([
    ["basic", { type: "BASIC", username: "", password: "" }, { type: "BASIC", username: "", password: "" }],
    ["none", { type: "NONE" }, {}],
    ["oauth", oauth, { ...oauth, raw: oauth }],
    [
      "oauth",
      { ...oauth, expires_at: "2026-05-01T00:00:00+02:00" },
      { ...oauth, expires_at: "2026-04-30T22:00:00.000Z", raw: { ...oauth, expires_at: "2026-04-30T22:00:00.000Z" } },
    ],
    [
      "oauth",
      { ...oauth, expires_at: 1_777_777_777_000, config_override: { client_id: "mine" } },
      {
        ...oauth,
        expires_at: "2026-05-03T03:09:37.000Z",
        config_override: { client_id: "mine" },
        raw: { ...oauth, expires_at: "2026-05-03T03:09:37.000Z", config_override: { client_id: "mine" } },
      },
    ],
  ])("on %s takes %j", async (provider_config_key, credentials, stored) => {
    const connection_id = newId()
    const answer = await put({ provider_config_key, connection_id, credentials })
    expect([answer.status, answer.body.credentials]).toEqual([201, stored as never])
    expect((await get(connection_id, provider_config_key, "&refresh_token=true")).body.credentials).toEqual(
      stored as never,
    )
  })

  test("checks integration, then kind of credentials", async () => {
    const nowhere = await put({ provider_config_key: "nowhere", credentials: { type: "NONE" } })
    expect([nowhere.status, nowhere.body.error]).toEqual([
      404,
      { code: "not_found", message: "Integration does not exist" },
    ])
    const wrong = await put({ credentials: { type: "NONE" } })
    expect([wrong.status, wrong.body.error]).toEqual([
      400,
      { code: "invalid_body", message: "Provider API_KEY does not support NONE auth" },
    ])
  })

  test.each([
    ["an unknown member", { nope: 1 }],
    ["credentials with more than they hold", { credentials: { ...apiKey, nope: 1 } }],
    ["an empty key", { credentials: { type: "API_KEY", apiKey: "" } }],
    ["a key that is too long", { credentials: { type: "API_KEY", apiKey: "x".repeat(1025) } }],
    ["credentials of no known type", { credentials: { type: "NOPE" } }],
    ["an id with characters that no path could bring back", { connection_id: "a<b>" }],
    ["an id that is too long", { connection_id: "x".repeat(256) }],
    ["metadata that is a list", { metadata: [1] }],
    ["a webhook address that is none", { webhook_url_override: "ftp://x" }],
    ["a webhook address that nothing is sent to", { webhook_url_override: "http://127.0.0.1:9/" }],
    ["an end user without id", { end_user: {} }],
    ["eleven tags", { tags: Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`k${n}`, "v"])) }],
    [
      "a date that is none",
      { provider_config_key: "oauth", credentials: { type: "OAUTH2", access_token: "x", expires_at: "soon" } },
    ],
  ])("with %s is refused, and nothing is stored", async (_, more) => {
    const before = await list()
    const connection_id = newId()
    const answer = await put({ connection_id, ...more })
    expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_body"])
    expect(answer.text).not.toContain("hunter22")
    expect(await list()).toEqual(before)
  })

  test("again overwrites credentials and configuration", async () => {
    const connection_id = newId()
    const first = await put({ connection_id, connection_config: { baseUrl: "u" } })
    t.clock.advance(5_000)
    const second = await put({ connection_id, credentials: { type: "API_KEY", apiKey: "another-key" } })
    expect(second.body).toMatchObject({
      id: first.body.id,
      connection_config: {},
      created_at: first.body.created_at,
      updated_at: t.clock.now().toISOString(),
    })
    expect((await get(connection_id)).body.credentials.apiKey).toBe("another-key")
  })

  test("again keeps metadata, tags, end user and webhook address that are not given anew", async () => {
    const connection_id = newId()
    const own = {
      metadata: { plan: "gold" },
      tags: { team: "a" },
      end_user: { id: "u1", email: "u1@x.test" },
      webhook_url_override: "https://hooks.test/a",
    }
    await put({ connection_id, ...own })
    const { body: before } = await get(connection_id)
    expect((await put({ connection_id, connection_config: { a: "b" } })).status).toBe(201)
    const { body: after } = await get(connection_id)
    const { updated_at, last_fetched_at } = after
    expect(after).toEqual({ ...before, connection_config: { a: "b" }, updated_at, last_fetched_at })
    expect(before.metadata).toEqual({ plan: "gold" })
    expect(await idsOf("tags[team]=a&endUserId=u1")).toEqual([connection_id])
  })

  test.each([
    [{ metadata: {} }, { metadata: {} }],
    [{ tags: {} }, { tags: { end_user_id: "u1" } }],
    [{ end_user: { id: "u2" } }, { tags: { team: "a", end_user_id: "u2" } }],
    [{ webhook_url_override: "" }, { webhook_url_override: null }],
  ])("again with %j replaces just that", async (change, after) => {
    const connection_id = newId()
    const own = { tags: { team: "a" }, end_user: { id: "u1" }, webhook_url_override: "https://hooks.test/a" }
    await put({ connection_id, metadata: { plan: "gold" }, ...own })
    const { metadata, tags, webhook_url_override } = (await get(connection_id)).body
    const { body } = await put({ connection_id, ...change })
    expect({
      metadata: body.metadata,
      tags: body.tags,
      webhook_url_override: body.webhook_url_override,
    }).toEqual({ metadata, tags, webhook_url_override, ...after } as never)
  })

  test("the same id may stand under several integrations, and in several environments", async () => {
    const connection_id = newId()
    await put({ connection_id, metadata: { at: "api" } })
    await put({ connection_id, provider_config_key: "other", metadata: { at: "other" } })
    expect((await get(connection_id)).body.metadata).toEqual({ at: "api" })
    expect((await get(connection_id, "other")).body.metadata).toEqual({ at: "other" })
    expect(await idsOf(`connectionId=${connection_id}`)).toHaveLength(2)
    const theirs = await t.request("GET", `/connections/${connection_id}?provider_config_key=api`, { key: t.prodKey })
    expect(theirs.body.error.code).toBe("unknown_provider_config")
  })

  test("many at the same time under one id make one connection", async () => {
    const connection_id = newId()
    const answers = await Promise.all([1, 2, 3, 4].map((n) => put({ connection_id, metadata: { n } })))
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1)
    expect(await idsOf(`connectionId=${connection_id}`)).toHaveLength(1)
  })
})

describe("reading", () => {
  test("has times with an offset, and notes when it was read", async () => {
    const connection_id = newId()
    await put({ connection_id })
    const created = t.clock.now().toISOString().replace("Z", "+00:00")
    t.clock.advance(1_000)
    const { body } = await get(connection_id)
    expect(body).toMatchObject({ created_at: created, updated_at: created, metadata: {}, credentials: apiKey })
    expect(body.last_fetched_at).toBe(t.clock.now().toISOString().replace("Z", "+00:00"))
    await t.app.touches.flush()
    const key = await keyWith("environment:connections:read")
    const later = await t.request("GET", `/connections/${connection_id}?provider_config_key=api`, { key })
    expect(later.body.last_fetched_at).toBe(body.last_fetched_at)
  })

  test("leaves refresh tokens out unless they are asked for, wherever they hide", async () => {
    const connection_id = newId()
    const credentials = { type: "OAUTH2", access_token: "a-token", refresh_token: "hunter22-refresh" }
    const connection_config = { refreshToken: "hunter22-config", deep: [{ REFRESH_TOKEN: "hunter22-deep", kept: 1 }] }
    await put({ provider_config_key: "oauth", connection_id, credentials, connection_config })
    const plain = await get(connection_id, "oauth")
    expect(plain.text).not.toContain("hunter22")
    expect(plain.body.connection_config).toEqual({ deep: [{ kept: 1 }] })
    const whole = await get(connection_id, "oauth", "&refresh_token=true")
    expect(whole.body.credentials.refresh_token).toBe("hunter22-refresh")
    expect(whole.body.connection_config).toEqual(connection_config)
  })

  test("shows no credentials to a key that may not see them, and refuses its options", async () => {
    const connection_id = newId()
    await put({ connection_id })
    const key = await keyWith("environment:connections:read")
    const path = `/connections/${connection_id}?provider_config_key=api`
    const answer = await t.request("GET", path, { key })
    expect([answer.status, answer.body.credentials]).toEqual([200, {}])
    for (const option of ["refresh_token", "force_refresh", "refresh_github_app_jwt_token"]) {
      expect((await t.request("GET", `${path}&${option}=false`, { key })).status).toBe(200)
      const refused = await t.request("GET", `${path}&${option}=true`, { key })
      expect([refused.status, refused.body.error.code]).toEqual([403, "forbidden"])
    }
  })

  test("what is not there says which of both is missing", async () => {
    const integration = await get("c1", "nowhere")
    expect([integration.status, integration.body.error]).toEqual([
      400,
      { code: "unknown_provider_config", message: "Provider does not exists" },
    ])
    const connection = await get("nowhere")
    expect([connection.status, connection.body.error]).toEqual([
      404,
      { code: "not_found", message: "Failed to find connection" },
    ])
  })
})

describe("listing", () => {
  test("never shows credentials, not even to a key that may see them", async () => {
    const connection_id = newId()
    await put({ connection_id, metadata: { a: 1 }, tags: { Team: "Red" }, end_user: { id: "u", email: "u@x.test" } })
    const { text, body } = await t.request("GET", `/connections?connectionId=${connection_id}`)
    for (const secret of ["hunter22", "credentials", "connection_config"]) expect(text).not.toContain(secret)
    expect(body.connections).toEqual([
      {
        id: expect.any(Number),
        connection_id,
        provider_config_key: "api",
        provider: "private-api-bearer",
        errors: [],
        end_user: { id: "u", display_name: null, email: "u@x.test", tags: null, organization: null },
        tags: { end_user_id: "u", end_user_email: "u@x.test", team: "Red" },
        metadata: { a: 1 },
        created: t.clock.now().toISOString().replace("Z", "+00:00"),
      },
    ])
  })

  test("is newest first, in pages without a gap or a double", async () => {
    const prefix = `page${newId()}-`
    for (let n = 0; n < 7; n++) {
      await put({ connection_id: `${prefix}${n}` })
      if (n % 3 === 0) t.clock.advance(1)
    }
    const pages = await Promise.all([0, 1, 2, 3].map((page) => idsOf(`search=${prefix}&limit=3&page=${page}`)))
    expect(pages.map((page) => page.length)).toEqual([3, 3, 1, 0])
    expect(pages.flat()).toEqual([6, 5, 4, 3, 2, 1, 0].map((n) => `${prefix}${n}`))
    expect(await idsOf(`search=${prefix}&page=1`)).toEqual([])
  })

  test("searches in ids, names and addresses, in any case, and takes the text as it is", async () => {
    const mark = newId()
    await put({ connection_id: `${mark}-A_B`, end_user: { id: "1", display_name: "Zoë Öst" } })
    await put({ connection_id: `${mark}-AxB`, end_user: { id: "2", email: "Person@Example.test" } })
    expect(await idsOf(`search=${mark}-a_b`)).toEqual([`${mark}-A_B`])
    expect(await idsOf(`search=${mark}-a%25b`)).toEqual([])
    expect(await idsOf("search=%25")).toEqual([])
    expect(await idsOf("search=ZO%C3%8B%20%C3%B6")).toEqual([`${mark}-A_B`])
    expect(await idsOf("search=person@EXAMPLE")).toEqual([`${mark}-AxB`])
    expect(await idsOf("search=%5C")).toEqual([])
  })

  test("filters by end user and by integration, by one or several", async () => {
    const id = newId()
    await put({ connection_id: id, end_user: { id: `user-${id}` } })
    await put({ connection_id: id, provider_config_key: "other", end_user: { id: `user-${id}` } })
    const keys = async (query: string) =>
      (await list(`endUserId=user-${id}&${query}`)).map((one) => String(one.provider_config_key)).toSorted()
    expect(await keys("")).toEqual(["api", "other"])
    expect(await keys("integrationId=api")).toEqual(["api"])
    expect(await keys("integrationId=api,%20other%20,")).toEqual(["api", "other"])
    expect(await keys("integrationId=api&integrationId=other")).toEqual(["api", "other"])
    expect(await keys("integrationId[]=other")).toEqual(["other"])
    expect(await keys("integrationId=nowhere")).toEqual([])
    expect(await list(`endUserId=user-${id.slice(0, -1)}`)).toEqual([])
    expect(await list(`endUserOrganizationId=user-${id}`)).toEqual([])
  })

  test("filters by tags, all of which must hold; keys in any case, values exactly", async () => {
    const [a, b] = [newId(), newId()]
    await put({ connection_id: a, tags: { Team: `T-${a}`, constructor: "x" } })
    await put({ connection_id: b, tags: { team: `T-${a}`, plan: "gold" } })
    expect((await idsOf(`tags[TEAM]=T-${a}`)).toSorted()).toEqual([a, b].toSorted())
    expect(await idsOf(`tags[team]=T-${a}&tags[plan]=gold`)).toEqual([b])
    expect(await idsOf(`tags[team]=T-${a}&tags[constructor]=x`)).toEqual([a])
    expect(await idsOf(`tags[team]=t-${a}`)).toEqual([])
    expect(await idsOf("tags[plan]=gold' OR '1'='1")).toEqual([])
  })

  test.each([
    "limit=0",
    "limit=2001",
    "limit=x",
    "page=-1",
    "page=1.5",
    "page=9007199254740991",
    "search=",
    "connectionId=",
    "nope=1",
    "tags=x",
    "tags[a]=1&tags[a]=2",
    "tags[a][b]=1",
    "search=a&search=b",
  ])("?%s is refused", async (query) => {
    const { status, body } = await t.request("GET", `/connections?${query}`)
    expect([status, body.error.code]).toEqual([400, "invalid_query_params"])
  })

  test("a page far beyond the end is empty", async () => {
    expect(await list("page=1000000000&limit=2000")).toEqual([])
  })
})

describe("end users and tags", () => {
  test("tags follow from the end user; explicit ones win, and the end user's own are dropped first", async () => {
    const connection_id = newId()
    const own = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`Own${n}`, "v"]))
    const { body } = await put({
      connection_id,
      end_user: { id: "u", email: "u@x.test", display_name: "U", tags: own },
      tags: { end_user_display_name: "explicit", b: "1", c: "2", d: "3", e: "4", f: "5" },
    })
    expect(body.tags).toMatchObject({
      end_user_id: "u",
      end_user_email: "u@x.test",
      end_user_display_name: "explicit",
      b: "1",
      f: "5",
    })
    expect(Object.keys(body.tags)).toHaveLength(10)
    expect(Object.keys(body.tags).filter((key) => key.startsWith("own"))).toHaveLength(2)
  })

  test("a tag may be called like a member of an object", async () => {
    const { body } = await put({
      connection_id: newId(),
      end_user: { id: "u", tags: { constructor: "a", toString: "b" } },
    })
    expect(body.tags).toEqual({ end_user_id: "u", constructor: "a", tostring: "b" })
  })

  test("a change replaces the tags, keeps the rest, and is found at once", async () => {
    const connection_id = newId()
    await put({ connection_id, tags: { old: "x" }, metadata: { a: 1 }, end_user: { id: `before-${connection_id}` } })
    const answer = await patch(connection_id, {
      end_user: { id: `after-${connection_id}`, display_name: "New Name" },
      tags: { plan: "p" },
    })
    expect([answer.status, answer.body]).toEqual([200, { success: true }])
    const { body } = await get(connection_id)
    expect(body.tags).toEqual({ end_user_id: `after-${connection_id}`, end_user_display_name: "New Name", plan: "p" })
    expect([body.metadata, body.credentials]).toEqual([{ a: 1 }, apiKey])
    expect(await idsOf(`endUserId=after-${connection_id}`)).toEqual([connection_id])
    expect(await idsOf(`endUserId=before-${connection_id}`)).toEqual([])
    expect(await idsOf("search=new%20name")).toEqual([connection_id])
  })

  test("a webhook address is set, and removed by an empty text; nothing else changes", async () => {
    const connection_id = newId()
    await put({ connection_id, tags: { a: "1" } })
    await patch(connection_id, { webhook_url_override: "https://hooks.test/x" })
    expect((await get(connection_id)).body).toMatchObject({
      webhook_url_override: "https://hooks.test/x",
      tags: { a: "1" },
    })
    await patch(connection_id, { webhook_url_override: "" })
    expect((await get(connection_id)).body.webhook_url_override).toBeNull()
    expect((await patch(connection_id, {})).status).toBe(200)
  })

  test("of what is not there, or in a wrong form, are refused", async () => {
    const connection_id = newId()
    await put({ connection_id })
    expect((await patch(connection_id, {}, "nowhere")).body.error.code).toBe("unknown_provider_config")
    expect((await patch("nowhere", {})).body.error.code).toBe("not_found")
    for (const body of [
      { nope: 1 },
      { tags: { a: "" } },
      { webhook_url_override: "x" },
      { webhook_url_override: "http://localhost:3000/" },
      { end_user: { id: "u", nope: 1 } },
    ])
      expect((await patch(connection_id, body)).body.error.code).toBe("invalid_body")
  })
})

describe("deleting", () => {
  test("hides the connection, wipes its secrets and frees its name", async () => {
    const connection_id = newId()
    const { body: before } = await put({ connection_id, tags: { gone: connection_id } })
    const remove = () => t.request("DELETE", `/connections/${connection_id}?provider_config_key=api`)
    expect((await remove()).body).toEqual({ success: true })
    const again = await remove()
    expect([again.status, again.body]).toEqual([400, { error: { code: "unknown_connection" } }])
    expect((await get(connection_id)).status).toBe(404)
    expect(await list(`connectionId=${connection_id}`)).toEqual([])
    expect(await list(`tags[gone]=${connection_id}`)).toEqual([])
    const rows = await t.app.store.select("SELECT credentials, connection_config FROM connections WHERE id = ?", [
      before.id,
    ])
    expect(rows).toEqual([{ credentials: null, connection_config: null }])
    const { body: after } = await put({ connection_id })
    expect(after.id).not.toBe(before.id)
  })

  test("by the older path does the same", async () => {
    const connection_id = newId()
    await put({ connection_id })
    const path = `/connection/${connection_id}?provider_config_key=api`
    expect((await t.request("GET", path)).body.connection_id).toBe(connection_id)
    expect((await t.request("DELETE", path)).body).toEqual({ success: true })
  })
})

describe("at rest", () => {
  test("no secret stands in clear in any file of the data directory", async () => {
    await using own = await testApp({ config: { providers: writeProviders() } })
    const secrets = ["hunter22-client", "hunter22-custom", "hunter22-access", "hunter22-refresh", "hunter22-config"]
    const [client_secret, custom, access_token, refresh_token, config] = secrets
    const credentials = { type: "OAUTH2", client_id: "id", client_secret }
    const made = await own.request("POST", "/integrations", {
      body: { provider: "plain-oauth", unique_key: "o", credentials, custom: { value: custom } },
    })
    const connection = await own.request("POST", "/connections", {
      body: {
        provider_config_key: "o",
        connection_id: "findable-connection",
        credentials: { type: "OAUTH2", access_token, refresh_token },
        connection_config: { value: config },
      },
    })
    expect([made.status, connection.status]).toEqual([200, 201])
    await own.app.logs.flush()
    const bytes = ["sluice.db", "sluice.db-wal", "logs.db", "logs.db-wal"]
      .map((file) => readFileSync(join(own.dataDir, file)).toString("latin1"))
      .join("")
    expect(bytes).toContain("findable-connection")
    for (const secret of [...secrets, own.key, own.prodKey, ...own.newKeys.map((key) => key.secretKey)])
      expect(bytes).not.toContain(secret ?? "")
  })

  test("a ciphertext that was moved to another connection does not open there", async () => {
    const [mine, theirs] = [newId(), newId()]
    await put({ connection_id: mine })
    await put({ connection_id: theirs, credentials: { type: "API_KEY", apiKey: "the-other-key" } })
    await t.app.store.tx(async (tx) => {
      await tx.db.run(
        `UPDATE connections SET credentials = (SELECT credentials FROM connections WHERE connection_id = '${theirs}') WHERE connection_id = '${mine}'`,
      )
    })
    const answer = await get(mine)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.text).not.toContain("the-other-key")
  })
})
