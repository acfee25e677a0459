import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { eq } from "drizzle-orm"
import { authorizations } from "../../src/connect/model.ts"
import { findConnection } from "../../src/connections/connections.ts"
import { type Browser, endUser, type Page, type Stage, startStage } from "./stage.ts"

let stage: Stage
let browser: Browser
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage[Symbol.asyncDispose]())
beforeEach(() => {
  browser = stage.browser()
})

const connections = async () => (await stage.t.request("GET", "/connections")).body.connections
const auditOf = async () => {
  await stage.t.app.logs.flush()
  const { body } = await stage.t.request("GET", "/sluice/logs?type=auth&limit=1")
  const one = body.data[0]
  return (await stage.t.request("GET", `/sluice/logs/${one.id}`)).text
}
const failure = (page: Page) => [page.status, page.message?.payload?.errorType]

describe("an authorization", () => {
  test("goes to the provider with PKCE, scopes and a state, and ends in a connection", async () => {
    const token = await stage.session()
    const provider = await browser.leave(
      token,
      "oauth",
      "&params[color]=blue&params[webhook_url]=http%3A%2F%2Fevil.test",
    )
    expect(Object.fromEntries(provider.searchParams)).toMatchObject({
      response_type: "code",
      client_id: "fake-client-id",
      redirect_uri: "http://localhost:3003/oauth/callback",
      scope: "read,write",
      prompt: "consent",
      code_challenge_method: "S256",
    })
    const state = provider.searchParams.get("state") ?? ""
    expect(state).toMatch(/^[0-9a-f]{32}$/)
    expect([...browser.cookies.keys()]).toEqual([`oauth2-${state}`])

    const page = await browser.open(`${await browser.allow(provider)}&realmId=123`)
    expect(page.status).toBe(200)
    expect(page.message).toEqual({
      type: "nango_oauth_callback_success",
      payload: { providerConfigKey: "oauth", connectionId: expect.any(String), isPending: false },
    })
    expect(page.headers.get("content-type")).toContain("text/html")
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'")
    expect(browser.cookies.size).toBe(0)

    const [made] = await connections()
    expect(page.message.payload.connectionId).toBe(made.connection_id)
    expect(made).toMatchObject({ provider_config_key: "oauth", end_user: { id: "u1", email: endUser.email } })
    expect(made.tags).toMatchObject({ end_user_id: "u1" })
    const whole = (await stage.get("oauth", made.connection_id)).body
    expect(whole.connection_config).toEqual({ color: "blue", realmId: "123" })
    expect(whole.webhook_url_override).toBeNull()
    expect(whole.credentials).toMatchObject({ type: "OAUTH2", access_token: expect.any(String) })
  })

  test("lets the owner's settings win over what the browser asks for", async () => {
    const token = await stage.session({
      end_user: endUser,
      integrations_config_defaults: {
        oauth: {
          authorization_params: { prompt: "none" },
          user_scopes: "u1,u2",
          connection_config: { color: "red", oauth_scopes_override: "only" },
        },
      },
    })
    const asked = "&params[color]=blue&authorization_params[prompt]=login&authorization_params[evil]=1&user_scope=x"
    const provider = await browser.leave(token, "oauth", asked)
    expect(Object.fromEntries(provider.searchParams)).toMatchObject({
      prompt: "none",
      scope: "only",
      user_scope: "u1,u2",
    })
    expect(provider.searchParams.has("evil")).toBe(false)
    await browser.open(await browser.allow(provider))
    const [made] = await connections()
    const { connection_config } = (await stage.get("oauth", made.connection_id)).body
    expect(connection_config).toEqual({ color: "red", user_scope: "u1,u2", oauth_scopes_override: ["only"] })
  })

  test("never lets a browser say whose installation, or whose name, the connection is for", async () => {
    const token = await stage.session()
    const claims = "&params[installation_id]=666&params[app_id]=1&params[handle]=victim&params[color]=blue"
    const app = await browser.leave(token, "installed", claims)
    const provider = new URL(`${stage.fake.url}/oauth/authorize`)
    const redirect_uri = "http://localhost:3003/oauth/callback"
    const query = { response_type: "code", client_id: "fake-client-id", redirect_uri }
    const state = app.searchParams.get("state") ?? ""
    provider.search = String(new URLSearchParams({ ...query, state }))
    const page = await browser.open(await browser.allow(provider))
    expect(page.message.payload.isPending).toBe(true)
    const { body } = await stage.get("installed", page.message.payload.connectionId, "&force_refresh=true")
    expect(body.connection_config).toMatchObject({ color: "blue", app_id: "4711", pending: true })
    expect(Object.keys(body.connection_config)).not.toContain("installation_id")
    expect(Object.keys(body.connection_config)).not.toContain("handle")
    expect(body.credentials.type).toBe("OAUTH2")
  })

  test("removes a parameter that is given as `undefined`, but never the state", async () => {
    const more = "&authorization_params[prompt]=undefined&authorization_params[state]=mine"
    const provider = await browser.leave(await stage.session(), "oauth", more)
    expect(provider.searchParams.has("prompt")).toBe(false)
    expect(provider.searchParams.get("state")).toMatch(/^[0-9a-f]{32}$/)
  })

  test("may bring its own client", async () => {
    const own = "&credentials[oauth_client_id_override]=own-client&credentials[oauth_client_secret_override]=s"
    const provider = await browser.leave(await stage.session(), "oauth", own)
    expect(provider.searchParams.get("client_id")).toBe("own-client")
  })

  test("with its session sent as a browser does, by another name of this server, hops to the canonical one once", async () => {
    const token = await stage.session()
    const path = `/oauth/connect/oauth?connect_session_token=${token}`
    const page = { "sec-fetch-dest": "document", host: "127.0.0.1:3003" }
    const hop = await browser.open(path, page)
    expect(hop.location?.href).toStartWith("http://localhost:3003/oauth/connect/oauth?connect_session_token=")
    expect(browser.cookies.size).toBe(0)
    const away = await browser.open(`${path}&hop=1`, page)
    expect(away.location?.pathname).toBe("/oauth/authorize")
  })
})

