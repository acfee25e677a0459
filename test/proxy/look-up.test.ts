import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Credentials } from "../../src/auth/credentials.ts"
import { findConnection, type FoundConnection } from "../../src/connections/connections.ts"
import { saveConnection } from "../../src/connections/save.ts"
import { findIntegration } from "../../src/integrations/integrations.ts"
import { EgressError, type OutboundRequest } from "../../src/kit/fetch.ts"
import { lookupRecipes } from "../../src/providers/lookup-recipes.ts"
import { ConnectionLookup } from "../../src/providers/lookup.ts"
import { lookUp } from "../../src/proxy/look-up.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { temporaryFolder } from "../helpers/sluice.ts"

type Answer = unknown
type Case = {
  config?: Record<string, unknown>
  credentials?: Partial<Credentials> & Record<string, unknown>
  /** `METHOD url` → the body of the answer, in the order in which they are asked for. */
  asked?: [string, Answer][]
  found?: Record<string, unknown>
  removed?: string[]
  sent?: Record<string, unknown>
}

const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`
const hashOf = (mail: string) => createHash("sha256").update(`nango.emailAddressHash.v1:${mail}`).digest("hex")
const api = "https://api.test"
const resources = (base = api) => `GET ${base}/oauth/token/accessible-resources`
const sites = [
  { id: "s1", url: "https://one.atlassian.net", name: "One" },
  { id: "s2", url: "https://two.atlassian.net", name: "Two (acme)" },
]
const site = (id: string) =>
  [[`GET ${api}/ex/jira/${id}/rest/api/3/myself`, { accountId: "me" }]] satisfies [string, Answer][]
const atlassian = (base?: string): Case[] => [
  {
    asked: [[resources(base), sites], ...site("s1")],
    found: { cloudId: "s1", baseUrl: sites[0]?.url, accountId: "me" },
  },
  {
    config: { subdomain: "two" },
    asked: [[resources(base), sites], ...site("s2")],
    found: { cloudId: "s2", baseUrl: sites[1]?.url, accountId: "me" },
  },
  {
    config: { subdomain: "ACME" },
    asked: [[resources(base), sites], ...site("s2")],
    found: { cloudId: "s2", baseUrl: sites[1]?.url, accountId: "me" },
  },
  {
    asked: [
      [resources(base), sites],
      [`GET ${api}/ex/jira/s1/rest/api/3/myself`, new Response("no", { status: 403 })],
      [`GET ${api}/ex/confluence/s1/wiki/rest/api/user/current`, { accountId: "reader" }],
    ],
    found: { cloudId: "s1", baseUrl: sites[0]?.url, accountId: "reader" },
  },
  // A site that nobody names in its answer has no id to ask on with.
  { asked: [[resources(base), []]], found: {} },
]

const cases: Record<string, Case[]> = {
  adobeUmapiPostConnection: [{ credentials: { client_id: "cid" }, found: { clientId: "cid" } }],
  atlassianGovernmentCloudPostConnection: atlassian("https://auth.atlassian-us-gov-mod.com"),
  atlassianServicAccountPostConnection: atlassian(),
  attioPostConnection: [{ asked: [[`GET ${api}/v2/self`, { workspace_id: "w" }]], found: { workspace_id: "w" } }],
  basecampPostConnection: [
    {
      asked: [["GET https://launchpad.37signals.com/authorization.json", { accounts: [{ id: 7 }] }]],
      found: { accountId: "7" },
    },
    {
      asked: [["GET https://launchpad.37signals.com/authorization.json", { accounts: [{ id: 7 }, { id: 8 }] }]],
      found: {},
    },
    { config: { accountId: "9" }, found: {} },
  ],
  bullhornPostConnection: [
    { config: { username: "u", password: "p", k: "v" }, found: {}, removed: ["username", "password"] },
  ],
  calendlyPostConnection: [
    {
      asked: [
        [`GET ${api}/users/me`, { resource: { current_organization: "https://api.calendly.com/organizations/AB-1" } }],
      ],
      found: { organizationId: "AB-1" },
    },
  ],
  candisPostConnection: [
    { asked: [[`GET ${api}/v1/organizations/info`, { id: "o" }]], found: { organizationId: "o" } },
  ],
  checkrPartnerPostConnection: [
    {
      asked: [[`GET ${api}/v1/nodes?page=1&per_page=1`, { data: [] }]],
      found: { accountHierarchyEnabled: true },
      sent: { authorization: `Basic ${btoa("the-token:")}` },
    },
    {
      asked: [[`GET ${api}/v1/nodes?page=1&per_page=1`, new Response("{}", { status: 403 })]],
      found: { accountHierarchyEnabled: false },
    },
  ],
  docusignPostConnection: [
    {
      asked: [
        [
          "GET https://auth.test/oauth/userinfo",
          {
            accounts: [
              { account_id: "1", base_uri: "https://a.test", is_default: false },
              { account_id: "2", base_uri: "https://b.test", is_default: true },
            ],
          },
        ],
      ],
      found: { baseUri: "https://b.test", accountId: "2" },
    },
  ],
  githubAppOauthPostConnection: [
    {
      config: { userCredentials: { access_token: "the-person" } },
      asked: [[`GET ${api}/user`, { login: "octo" }]],
      found: { handle: "octo" },
      sent: { authorization: "Bearer the-person" },
    },
    {
      asked: [[`GET ${api}/user`, { login: "octo" }]],
      found: { handle: "octo" },
      sent: { authorization: "Bearer the-token" },
    },
  ],
  googleCalendarPostConnection: [
    {
      asked: [[`GET ${api}/calendar/v3/users/me/calendarList/primary`, { id: "Me@X.test" }]],
      found: { emailAddressHash: hashOf("me@x.test") },
    },
  ],
  googleMailPostConnection: [
    {
      asked: [[`GET ${api}/gmail/v1/users/me/profile`, { emailAddress: "Me@X.test" }]],
      found: { emailAddressHash: hashOf("me@x.test") },
    },
  ],
  gustoPostConnection: [
    {
      asked: [["GET https://auth.test/v1/token_info", { resource: { type: "Company", uuid: "c" } }]],
      found: { companyUuid: "c" },
    },
    { asked: [["GET https://auth.test/v1/token_info", { resource: { type: "Employee", uuid: "e" } }]], found: {} },
  ],
  highlevelPostConnection: [
    { credentials: { raw: { companyId: "c", locationId: "l" } }, found: { companyId: "c", locationId: "l" } },
    { credentials: { raw: { companyId: "c" } }, found: { companyId: "c" } },
  ],
  hubspotPostConnection: [
    { asked: [[`GET ${api}/account-info/v3/details`, { portalId: 4711 }]], found: { portalId: "4711" } },
  ],
  jiraPostConnection: atlassian(),
  jobberPostConnection: [
    { asked: [[`POST ${api}/graphql`, { data: { account: { id: "j" } } }]], found: { accountId: "j" } },
  ],
  linearPostConnection: [
    { asked: [[`POST ${api}/graphql`, { data: { organization: { id: "l" } } }]], found: { organizationId: "l" } },
  ],
  mailchimpPostConnection: [
    {
      asked: [["GET https://login.mailchimp.com/oauth2/metadata", { dc: "us6" }]],
      found: { dc: "us6" },
      sent: { authorization: "OAuth the-token" },
    },
  ],
  microsoftTeamsBotPostConnection: [{ found: {} }],
  microsoftTeamsPostConnection: [{ credentials: { access_token: jwt({ tid: "t" }) }, found: { tenantId: "t" } }],
  onedrivePostConnection: [
    { credentials: { access_token: jwt({ tid: "t" }) }, found: { tenantId: "t" } },
    { credentials: { access_token: "no-jwt" }, found: {} },
  ],
  procorePostConnection: [
    { asked: [[`GET ${api}/rest/v1.0/companies`, [{ id: 1 }, { id: 2 }]]], found: { companyId: "1" } },
    { config: { companyId: "5" }, found: {} },
  ],
  ripplingShopAppPostConnection: [{ asked: [[`POST ${api}/platform/api/mark_app_installed`, {}]], found: {} }],
  sage200PostConnection: [
    {
      asked: [[`GET ${api}/accounts/v1/sites`, [{ company_id: 3, site_id: "s" }]]],
      found: { company_id: "3", site_id: "s" },
    },
  ],
  salesforcePostConnection: [{ found: {} }],
  sellsyPostConnection: [{ credentials: { access_token: jwt({ corpId: 42 }) }, found: { corpid: "42" } }],
  sentryOauthPostConnection: [
    {
      config: { "installation.uuid": "u-1", pending: true },
      asked: [["PUT https://sentry.io/api/0/sentry-app-installations/u-1/", {}]],
      found: {},
      removed: ["pending"],
    },
    { config: { pending: true }, found: {} },
  ],
  snowflakePostConnection: [
    { asked: [[`POST ${api}/api/v2/statements`, { data: [["ME"]] }]], found: { username: "ME" } },
  ],
  sophosCentralPostConnection: [
    {
      asked: [
        [
          "GET https://api.central.sophos.com/whoami/v1",
          { id: "t", apiHosts: { dataRegion: "https://api-eu01.central.sophos.com" } },
        ],
      ],
      found: { tenantId: "t", dataRegion: "https://api-eu01.central.sophos.com" },
    },
  ],
  workablePostConnection: [
    {
      asked: [["GET https://workable.com/spi/v3/accounts", { accounts: [{ subdomain: "acme" }] }]],
      found: { subdomain: "acme" },
    },
    { config: { subdomain: "mine" }, found: {} },
  ],
  xeroPostConnection: [
    { asked: [[`GET ${api}/connections`, [{ tenantId: "t" }]]], found: { tenant_id: "t" } },
    {
      credentials: { access_token: jwt({ authentication_event_id: "ev" }) },
      asked: [
        [
          `GET ${api}/connections`,
          [
            { tenantId: "a", authEventId: "other" },
            { tenantId: "b", authEventId: "ev" },
          ],
        ],
      ],
      found: { tenant_id: "b" },
    },
    { asked: [[`GET ${api}/connections`, [{ tenantId: "a" }, { tenantId: "b" }]]], found: {} },
  ],
  zohoPostConnection: [
    { config: { api_domain: "https://www.zohoapis.com.au" }, found: { extension: "com.au" } },
    { config: { api_domain: "https://www.zohoapis.eu", extension: "in" }, found: {} },
  ],
}

let t: TestApp
const providers = temporaryFolder("providers")
let answers: [string, Answer][] = []
let sent: OutboundRequest[] = []
let made = 0

beforeAll(async () => {
  const head = `display_name: x\ndocs: https://x.test\nauth_mode: OAUTH2\nauthorization_url: https://auth.test/a
