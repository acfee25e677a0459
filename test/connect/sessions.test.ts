import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { connectSessions } from "../../src/connect/model.ts"
import { endUser, type Stage, startStage } from "./stage.ts"

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage[Symbol.asyncDispose]())

const open = (body: unknown, path = "/connect/sessions") => stage.t.request("POST", path, { body })
const asSession = (method: string, path: string, token: string) => stage.t.request(method, path, { key: token })

describe("a session", () => {
  test("answers a token, a link and its end, half an hour from now", async () => {
    const answer = await open({ end_user: endUser })
    expect(answer.status).toBe(201)
    const { token, connect_link, expires_at } = answer.body.data
    expect(Object.keys(answer.body.data)).toEqual(["token", "connect_link", "expires_at"])
    expect(token).toMatch(/^nango_connect_session_[0-9a-f]{64}$/)
    expect(connect_link).toBe(`http://localhost:3003/connect/?session_token=${token}`)
    expect(Date.parse(expires_at) - stage.t.clock.now().getTime()).toBe(30 * 60_000)
  })

  test("shows the browser what it needs, and not what is the owner's", async () => {
    const { token } = (
      await open({
        end_user: { ...endUser, tags: { plan: "gold" } },
        organization: { id: "o1", display_name: "Org" },
        allowed_integrations: ["oauth", "key"],
        integrations_config_defaults: {
          oauth: { user_scopes: "secret-scope", authorization_params: { a: "b" }, connection_config: { c: "d" } },
        },
        overrides: { key: { docs_connect: "https://docs.example.com" } },
        webhook_url_override: "https://hooks.example.com",
        tags: { team: "x" },
      })
    ).body.data
    const answer = await asSession("GET", "/connect/session", token)
    expect(answer.status).toBe(200)
    expect(answer.body.data).toEqual({
      endUser: {
        id: "u1",
        display_name: "Ada",
        email: "u1@example.com",
        tags: { plan: "gold" },
        organization: { id: "o1", display_name: "Org" },
      },
      connectUISettings: {
        showWatermark: true,
        defaultTheme: "system",
        theme: { light: { primary: "#00B2E3" }, dark: { primary: "#00B2E3" } },
      },
      allowed_integrations: ["oauth", "key"],
      integrations_config_defaults: { oauth: { authorization_params: { a: "b" }, connection_config: { c: "d" } } },
      overrides: { key: { docs_connect: "https://docs.example.com" } },
      websocketsPath: "/",
    })
    expect(answer.text).not.toContain("secret-scope")
    expect(answer.text).not.toContain("hooks.example.com")
  })

  test("sees the integrations that it allows, any provider, and nothing else", async () => {
    const { token } = (await open({ end_user: endUser, allowed_integrations: ["key"] })).body.data
    const keys = (await asSession("GET", "/integrations", token)).body.data.map((one: any) => one.unique_key)
    expect(keys).toEqual(["key"])
    expect((await asSession("GET", "/providers/github", token)).body.data.name).toBe("github")
    expect((await asSession("GET", "/providers", token)).status).toBe(200)
    for (const [method, path] of [
      ["GET", "/integrations/key"],
      ["GET", "/connections"],
      ["POST", "/connect/sessions"],
      ["GET", "/environment-variables"],
      ["GET", "/records?model=X"],
      ["POST", "/integrations"],
    ] as const) {
      const answer = await asSession(method, path, token)
      expect([path, answer.status, answer.body.error.code]).toEqual([path, 401, "invalid_secret_key_format"])
    }
  })

  test("with an empty list, or none, sees all integrations", async () => {
    const { token } = (await open({ tags: { a: "b" }, allowed_integrations: [] })).body.data
    const { body } = await asSession("GET", "/integrations", token)
    expect(body.data.length).toBeGreaterThan(5)
    const shown = (await asSession("GET", "/connect/session", token)).body.data
    expect(shown.endUser).toBeNull()
    expect(shown).not.toHaveProperty("allowed_integrations")
  })

  test("ends when it is closed", async () => {
    const { token } = (await open({ end_user: endUser })).body.data
    const answer = await asSession("DELETE", "/connect/session", token)
    expect([answer.status, answer.text]).toEqual([204, ""])
    const after = await asSession("GET", "/connect/session", token)
    expect([after.status, after.body.error.code]).toEqual([401, "unknown_connect_session_token"])
  })

  test("ends after half an hour", async () => {
    const { token } = (await open({ end_user: endUser })).body.data
    stage.t.clock.advance(30 * 60_000 - 1)
    expect((await asSession("GET", "/connect/session", token)).status).toBe(200)
    stage.t.clock.advance(1)
    for (const path of ["/connect/session", "/integrations", "/providers", "/providers/github"]) {
      const answer = await asSession("GET", path, token)
      expect([path, answer.status, answer.body.error.code]).toEqual([path, 401, "unknown_connect_session_token"])
    }
  })

  test("of another form is no session", async () => {
    for (const key of ["nango_connect_session_", "nango_connect_session_XYZ", stage.t.key, ""]) {
      const answer = await asSession("GET", "/connect/session", key)
      expect([answer.status, answer.body.error.code]).toEqual([401, "invalid_connect_session_token_format"])
    }
  })

  test("stands nowhere in clear in the database", async () => {
    const { token } = (await open({ end_user: { id: "hidden-user" } })).body.data
    const text = JSON.stringify(await stage.t.ctx.db.select().from(connectSessions))
    expect(text).not.toContain(token)
    expect(text).not.toContain("hidden-user")
  })

  test("of one environment finds nothing in another", async () => {
    const made = await stage.t.request("POST", "/connect/sessions", {
      body: { end_user: endUser },
      key: stage.t.prodKey,
    })
    const { token } = made.body.data
    expect((await asSession("GET", "/integrations", token)).body.data).toEqual([])
    const typed = await stage.t.request("POST", `/auth/unauthenticated/none?connect_session_token=${token}`, {
      key: null,
    })
    expect([typed.status, typed.body.error.code]).toEqual([404, "unknown_provider_config"])
  })
})