describe("a callback", () => {
  const begin = async () => {
    const provider = await browser.leave(await stage.session(), "oauth")
    return { back: await browser.allow(provider), state: provider.searchParams.get("state") ?? "" }
  }

  test("that is replayed is refused, and noted", async () => {
    const { back } = await begin()
    const { cookies } = browser
    const before = new Map(cookies)
    expect((await browser.open(back)).status).toBe(200)
    const count = (await connections()).length
    for (const [name, value] of before) cookies.set(name, value)
    stage.t.clock.advance(1)
    const again = await browser.open(back)
    expect(failure(again)).toEqual([400, "state_err"])
    expect(await connections()).toHaveLength(count)
    expect(await auditOf()).toContain("already used")
  })

  test("that is only looked at does not use its state up", async () => {
    const back = await browser.allow(await browser.leave(await stage.session(), "oauth"))
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ")
    const head = new Request(`http://localhost:3003${back}`, { method: "HEAD", headers: { cookie } })
    expect((await stage.t.send(head)).status).toBe(200)
    expect((await browser.open(back)).status).toBe(200)
  })

  test("that comes after ten minutes is refused, and noted", async () => {
    const { back } = await begin()
    stage.t.clock.advance(10 * 60_000)
    expect(failure(await browser.open(back))).toEqual([400, "state_err"])
    expect(await auditOf()).toContain("too late")
  })

  test("from another browser is refused and noted; the one that left may still finish", async () => {
    const { back, state } = await begin()
    const count = (await connections()).length
    const other = stage.browser()
    stage.t.clock.advance(1)
    const refused = await other.open(back)
    expect(failure(refused)).toEqual([400, "state_cookie_err"])
    expect(await auditOf()).toContain("another browser")
    other.cookies.set(`oauth2-${state}`, "1")
    expect(failure(await other.open(back))).toEqual([400, "state_cookie_err"])
    expect(await connections()).toHaveLength(count)
    expect((await browser.open(back)).status).toBe(200)
    expect(await connections()).toHaveLength(count + 1)
  })

  test("twice at the same moment makes exactly one connection", async () => {
    const { back } = await begin()
    const count = (await connections()).length
    const pages = await Promise.all([browser.open(back), browser.open(back), browser.open(back)])
    expect(pages.map(({ status }) => status).toSorted()).toEqual([200, 400, 400])
    expect(await connections()).toHaveLength(count + 1)
  })

  test("with the state of another integration's attempt gets that attempt, with its own verifier and client, or nothing", async () => {
    const one = await begin()
    const provider = await browser.leave(await stage.session(), "scoped", "&params[subdomain]=a")
    const other = provider.searchParams.get("state") ?? ""
    const count = (await connections()).length
    const mixed = await browser.open(one.back.replace(one.state, other))
    expect(failure(mixed)).toEqual([400, "token_err"])
    expect(await connections()).toHaveLength(count)
  })

  test.each([
    ["/oauth/callback", "state_err"],
    ["/oauth/callback?code=x", "state_err"],
    ["/oauth/callback?state=nope&code=x", "state_err"],
    ["/oauth/callback?state=", "state_err"],
    ["/oauth/callback?state=%00&code=x", "state_err"],
    ["/oauth/callback?state[]=a&code=x", "state_err"],
  ])("of %s is an error page", async (path, type) => {
    const page = await browser.open(path)
    expect(failure(page)).toEqual([400, type])
  })

  test("shows the provider's reason, escaped, and tells the owner's app", async () => {
    const provider = await browser.leave(await stage.session(), "oauth")
    const state = provider.searchParams.get("state")
    await stage.forget()
    const reason = encodeURIComponent("<script>alert(1)</script> no thanks")
    const page = await browser.open(`/oauth/callback?state=${state}&error=access_denied&error_description=${reason}`)
    expect(failure(page)).toEqual([400, "callback_err"])
    expect(page.message.payload.message).toBe("access_denied: <script>alert(1)</script> no thanks")
    expect(page.text).not.toContain("<script>alert")
    const [hook] = await stage.told(1)
    expect(hook).toMatchObject({
      type: "auth",
      operation: "creation",
      success: false,
      error: { type: "callback_err" },
      provider: "oauth",
      endUser: { endUserId: "u1", endUserEmail: endUser.email },
    })
    expect(hook).not.toHaveProperty("tags")
  })

  test("that fails for a reason of our own says no more than that, to the person and to the owner's app", async () => {
    await stage.forget()
    const { state } = await begin()
    const { egress } = stage.t.app
    const send = egress.send
    egress.send = async () => {
      egress.send = send
      throw new TypeError("bad value: some-secret-token")
    }
    const page = await browser.open(`/oauth/callback?state=${state}&code=c`)
    expect(failure(page)).toEqual([400, "unknown_err"])
    const [hook] = await stage.told(1)
    expect(hook).toMatchObject({ operation: "creation", success: false, error: { type: "unknown_err" } })
    expect(page.text + JSON.stringify(hook) + (await auditOf())).not.toContain("some-secret-token")
  })

  test("whose code the provider refuses says so", async () => {
    const { state } = await begin()
    const page = await browser.open(`/oauth/callback?state=${state}&code=invented`)
    expect(failure(page)).toEqual([400, "token_err"])
  })

  test("without a state, after an app was changed at the provider, goes back there", async () => {
    const path = "/oauth/callback?installation_id=1&setup_action=update"
    expect((await browser.open(path, { referer: "https://git.example.com/x" })).location?.host).toBe("git.example.com")
    expect((await browser.open(path, { referer: "javascript:alert(1)" })).location?.protocol).toBe("https:")
  })

  test.each(["install", "update"])("at the install address, %s alone says that nobody waits", async (action) => {
    const page = await browser.open(`/app-auth/connect?setup_action=${action}`, {
      referer: "https://git.example.com/x",
    })
    expect([page.status, page.location?.host]).toEqual([302, "git.example.com"])
  })

  test("at the install address with an unknown state is not there", async () => {
    expect(failure(await browser.open("/app-auth/connect?state=x&installation_id=1"))).toEqual([404, "state_err"])
    expect((await browser.open("/app-auth/connect")).status).toBe(400)
  })

  test("leaves nothing readable in the database", async () => {
    const { state } = await begin()
    const rows = await stage.t.ctx.db.select().from(authorizations).orderBy(authorizations.id)
    const row = rows.at(-1)
    expect(JSON.stringify(row)).not.toContain(state)
    expect(row?.details).toStartWith("v1.")
    await browser.open(`/oauth/callback?state=${state}&code=x`)
    const [used] = await stage.t.ctx.db
      .select()
      .from(authorizations)
      .where(eq(authorizations.id, row?.id ?? 0))
    expect(used?.details).toBeNull()
  })
})

