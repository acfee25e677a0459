import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type Sluice, startSluice, until } from "../helpers/sluice.ts"
import { type Actor, type Asked, type Outside, startOutside } from "./outside.ts"

const json = (body: unknown, status = 200) => Response.json(body, { status })
/** Says back what came, so that the test sees what a provider gets. */
const echo = ({ url, headers }: Asked) => json({ host: url.hostname, path: url.pathname, auth: headers.authorization })
const bearer = ({ headers }: Asked) => /^Bearer \S{10,}$/.test(headers.authorization ?? "")
const hourly = { expiresIn: 3600, rotate: true, clientAuth: "any" as const }
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`

type Row = {
  actor: Actor
  /** Fields that the person types or the owner gives. */
  params?: Record<string, string>
  /** What comes back in the callback beside code and state. */
  callback?: Record<string, string>
  /** Typed credentials, for those without a popup. */
  typed?: { path: string; right: object; wrong?: object }
  /** What the connection's configuration holds in the end. */
  config?: Record<string, unknown>
  refreshes?: true
  request: string
  /** What the provider then sees. */
  seen: { host: string; path: string }
}

const rows: Record<string, Row> = {
  github: {
    actor: {
      hosts: /(^|\.)github\.com$/,
      oauth: { expiresIn: null },
      token: "/login/oauth/access_token",
      answer: (asked) => (bearer(asked) ? echo(asked) : json({ message: "Bad credentials" }, 401)),
    },
    request: "/user/repos",
    seen: { host: "api.github.com", path: "/user/repos" },
  },
  // 200 with `ok: false` for a failure; with user scopes only the token stands under `authed_user`.
  slack: {
    actor: {
      hosts: /^slack\.com$/,
      oauth: { answer: "slack", expiresIn: null },
      token: "/api/oauth.v2.access",
      tokenMore: () => ({ team: { id: "T1", name: "Team" }, bot_user_id: "B1" }),
      answer: (asked) => (bearer(asked) ? echo(asked) : json({ ok: false, error: "not_authed" })),
    },
    config: { "team.id": "T1", bot_user_id: "B1" },
    request: "/conversations.list",
    seen: { host: "slack.com", path: "/api/conversations.list" },
  },
  "google-calendar": {
    actor: {
      hosts: /(^|\.)(google|googleapis)\.com$/,
      oauth: hourly,
      token: "/token",
      answer: (asked) =>
        asked.url.pathname === "/calendar/v3/users/me/calendarList/primary"
          ? json({ id: "ada@example.com" })
          : echo(asked),
    },
    config: { emailAddressHash: expect.any(String) },
    refreshes: true,
    request: "/calendar/v3/calendars/primary/events",
    seen: { host: "www.googleapis.com", path: "/calendar/v3/calendars/primary/events" },
  },
  hubspot: {
    actor: {
      hosts: /(^|\.)(hubspot|hubapi)\.com$/,
      oauth: hourly,
      token: "/oauth/v1/token",
      answer: (asked) => (asked.url.pathname === "/account-info/v3/details" ? json({ portalId: 4711 }) : echo(asked)),
    },
    config: { portalId: "4711" },
    refreshes: true,
    request: "/crm/v3/objects/contacts",
    seen: { host: "api.hubapi.com", path: "/crm/v3/objects/contacts" },
  },
  // The API is at a host that the token answer names, and no answer says when a token ends.
  salesforce: {
    actor: {
      hosts: /\.salesforce\.com$/,
      oauth: { expiresIn: null, rotate: false },
      token: "/services/oauth2/token",
      tokenMore: () => ({ instance_url: "https://acme.my.salesforce.com" }),
      answer: (asked) =>
        asked.url.pathname === "/services/oauth2/introspect"
          ? json({ active: true, exp: Math.floor(Date.now() / 1000) + 7200 })
          : echo(asked),
    },
    config: { instance_url: "https://acme.my.salesforce.com" },
    refreshes: true,
    request: "/services/data/v60.0/sobjects",
    seen: { host: "acme.my.salesforce.com", path: "/services/data/v60.0/sobjects" },
  },
  zendesk: {
    actor: {
      hosts: /^acme\.zendesk\.com$/,
      oauth: hourly,
      token: "/oauth/tokens",
      answer: echo,
    },
    params: { subdomain: "acme" },
    config: { subdomain: "acme" },
    refreshes: true,
    request: "/api/v2/tickets",
    seen: { host: "acme.zendesk.com", path: "/api/v2/tickets" },
  },
  "stripe-api-key": {
    actor: {
      hosts: /^api\.stripe\.com$/,
      answer: (asked) => (asked.headers.authorization === basic("sk_test_right:") ? echo(asked) : json({}, 401)),
    },
    typed: { path: "/api-auth/basic", right: { username: "sk_test_right", password: "" } },
    request: "/v1/customers",
    seen: { host: "api.stripe.com", path: "/v1/customers" },
  },
  // Requests name the site by an id that has to be looked up.
  jira: {
    actor: {
      hosts: /\.atlassian\.com$/,
      oauth: hourly,
      token: "/oauth/token",
      answer: (asked) => {
        if (asked.url.pathname === "/oauth/token/accessible-resources")
          return json([
            { id: "cloud-0", url: "https://other.atlassian.net", name: "other", scopes: [] },
            { id: "cloud-1", url: "https://acme.atlassian.net", name: "acme", scopes: [] },
          ])
        if (asked.url.pathname === "/ex/jira/cloud-1/rest/api/3/myself") return json({ accountId: "me-1" })
        return echo(asked)
      },
    },
    params: { subdomain: "acme" },
    config: { cloudId: "cloud-1", baseUrl: "https://acme.atlassian.net", accountId: "me-1", subdomain: "acme" },
    refreshes: true,
    request: "/ex/jira/cloud-1/rest/api/3/search",
    seen: { host: "api.atlassian.com", path: "/ex/jira/cloud-1/rest/api/3/search" },
  },
  // Which company was chosen is told by the callback.
  quickbooks: {
    actor: {
      hosts: /\.intuit\.com$/,
      oauth: { ...hourly, clientAuth: "any" },
      token: "/oauth2/v1/tokens/bearer",
      answer: echo,
    },
    callback: { realmId: "1231434577390679" },
    config: { realmId: "1231434577390679" },
    refreshes: true,
    request: "/v3/company/1231434577390679/query",
    seen: { host: "quickbooks.api.intuit.com", path: "/v3/company/1231434577390679/query" },
  },
  twilio: {
    actor: {
      hosts: /^api\.twilio\.com$/,
      answer: (asked) => (asked.headers.authorization === basic("AC1:right-token") ? echo(asked) : json({}, 401)),
    },
    typed: {
      path: "/api-auth/basic",
      right: { username: "AC1", password: "right-token" },
      wrong: { username: "AC1", password: "wrong-token" },
    },
    request: "/2010-04-01/Accounts/AC1/Calls.json",
    seen: { host: "api.twilio.com", path: "/2010-04-01/Accounts/AC1/Calls.json" },
  },
}

let world: Outside
let sluice: Sluice
beforeAll(async () => {
  world = await startOutside(Object.fromEntries(Object.entries(rows).map(([name, { actor }]) => [name, actor])))
  sluice = await startSluice({ env: world.env })
  for (const [name, { typed }] of Object.entries(rows)) {
    const credentials = { type: "OAUTH2", client_id: "fake-client-id", client_secret: "fake-client-secret" }
    const body = { provider: name, unique_key: name, ...(typed ? {} : { credentials }) }
    const made = await sluice.call("POST", "/integrations", { body })
    if (made.status !== 200) throw new Error(made.text)
  }
})
afterAll(async () => {
  await sluice.stop()
  await world.stop()
})

async function openSession(): Promise<string> {
  return (await sluice.call("POST", "/connect/sessions", { body: { end_user: { id: "u1" } } })).body.data.token
}
const paramsOf = ({ params = {} }: Row) =>
  Object.entries(params)
    .map(([name, value]) => `&params[${name}]=${encodeURIComponent(value)}`)
    .join("")
const newest = async (key: string) =>
  (await sluice.call("GET", `/connections?integrationId=${key}`)).body.connections[0]?.connection_id as string
const show = (key: string, id: string, more = "") =>
  sluice.call("GET", `/connections/${id}?provider_config_key=${key}${more}`)

/** Sends the browser away; answers where it was sent, and its cookie. */
async function leave(key: string, row: Row) {
  const url = `${sluice.url}/oauth/connect/${key}?connect_session_token=${await openSession()}${paramsOf(row)}`
  const away = await fetch(url, { redirect: "manual" })
  const location = away.headers.get("location")
  if (!location) throw new Error(await away.text())
  return { provider: new URL(location), cookie: away.headers.get("set-cookie")?.split(";")[0] ?? "" }
}

async function connect(key: string, row: Row): Promise<string> {
  if (row.typed) {
    const path = `${row.typed.path}/${key}?connect_session_token=${await openSession()}${paramsOf(row)}`
    const answer = await sluice.call("POST", path, { body: row.typed.right, key: null })
    if (answer.status !== 200) throw new Error(answer.text)
    return answer.body.connectionId
  }
  const { provider, cookie } = await leave(key, row)
  expect(provider.hostname).toMatch(row.actor.hosts)
  const back = await world.allow(key, provider)
  for (const [name, value] of Object.entries(row.callback ?? {})) back.searchParams.set(name, value)
  const page = await fetch(`${sluice.url}${back.pathname}${back.search}`, { headers: { cookie } })
  if (page.status !== 200) throw new Error(await page.text())
  return newest(key)
}

describe.each(Object.entries(rows))("%s", (key, row) => {
  test("is connected, with what only this provider does", async () => {
    const id = await connect(key, row)
    const settled = await until(async () => {
      const { body } = await show(key, id)
      return Object.keys(row.config ?? {}).every((name) => name in body.connection_config) && body
    }, "the connection to be looked up")
    expect(settled.connection_config).toEqual(row.config ?? {})
    const answer = await sluice.call("GET", `/proxy${row.request}`, {
      headers: { "connection-id": id, "provider-config-key": key },
    })
    expect([answer.status, answer.body]).toEqual([200, { ...row.seen, auth: expect.any(String) }])
    const { credentials } = settled
    if (credentials.access_token) expect(answer.body.auth).toBe(`Bearer ${credentials.access_token}`)
  })

  if (row.refreshes)
    test("is refreshed, and keeps what it was told", async () => {
      const id = await newest(key)
      const before = (await show(key, id)).body
      const after = (await show(key, id, "&force_refresh=true")).body
      expect(after.credentials.access_token).not.toBe(before.credentials.access_token)
      expect(after.connection_config).toEqual(before.connection_config)
      expect(after.errors).toEqual([])
    })

  const wrong = row.typed?.wrong
  if (wrong)
    test("is not connected with wrong credentials", async () => {
      const path = `/api-auth/basic/${key}?connect_session_token=${await openSession()}`
      const answer = await sluice.call("POST", path, { body: wrong, key: null })
      expect([answer.status, answer.body.error.code]).toEqual([400, "connection_test_failed"])
    })

  if (!row.typed)
    test("tells why a code is refused", async () => {
      const { provider, cookie } = await leave(key, row)
      const state = provider.searchParams.get("state")
      const page = await fetch(`${sluice.url}/oauth/callback?state=${state}&code=invented`, { headers: { cookie } })
      const text = await page.text()
      expect([page.status, text.includes("token_err")]).toEqual([400, true])
      expect(text).toMatch(/invalid_(grant|code)/)
    })
})

test("an import with what the provider would have told works the same", async () => {
  const body = {
    provider_config_key: "salesforce",
    connection_id: "imported",
    credentials: { type: "OAUTH2", access_token: "imported-token-1" },
    connection_config: { instance_url: "https://acme.my.salesforce.com" },
  }
  expect((await sluice.call("POST", "/connections", { body })).status).toBe(201)
  const headers = { "connection-id": "imported", "provider-config-key": "salesforce" }
  const answer = await sluice.call("GET", "/proxy/services/data", { headers })
  expect(answer.body).toEqual({
    host: "acme.my.salesforce.com",
    path: "/services/data",
    auth: "Bearer imported-token-1",
  })
})
