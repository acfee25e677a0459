import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHash, createHmac, generateKeyPairSync, sign as signBytes } from "node:crypto"
import { signWebhook, type WebhookScheme } from "../../src/fake-provider/webhooks.ts"
import { openIncoming } from "./incoming-room.ts"

let w: Awaited<ReturnType<typeof openIncoming>>
const now = () => Math.floor(w.t.clock.now().getTime() / 1000)
const secret = "the-webhook-secret"
const own = { custom: { webhookSecret: secret } }
beforeAll(async () => void (w = await openIncoming()))
afterAll(() => w.t.close())

const signed = (scheme: WebhookScheme, body: string, more: { secret?: string; timestamp?: number } = {}) =>
  signWebhook(body, { scheme, secret, timestamp: now(), id: "msg_1", ...more })
const hmac = (body: string, encoding: "hex" | "base64", algorithm = "sha256", key = secret) =>
  createHmac(algorithm, key).update(body).digest(encoding)

type Case = {
  name: string
  provider: string
  integration?: Record<string, unknown>
  auth?: string
  connection: Record<string, unknown>
  event: string
  body: unknown
  sign: (body: string) => Record<string, string>
  headers?: Record<string, string>
  query?: string
  /** What a function gets, when it is not the whole body. */
  payload?: unknown
}
const cases: Case[] = [
  {
    name: "github",
    provider: "github",
    integration: { credentials: { type: "OAUTH2", client_id: "i", client_secret: "s", webhook_secret: secret } },
    auth: "OAUTH2",
    connection: {},
    event: "issues",
    body: { action: "opened" },
    sign: (body) => signed("github-sha256", body),
    headers: { "x-github-event": "issues" },
    query: "?connection_id=c",
  },
  {
    name: "a GitHub app",
    provider: "the-app",
    integration: {
      credentials: {
        type: "APP",
        app_id: "7",
        app_link: "https://github.com/apps/x",
        private_key: "-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY-----",
      },
    },
    auth: "none",
    connection: { connection_config: { installation_id: "99" } },
    event: "push",
    body: { installation: { id: 99 } },
    sign: (body) => {
      const text = "7-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY-----https://github.com/apps/x"
      return signed("github-sha256", body, { secret: createHash("sha256").update(text).digest("hex") })
    },
    headers: { "x-github-event": "push" },
  },
  {
    name: "slack",
    provider: "slack",
    integration: { credentials: { type: "OAUTH2", client_id: "i", client_secret: "s", webhook_secret: secret } },
    auth: "OAUTH2",
    connection: { connection_config: { "team.id": "T1" } },
    event: "message",
    body: { type: "event_callback", team_id: "T1", event: { type: "message" } },
    sign: (body) => signed("slack-v0", body),
  },
  {
    name: "hubspot",
    provider: "hubspot",
    integration: { credentials: { type: "OAUTH2", client_id: "i", client_secret: "hub-secret" } },
    auth: "OAUTH2",
    connection: { connection_config: { portalId: 42 } },
    event: "contact.creation",
    body: [{ portalId: 42, subscriptionType: "contact.creation", objectId: 1 }],
    sign: (body) => signed("hubspot-v1", body, { secret: "hub-secret" }),
    payload: { portalId: 42, subscriptionType: "contact.creation", objectId: 1 },
  },
  {
    name: "stripe",
    provider: "stripe-api-key",
    integration: own,
    auth: "BASIC",
    connection: { connection_config: { context: "acct_1A2b3C4d5E6f7G8h" } },
    event: "invoice.paid",
    body: { type: "invoice.paid", account: "acct_1A2b3C4d5E6f7G8h" },
    sign: (body) => signed("stripe", body),
  },
  {
    name: "shopify",
    provider: "shopify",
    integration: own,
    connection: { connection_config: { subdomain: "acme" } },
    event: "orders/create",
    body: { id: 1 },
    sign: (body) => signed("shopify-hmac-base64", body),
    headers: { "x-shopify-topic": "orders/create", "x-shopify-shop-domain": "acme.myshopify.com" },
  },
  {
    name: "linear",
    provider: "linear",
    integration: own,
    connection: { connection_config: { organizationId: "o-1" } },
    event: "Issue",
    body: { type: "Issue", organizationId: "o-1" },
    sign: (body) => signed("linear", body),
  },
  {
    name: "jira",
    provider: "jira",
    integration: { credentials: { type: "OAUTH2", client_id: "i", client_secret: "s", webhook_secret: secret } },
    auth: "OAUTH2",
    connection: { connection_config: { baseUrl: "https://acme.atlassian.net/" } },
    event: "jira:issue_updated",
    body: { webhookEvent: "jira:issue_updated", issue: { self: "https://acme.atlassian.net/rest/api/2/issue/1" } },
    sign: (body) => ({ "x-hub-signature": `sha256=${hmac(body, "hex")}` }),
  },
  {
    name: "calendly",
    provider: "calendly",
    integration: own,
    connection: { connection_config: { owner: "u-1" } },
    event: "invitee.created",
    body: { event: "invitee.created", created_by: "u-1" },
    sign: (body) => ({ "calendly-webhook-signature": `t=${now()},v1=${hmac(`${now()}.${body}`, "hex")}` }),
  },
  {
    name: "fathom",
    provider: "fathom",
    integration: { custom: { webhookSecret: `whsec_${Buffer.from(secret).toString("base64")}` } },
    connection: { metadata: { emailAddress: "a@example.com" } },
    event: "*",
    body: { recorded_by: { email: "a@example.com" } },
    sign: (body) => signed("standard-webhooks", body),
  },
  {
    name: "autotask",
    provider: "autotask",
    integration: own,
    connection: { connection_config: { webhookGuid: "g-1" } },
    event: "Ticket",
    body: { Guid: "g-1", EntityType: "Ticket" },
    sign: (body) => ({ "x-hook-signature": `sha1=${hmac(body, "base64", "sha1")}` }),
  },
  {
    name: "sellsy",
    provider: "sellsy",
    integration: own,
    connection: { connection_config: { corpid: "12" } },
    event: "client.created",
    body: { relatedtype: "client", event: "created", corpid: "12" },
    sign: (body) => ({
      "x-webhook-signature": createHash("sha1")
        .update(secret + body)
        .digest("hex"),
    }),
  },
  {
    name: "xero",
    provider: "xero",
    integration: own,
    connection: { connection_config: { tenant_id: "t-1" } },
    event: "UPDATE",
    body: { events: [{ tenantId: "t-1", eventType: "UPDATE" }] },
    sign: (body) => ({ "x-xero-signature": hmac(body, "base64") }),
    payload: { tenantId: "t-1", eventType: "UPDATE" },
  },
  {
    name: "microsoft",
    provider: "microsoftclientcredentials",
    integration: own,
    connection: { connection_config: { tenantId: "m-1" } },
    event: "updated",
    body: { value: [{ tenantId: "m-1", changeType: "updated", clientState: secret }] },
    sign: () => ({}),
    payload: { tenantId: "m-1", changeType: "updated", clientState: secret },
  },
  {
    name: "pagerduty",
    provider: "pagerduty",
    connection: { metadata: { webhookSecret: secret } },
    event: "incident.triggered",
    body: { event: { event_type: "incident.triggered" } },
    sign: (body) => ({ "x-pagerduty-signature": `v1=${hmac("other", "hex")},v1=${hmac(body, "hex")}` }),
    headers: { "x-nango-connection-id": "c" },
  },
  {
    name: "gitlab",
    provider: "gitlab",
    connection: { metadata: { webhookSecret: secret } },
    event: "Push Hook",
    body: { object_kind: "push" },
    sign: () => ({ "x-gitlab-token": secret }),
    headers: { "x-gitlab-event": "Push Hook" },
    query: "?nangoConnectionId=c",
  },
]