describe("reconnecting", () => {
  test("keeps the id, metadata, tags and end user, and tells an override", async () => {
    const provider = await browser.leave(await stage.session(), "oauth")
    await browser.open(await browser.allow(provider))
    const [{ connection_id }] = await connections()
    const metadata = { plan: "gold" }
    await stage.t.request("POST", "/connections/metadata", {
      body: { connection_id, provider_config_key: "oauth", metadata },
    })
    const body = { connection_id, integration_id: "oauth" }
    const { data } = (await stage.t.request("POST", "/connect/sessions/reconnect", { body })).body
    const old = (await stage.get("oauth", connection_id)).body.credentials.access_token
    await stage.forget()
    await browser.open(await browser.allow(await browser.leave(data.token, "oauth")))
    const after = (await stage.get("oauth", connection_id)).body
    expect(after).toMatchObject({ metadata, end_user: { id: "u1" }, tags: { end_user_id: "u1" } })
    expect(after.credentials.access_token).not.toBe(old)
    expect(await stage.told(1)).toMatchObject([{ operation: "override", success: true, connectionId: connection_id }])
  })

  test("a connection that has gone meanwhile is not made anew", async () => {
    const provider = await browser.leave(await stage.session(), "oauth")
    await browser.open(await browser.allow(provider))
    const [{ connection_id }] = await connections()
    const body = { connection_id, integration_id: "oauth" }
    const { data } = (await stage.t.request("POST", "/connect/sessions/reconnect", { body })).body
    const back = await browser.allow(await browser.leave(data.token, "oauth"))
    await stage.t.request("DELETE", `/connections/${connection_id}?provider_config_key=oauth`)
    expect(failure(await browser.open(back))).toEqual([400, "invalid_connection"])
    const name = { connectionId: connection_id, providerConfigKey: "oauth" }
    expect(await findConnection(stage.t.ctx, name)).toBeUndefined()
    const refused = await browser.open(`/oauth/connect/oauth?connect_session_token=${data.token}`)
    expect(JSON.parse(refused.text).error.code).toBe("invalid_connection")
  })
})