token_url: https://auth.test/token\nproxy:\n  base_url: ${api}\n`
  for (const name of Object.keys(lookupRecipes))
    writeFileSync(join(providers, `${idOf(name)}.yaml`), `${head}${knows(name)}post_connection_script: ${name}\n`)
  writeFileSync(
    join(providers, "own.yaml"),
    `${head}post_connection_script: hubspotPostConnection
post_connection:
  - { request: { endpoint: /first }, save: { a: x, b: y, long: z } }
  - { request: { endpoint: "/second/\${connectionConfig.a}", headers: { x-a: "\${connectionConfig.a}" } }, save: { c: x } }\n`,
  )
  writeFileSync(
    join(providers, "region.yaml"),
    `${head}post_connection:\n  - { request: { base_url_override: "https://\${connectionConfig.region}.api.test", endpoint: /me }, save: { a: x } }\n`,
  )
  writeFileSync(
    join(providers, "off.yaml"),
    "alias: own\ndisplay_name: x\ndocs: https://x.test\npost_connection_script: ''\n",
  )
  t = await testApp({ config: { providers } })
  t.app.egress.send = async (request) => {
    sent.push(request)
    const [asked, answer] = answers.shift() ?? ["nothing", {}]
    expect(`${request.method} ${request.url}`).toBe(asked)
    if (answer instanceof Error) throw answer
    return answer instanceof Response ? answer : Response.json(answer)
  }
})
afterAll(() => t.close())