const pair = generateKeyPairSync("rsa", { modulusLength: 2048 })
cases.push({
  name: "highlevel",
  provider: "highlevel",
  integration: { custom: { webhookSecret: pair.publicKey.export({ type: "spki", format: "pem" }).toString() } },
  connection: { connection_config: { companyId: "co-1" } },
  event: "INSTALL",
  body: { type: "INSTALL", companyId: "co-1", locationId: "unknown" },
  sign: (body) => ({ "x-wh-signature": signBytes("sha256", Buffer.from(body), pair.privateKey).toString("base64") }),
})

describe.each(cases)("$name", (one) => {
  const to = one.name.replaceAll(" ", "-")
  const text = ` ${JSON.stringify(one.body)}\n`
  beforeAll(async () => {
    await w.integrate(to, one.provider, one.integration)
    if (one.auth === "none") await connectApp(to, one.connection)
    else
      for (const [id, more] of [
        ["other", {}],
        ["c", one.connection],
      ] as const)
        await w.connect(to, id, more, one.auth)
    await w.listen({ [`on-${to}`]: [to, one.event], [`not-${to}`]: [to, "something.else"] })
  })
  const mine = async () => (await w.runs()).filter((run) => run.startsWith(`on-${to} `) || run.startsWith(`not-${to} `))

  test("a good signature over the very bytes runs the function once, on the connection that is meant", async () => {
    const answer = await w.send(to, text, { ...one.headers, ...one.sign(text) }, one.query)
    expect([answer.status, answer.body]).toEqual([200, { status: "success" }])
    expect(await mine()).toEqual([`on-${to} c ${JSON.stringify(one.payload ?? one.body)}`])
    expect((await w.inbox(`integration=${to}`))[0]).toMatchObject({ state: "matched", connections: ["c"], error: null })
  })

  test("another body, another key, or none is refused, and runs nothing", async () => {
    const before = await mine()
    const wrong = one.sign(text)
    for (const [name, value] of Object.entries(wrong))
      if (/signature|sha256|token/.test(name)) wrong[name] = value.replace(/.{6}$/, "aaaaaa")
    const bodies = one.name === "microsoft" ? [text.replace(secret, "wrong"), text.replace(secret, "")] : [text, text]
    const headers = one.name === "microsoft" ? [{}, {}] : [wrong, {}]
    for (const [n, body] of bodies.entries()) {
      const answer = await w.send(to, body, { ...one.headers, ...headers[n] }, one.query)
      // What the app itself signs is looked at when it is there: GitHub sends none until a secret was set.
      const isLoose = one.provider === "the-app" && n === 1
      expect([n, answer.status]).toEqual([n, isLoose ? 200 : 401])
      if (!isLoose) expect(typeof answer.body.error).toBe("string")
    }
    if (one.provider !== "the-app") expect(await mine()).toEqual(before)
  })
})