describe("a connection that goes while the provider is asked", () => {
  test("is not made anew, nor is one that took its name given to the other person", async () => {
    const { t } = stage
    const reconnecting = async () => {
      await browser.open(await browser.allow(await browser.leave(await stage.session(), "oauth")))
      const [{ connection_id }] = await connections()
      const body = { connection_id, integration_id: "oauth" }
      const { data } = (await t.request("POST", "/connect/sessions/reconnect", { body })).body
      const back = await browser.allow(await browser.leave(data.token, "oauth"))
      const send = t.app.egress.send.bind(t.app.egress)
      return { connection_id, back, send }
    }
    const remove = (id: string) => t.request("DELETE", `/connections/${id}?provider_config_key=oauth`)
    const gone = await reconnecting()
    t.app.egress.send = async (request) => {
      t.app.egress.send = gone.send
      await remove(gone.connection_id)
      return gone.send(request)
    }
    expect(failure(await browser.open(gone.back))).toEqual([400, "invalid_connection"])
    expect((await stage.get("oauth", gone.connection_id)).status).toBe(404)

    const taken = await reconnecting()
    const other = { type: "OAUTH2", access_token: "of-another-person" }
    t.app.egress.send = async (request) => {
      t.app.egress.send = taken.send
      await remove(taken.connection_id)
      const body = { provider_config_key: "oauth", connection_id: taken.connection_id, credentials: other }
      expect((await t.request("POST", "/connections", { body })).status).toBe(201)
      return taken.send(request)
    }
    expect(failure(await browser.open(taken.back))).toEqual([400, "invalid_connection"])
    expect((await stage.get("oauth", taken.connection_id)).body.credentials).toMatchObject(other)
  })
})

describe("what cannot begin", () => {
  const open = async (path: string) => browser.open(path.replace("TOKEN", await stage.session()))

  test.each([
    ["/oauth/connect/nope?connect_session_token=TOKEN", "provider_config_err"],
    ["/oauth/connect/key?connect_session_token=TOKEN", "auth_mode_err"],
    ["/oauth/connect/outbound?connect_session_token=TOKEN", "auth_mode_err"],
  ])("%s is a page with the reason", async (path, type) => {
    expect(failure(await open(path))).toEqual([400, type])
  })

  test.each([
    ["/oauth/connect/oauth", 401, "missing_public_key"],
    ["/oauth/connect/oauth?public_key=6f1ac4dd-6a4d-4a7a-9f4e-111111111111", 401, "deprecated_authentication"],
    ["/oauth/connect/oauth?connect_session_token=x", 401, "invalid_connect_session_token_format"],
    [
      `/oauth/connect/oauth?connect_session_token=nango_connect_session_${"0".repeat(64)}`,
      401,
      "unknown_connect_session_token",
    ],
    ["/oauth/connect/oauth?connect_session_token=TOKEN&connection_id=mine", 400, "invalid_query_params"],
  ])("%s is answered in JSON", async (path, status, code) => {
    const page = await open(path)
    expect([page.status, JSON.parse(page.text).error.code]).toEqual([status, code])
  })

  test("an integration that the session does not allow", async () => {
    const token = await stage.session({ end_user: endUser, allowed_integrations: ["key"] })
    const heard: string[] = []
    const { browsers } = stage.t.app
    const id = browsers.join({ send: (text) => heard.push(JSON.parse(text).error_type) })
    const page = await browser.open(`/oauth/connect/oauth?connect_session_token=${token}&ws_client_id=${id}`)
    browsers.leave(id)
    expect([page.status, JSON.parse(page.text).error.code]).toEqual([400, "integration_not_allowed"])
    // Else the front end, which sees no answer to its popup, would wait for ever.
    expect(heard).toEqual([undefined as never, "integration_not_allowed"])
  })

  test("with a session that is over", async () => {
    const token = await stage.session()
    stage.t.clock.advance(30 * 60_000)
    const page = await browser.open(`/oauth/connect/oauth?connect_session_token=${token}`)
    expect([page.status, JSON.parse(page.text).error.code]).toEqual([401, "unknown_connect_session_token"])
  })
})