const idOf = (script: string) => script.toLowerCase()

/** The member of an entry that makes the site its own at which its recipe asks. */
function knows(script: string): string {
  const [url] = /https:\/\/[^$"]+/.exec(JSON.stringify(lookupRecipes[script])) ?? []
  return url === undefined ? "" : `refresh_url: ${url}/token\n`
}

async function connect(provider: string, one: Case): Promise<FoundConnection> {
  const name = { connectionId: `c${++made}`, providerConfigKey: provider }
  const client = { type: "OAUTH2", client_id: "id", client_secret: "secret" }
  if (!(await findIntegration(t.ctx, provider)))
    await t.request("POST", "/integrations", { body: { provider, unique_key: provider, credentials: client } })
  const integration = await findIntegration(t.ctx, provider)
  if (!integration) throw new Error("There is no integration.")
  const credentials = { type: "OAUTH2", access_token: "the-token", raw: {}, ...one.credentials } as Credentials
  await saveConnection(t.ctx, integration, {
    connectionId: name.connectionId,
    credentials,
    connectionConfig: one.config ?? {},
  })
  const found = await findConnection(t.ctx, name)
  if (!found) throw new Error("There is no connection.")
  return found
}

async function look(provider: string, one: Case) {
  const found = await connect(provider, one)
  answers = [...(one.asked ?? [])]
  sent = []
  const waits: number[] = []
  const result = await lookUp(t.ctx, found, {
    signal: new AbortController().signal,
    sleep: async (ms) => void waits.push(ms),
  })
  return { ...result, waits, left: answers.length }
}

describe.each(Object.entries(cases))("%s", (name, all) => {
  test.each(all.map((one, n) => [n, one] as const))("%d", async (_, one) => {
    const { found, removed, left } = await look(idOf(name), one)
    expect([found, removed, left]).toEqual([one.found ?? {}, one.removed ?? [], 0])
    for (const [header, value] of Object.entries(one.sent ?? {}))
      expect(new Headers(sent[0]?.headers).get(header)).toBe(String(value))
  })
})

test("an entry of a public name that leads elsewhere is asked there, and nothing goes to the site that the name is known for", async () => {
  for (const [name, path, answer, found] of [
    ["mailchimpPostConnection", "/oauth2/metadata", { dc: "us6" }, { dc: "us6" }],
    ["basecampPostConnection", "/authorization.json", { accounts: [{ id: 7 }] }, { accountId: "7" }],
  ] as const) {
    const id = `elsewhere-${idOf(name)}`
    const head = `display_name: x\ndocs: https://x.test\nauth_mode: OAUTH2\nauthorization_url: http://127.0.0.1:9/a
token_url: http://127.0.0.1:9/token\nproxy:\n  base_url: http://127.0.0.1:9/api\n`
    const put = await t.request("PUT", `/sluice/providers/${id}`, { body: `${head}post_connection_script: ${name}\n` })
    expect(put.status).toBe(200)
    const result = await look(id, { asked: [[`GET http://127.0.0.1:9/api${path}`, answer]] })
    expect([result.found, result.left]).toEqual([found, 0])
  }
})

test("every public name has a case, and every recipe is a valid one", () => {
  expect(Object.keys(cases).toSorted()).toEqual(Object.keys(lookupRecipes).toSorted())
  for (const steps of Object.values(lookupRecipes)) for (const step of steps) ConnectionLookup.parse(step)
})

test("graphql asks in a JSON body", async () => {
  await look("linearpostconnection", cases.linearPostConnection?.[0] ?? {})
  expect(JSON.parse(String(sent[0]?.body))).toEqual({ query: "query { organization { id } }" })
})

test("an entry's own steps go before the name's, and use what was found; an alias switches them off", async () => {
  const asked: [string, Answer][] = [
    [`GET ${api}/first`, { x: "a/b", y: { deep: true }, z: "z".repeat(3_000) }],
    [`GET ${api}/second/a%2Fb`, { x: false }],
  ]
  const { found } = await look("own", { asked })
  expect(found).toEqual({ a: "a/b", c: false })
  expect(new Headers(sent[1]?.headers).get("x-a")).toBe("a/b")
  expect((await look("off", {})).found).toEqual({})
})

test("a server's trouble is waited out; what was found before an end in failure counts", async () => {
  const busy = () => new Response("busy", { status: 503 })
  const asked: [string, Answer][] = [
    [`GET ${api}/first`, new EgressError("ECONNRESET", "cut")],
    [`GET ${api}/first`, busy()],
    [`GET ${api}/first`, { x: "1" }],
    ...[1, 2, 3, 4].map((): [string, Answer] => [`GET ${api}/second/1`, busy()]),
  ]
  const { found, waits, left } = await look("own", { asked })
  expect([found, waits, left]).toEqual([{ a: "1" }, [3_000, 6_000, 3_000, 6_000, 12_000], 0])
})

test("what is not allowed is not asked twice", async () => {
  const { found, waits } = await look("own", { asked: [[`GET ${api}/first`, new Response("{}", { status: 403 })]] })
  expect([found, waits]).toEqual([{}, []])
})

test("a value in the host of a step never leads to another one", async () => {
  const good = await look("region", { config: { region: "eu" }, asked: [["GET https://eu.api.test/me", { x: "1" }]] })
  expect(good.found).toEqual({ a: "1" })
  const bad = await look("region", { config: { region: "evil.test/#" } })
  expect([bad.found, sent]).toEqual([{}, []])
})

test("only the server's own hand writes members that say whose tokens they are", () => {
  for (const save of ["jwtToken", "userCredentials", "oauth_client_info", "pending"])
    expect(ConnectionLookup.safeParse({ save: { [save]: "x" } }).success).toBe(false)
})