/** Connections of apps come from an installation; here they are only somebody to be found. */
async function connectApp(to: string, more: Record<string, unknown>): Promise<void> {
  const { inTransaction } = await import("../../src/app/context.ts")
  const { getIntegration } = await import("../../src/integrations/integrations.ts")
  const { saveConnection } = await import("../../src/connections/save.ts")
  const integration = await getIntegration(w.t.ctx, to)
  await inTransaction(w.t.ctx, (ctx) =>
    saveConnection(ctx, integration, {
      connectionId: "c",
      credentials: {},
      connectionConfig: (more.connection_config ?? {}) as Record<string, unknown>,
      metadata: {},
      endUser: null,
      tags: {},
      webhookUrlOverride: null,
    }),
  )
}

test.each([
  ["slack", "slack-v0"],
  ["stripe", "stripe"],
  ["fathom", "standard-webhooks"],
] as const)("%s: a signature is good for five minutes only", async (to, scheme) => {
  const found = cases.find((one) => one.name === to)
  const text = JSON.stringify(found?.body)
  for (const [age, status] of [
    [290, 200],
    [310, 401],
    [-290, 200],
    [-310, 401],
  ] as const)
    expect([age, (await w.send(to, text, signed(scheme, text, { timestamp: now() - age }))).status]).toEqual([
      age,
      status,
    ])
})