describe("a session that cannot be", () => {
  const missing = { code: "custom", message: "Integration does not exist" }

  test.each([
    [{}, [{ path: ["end_user"] }]],
    [{ end_user: {} }, [{ path: ["end_user", "id"] }]],
    [{ end_user: { id: "u", email: "not-mail" } }, [{ path: ["end_user", "email"] }]],
    [{ end_user: endUser, other: 1 }, [{ code: "unrecognized_keys" }]],
    [{ end_user: endUser, tags: { "1": "x" } }, [{ code: "invalid_key" }]],
    [
      { end_user: endUser, allowed_integrations: ["key", "nope"] },
      [{ ...missing, path: ["allowed_integrations", "1"] }],
    ],
    [
      { end_user: endUser, integrations_config_defaults: { nope: {} } },
      [{ ...missing, path: ["integrations_config_defaults", "nope"] }],
    ],
    [{ end_user: endUser, overrides: { nope: {} } }, [{ ...missing, path: ["overrides", "nope"] }]],
    [{ end_user: endUser, integrations_config_defaults: { key: { nope: 1 } } }, [{ code: "unrecognized_keys" }]],
    [{ end_user: endUser, webhook_url_override: "ftp://x" }, [{ path: ["webhook_url_override"] }]],
    [{ end_user: endUser, webhook_url_override: "http://[::1]:9/" }, [{ path: ["webhook_url_override"] }]],
    [
      {
        end_user: endUser,
        integrations_config_defaults: { key: { connection_config: { webhook_url: "https://" } } },
      },
      [{ path: ["webhook_url_override"] }],
    ],
    [
      {
        end_user: endUser,
        webhook_url_override: "https://a.example.com",
        integrations_config_defaults: { key: { connection_config: { webhook_url: "https://b.example.com" } } },
      },
      [{ path: ["webhook_url_override"] }],
    ],
  ])("%j", async (body, errors) => {
    const answer = await open(body)
    expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_body"])
    expect(answer.body.error.errors).toMatchObject(errors)
  })

  test("reconnects a connection that is not there", async () => {
    const body = { connection_id: "nope", integration_id: "key" }
    const answer = await open(body, "/connect/sessions/reconnect")
    expect([answer.status, answer.body.error]).toEqual([
      400,
      { code: "invalid_body", message: "ConnectionID or IntegrationId does not exists" },
    ])
  })

  test("needs the scope for it", async () => {
    const scopes = ["environment:connections:read"]
    const { createKey } = await import("../../src/environments/keys.ts")
    const { environment } = stage.t.ctx
    const { secretKey } = await createKey(stage.t.ctx, { environment, displayName: "narrow", scopes })
    const answer = await stage.t.request("POST", "/connect/sessions", { body: { end_user: endUser }, key: secretKey })
    expect([answer.status, answer.body.error.code]).toEqual([403, "forbidden"])
  })
})

describe("a session for reconnecting", () => {
  test("is for one integration, and shows whom the connection belongs to", async () => {
    const credentials = { type: "NONE" }
    const body = { connection_id: "mine", provider_config_key: "none", credentials, end_user: { id: "first" } }
    expect((await stage.t.request("POST", "/connections", { body })).status).toBe(201)
    const unknown = { connection_id: "mine", integration_id: "none", overrides: { nope: {} } }
    const refused = await open(unknown, "/connect/sessions/reconnect")
    expect(refused.body.error.errors).toMatchObject([{ path: ["overrides", "nope"] }])
    const asked = { connection_id: "mine", integration_id: "none", end_user: { id: "second" } }
    const { token } = (await open(asked, "/connect/sessions/reconnect")).body.data
    const { data } = (await asSession("GET", "/connect/session", token)).body
    expect(data).toMatchObject({ isReconnecting: true, allowed_integrations: ["none"], endUser: { id: "first" } })
  })
})
