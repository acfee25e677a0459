import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { endUser, type Stage, startStage } from "./stage.ts"

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage[Symbol.asyncDispose]())

/** What the official front end sends. */
async function send(path: string, body?: unknown, query = "", token?: string) {
  const session = token ?? (await stage.session())
  return stage.t.request("POST", `${path}?connect_session_token=${session}${query}`, { body, key: null })
}
const connection = async (key: string, id: string) => (await stage.get(key, id)).body

describe("typed credentials", () => {
  test("make a connection of the session's end user", async () => {
    const answer = await send("/api-auth/basic/basic", { username: "u", password: "p" }, "&params[region]=eu")
    expect([answer.status, Object.keys(answer.body)]).toEqual([200, ["connectionId", "providerConfigKey"]])
    const { connectionId } = answer.body
    expect(await connection("basic", connectionId)).toMatchObject({
      credentials: { type: "BASIC", username: "u", password: "p" },
      connection_config: { region: "eu" },
      end_user: { id: "u1" },
      tags: { end_user_email: endUser.email },
    })
  })

  test("none are needed where the provider wants none, and no body either", async () => {
    const token = await stage.session()
    const url = `http://localhost:3003/auth/unauthenticated/none?connect_session_token=${token}`
    const response = await stage.t.send(new Request(url, { method: "POST" }))
    expect([response.status, await response.json()]).toMatchObject([200, { providerConfigKey: "none" }])
  })

  test("an outbound installation makes a connection that waits", async () => {
    const answer = await send("/auth/oauth-outbound/outbound")
    expect(answer.status).toBe(200)
    const { connection_config } = await connection("outbound", answer.body.connectionId)
    expect(connection_config).toMatchObject({ pending: true })
  })

  test("where webhooks go and which scopes are asked for is not for the browser to say", async () => {
    const query = "&params[webhook_url]=https%3A%2F%2Fevil.test&params[oauth_scopes_override]=all&params[pending]=true"
    const { connectionId } = (await send("/api-auth/basic/basic", { username: "u", password: "" }, query)).body
    const made = await connection("basic", connectionId)
    expect(made.connection_config).toEqual({})
    expect(made.webhook_url_override).toBeNull()
  })

  test("of an older connection are replaced; the rest of it stays", async () => {
    const { connectionId } = (await send("/api-auth/basic/basic", { username: "u", password: "old" })).body
    const metadata = { kept: true }
    const about = { connection_id: connectionId, provider_config_key: "basic" }
    await stage.t.request("POST", "/connections/metadata", { body: { ...about, metadata } })
    const body = { connection_id: connectionId, integration_id: "basic" }
    const { token } = (await stage.t.request("POST", "/connect/sessions/reconnect", { body })).body.data
    const again = await send("/api-auth/basic/basic", { username: "u", password: "new" }, "", token)
    expect(again.body.connectionId).toBe(connectionId)
    expect(await connection("basic", connectionId)).toMatchObject({ metadata, credentials: { password: "new" } })
  })
})

describe("typed credentials that are refused", () => {
  test("by a trial request: the right ones work after the wrong ones", async () => {
    const token = await stage.session()
    const wrong = await send("/api-auth/api-key/key", { apiKey: "wrong-key-1" }, "", token)
    expect([wrong.status, wrong.body.error.code]).toEqual([400, "connection_test_failed"])
    expect(wrong.text).not.toContain("wrong-key-1")
    const right = await send("/api-auth/api-key/key", { apiKey: "fake-api-key" }, "", token)
    expect(right.status).toBe(200)
    expect((await stage.whoami("key", right.body.connectionId)).body).toEqual({ auth: "api_key" })
  })

  test.each([
    ["/api-auth/basic/basic", {}, ["username", "password"]],
    ["/api-auth/basic/basic", { username: "u" }, ["password"]],
    ["/api-auth/basic/basic", { username: 1, password: "p" }, ["username"]],
    ["/api-auth/api-key/key", {}, ["apiKey"]],
    ["/api-auth/api-key/key", { apiKey: "" }, ["apiKey"]],
    ["/api-auth/api-key/key", { apiKey: "x".repeat(1025) }, ["apiKey"]],
    ["/api-auth/api-key/key", { apiKey: "x", extra: 1 }, [undefined]],
    ["/auth/two-step/twostep", { type: "TWO_STEP" }, ["username", "password"]],
    ["/auth/two-step/twostep", { username: "u", password: ["p"] }, ["password"]],
  ])("%s %j names the field", async (path, body, fields) => {
    const answer = await send(path, body)
    expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_body"])
    expect(answer.body.error.errors.map((issue: { path: string[] }) => issue.path[0])).toEqual(fields)
  })

  test.each([
    ["/api-auth/basic/nope", 404, "unknown_provider_config"],
    ["/api-auth/basic/key", 400, "invalid_auth_mode"],
    ["/auth/oauth-outbound/oauth", 400, "invalid_auth_mode"],
    ["/api-auth/basic/bad!key", 400, "invalid_uri_params"],
  ])("%s", async (path, status, code) => {
    const answer = await send(path, { username: "u", password: "p" })
    expect([answer.status, answer.body.error.code]).toEqual([status, code])
  })

  // This route is older than the others and has kept its status and envelope.
  test("client credentials for an integration that is not there", async () => {
    const answer = await send("/oauth2/auth/nope", { client_id: "a", client_secret: "b" })
    expect(answer.status).toBe(400)
    expect(answer.body.error).toMatchObject({ code: "unknown_provider_config", payload: {} })
  })

  test("without a session, before anything else is looked at", async () => {
    const answer = await stage.t.request("POST", "/api-auth/basic/nope", { body: {}, key: null })
    expect([answer.status, answer.body.error.code]).toEqual([401, "missing_public_key"])
  })

  test("with an id of the browser's own choice", async () => {
    const answer = await send("/api-auth/basic/basic", { username: "u", password: "p" }, "&connection_id=mine")
    expect(answer.body.error).toMatchObject({
      code: "invalid_query_params",
      errors: [{ path: ["connection_id"], message: "connection_id is forbidden when using session token" }],
    })
  })

  test("for an integration that the session does not allow", async () => {
    const token = await stage.session({ end_user: endUser, allowed_integrations: ["none"] })
    const answer = await send("/api-auth/basic/basic", { username: "u", password: "p" }, "", token)
    expect([answer.status, answer.body.error.code]).toEqual([400, "integration_not_allowed"])
  })

  test("by the provider: nothing is stored, and the owner's app hears of it", async () => {
    await stage.forget()
    const answer = await send("/auth/two-step/twostep", { username: "u", password: "hunter2-secret" })
    expect(answer.status).toBe(400)
    expect(answer.text).not.toContain("hunter2-secret")
    const [hook] = await stage.told(1)
    expect(hook).toMatchObject({ operation: "creation", success: false, endUser: { endUserId: "u1" } })
    expect(JSON.stringify(hook)).not.toContain("hunter2-secret")
  })
})
