import { describe, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import type { OAuth2Credentials } from "../../src/auth/credentials.ts"
import type { AuthCtx, AuthTarget } from "../../src/auth/mode.ts"
import { oauth2, redeemCode, renewOAuth2, startOAuth2 } from "../../src/auth/modes/oauth2.ts"
import type { OutboundRequest } from "../../src/kit/fetch.ts"
import { readClaims } from "../../src/kit/jwt.ts"
import { exchangeRecipes } from "../../src/providers/exchange-recipes.ts"
import { withExchangeRecipe } from "../../src/providers/exchange.ts"
import type { Provider } from "../../src/providers/model.ts"
import { ProviderEntry } from "../../src/providers/model.ts"
import { reasonOf } from "../helpers/reason.ts"
import { authContext, rsa } from "./stage.ts"

/*
 * What is sent to each provider that wants it another way, and what is made of its answer. The entries are such as a
 * public catalogue file has them: they say nothing of all this.
 */
const now = new Date("2026-03-01T12:00:00.000Z")
const after = (seconds: number) => new Date(now.getTime() + seconds * 1000).toISOString()
const basic = (text: string) => `Basic ${btoa(text)}`
const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`
type Sent = { line: string; query: object; body: unknown; headers: Record<string, string> }

function stand(answers: unknown[]): { ctx: AuthCtx; sent: Sent[] } {
  const sent: Sent[] = []
  const send = async ({ url, method = "GET", headers, body }: OutboundRequest) => {
    const { origin, pathname, searchParams } = new URL(String(url))
    const all = { ...(headers as Record<string, string>) }
    const text = String(body ?? "")
    const read = all["content-type"]?.includes("json")
      ? JSON.parse(text)
      : Object.fromEntries(new URLSearchParams(text))
    sent.push({
      line: `${method} ${origin}${pathname}`,
      query: Object.fromEntries(searchParams),
      body: text === "" ? "" : read,
      headers: all,
    })
    const next = answers.shift()
    const answer: unknown = typeof next === "function" ? next() : next
    return answer instanceof Response ? answer : Response.json(answer)
  }
  return { ctx: authContext(send, now), sent }
}

const secret = "the-secret-of-the-client"
function targetOf(id: string, entry: Partial<Provider> = {}, more: Partial<AuthTarget> = {}): AuthTarget {
  const written: Provider = {
    display_name: "x",
    docs: "",
    auth_mode: "OAUTH2",
    authorization_url: "https://p.test/a",
    token_url: "https://p.test/token",
    disable_pkce: true,
    proxy: { base_url: siteOfRecipe(id) },
    ...entry,
  }
  return {
    provider: withExchangeRecipe([id], written),
    providerName: id,
    uniqueKey: id,
    app: { type: "OAUTH2", client_id: "the-id", client_secret: secret, scopes: "a,b" },
    custom: {},
    connectionConfig: {},
    ...more,
  }
}

/** The address that a recipe asks at: entries of its id know the site. */
const siteOfRecipe = (id: string): string =>
  /https:\/\/[^/"$]+/.exec(JSON.stringify(exchangeRecipes[id] ?? {}))?.[0] ?? "https://p.test"

const old: OAuth2Credentials = { type: "OAUTH2", access_token: "old-access", refresh_token: "old-refresh", raw: {} }
const client = { client_id: "the-id", client_secret: secret }
const code = { grant_type: "authorization_code", code: "the-code", redirect_uri: "https://me.test/cb" }
const again = { grant_type: "refresh_token", refresh_token: "old-refresh" }
const good = { access_token: "t", refresh_token: "r", expires_in: 600 }
const form = { "content-type": "application/x-www-form-urlencoded" }
const json = { "content-type": "application/json" }
const at = "POST https://p.test/token"
const secretKey = { authorization: basic(`${secret}:`) }
const inHeader = { authorization: basic(`the-id:${secret}`) }

type Half = {
  answers?: unknown[]
  /** Requests in order; what is not named is not looked at. `part` is a part of the body. */
  sent: { line?: string; query?: object; body?: unknown; part?: object; headers?: Record<string, string> }[]
  got?: Partial<OAuth2Credentials>
  config?: Record<string, unknown>
}
type Case = {
  entry?: Partial<Provider>
  target?: Partial<AuthTarget>
  stored?: Partial<OAuth2Credentials>
  exchange?: Half
  refresh?: Half
}

const expected = { access_token: "t", refresh_token: "r", expires_at: after(600) }
const anHour = { ...expected, expires_at: after(3600) }
const plain = (body: object, headers: Record<string, string> = form): Half => ({
  sent: [{ line: at, body, headers }],
  got: expected,
})
const graph = (host: string, prefix: string): Case => ({
  entry: { refresh_url: `https://${host}/refresh_access_token` },
  exchange: {
    answers: [{ access_token: "short" }, { access_token: "t", expires_in: 600 }],
    sent: [
      { line: at, body: { ...code, ...client }, headers: form },
      {
        line: `GET https://${host}/access_token`,
        query: { grant_type: `${prefix}_exchange_token`, client_secret: secret, access_token: "short" },
        body: "",
      },
    ],
    got: { access_token: "t", expires_at: after(600) },
  },
  refresh: {
    sent: [
      {
        line: `GET https://${host}/refresh_access_token`,
        query: { grant_type: `${prefix}_refresh_token`, access_token: "old-access" },
        body: "",
      },
    ],
    got: expected,
  },
})
const figma: Case = {
  entry: { refresh_url: "https://p.test/refresh", token_request_auth_method: "basic" },
  exchange: {
    sent: [
      {
        line: at,
        query: { redirect_uri: code.redirect_uri },
        body: { grant_type: "authorization_code", code: "the-code", ...client },
        headers: json,
      },
    ],
    got: expected,
  },
  refresh: {
    answers: [{ access_token: "t", expires_in: 600 }],
    sent: [{ line: "POST https://p.test/refresh", body: { ...client, refresh_token: "old-refresh" }, headers: json }],
    got: { ...expected, refresh_token: "old-refresh" },
  },
}
const stripe: Case = {
  exchange: {
    sent: [{ body: { grant_type: "authorization_code", code: "the-code" }, headers: { ...form, ...secretKey } }],
    got: anHour,
  },
  refresh: { sent: [{ body: again, headers: { ...form, ...secretKey } }], got: anHour },
}
const coros: Case = {
  entry: { refresh_url: "https://p.test/refresh" },
  exchange: plain({ ...code, ...client }),
  refresh: {
    answers: [{ result: "0000", message: "OK" }],
    sent: [{ line: "POST https://p.test/refresh", body: { ...again, ...client }, headers: form }],
    got: { access_token: "old-access", refresh_token: "old-refresh", expires_at: after(2_592_000) },
  },
}
const publicClient: Case = {
  exchange: plain({ ...code, client_id: "the-id" }),
  refresh: plain({ ...again, client_id: "the-id" }),
}
const sharepoint: Case = {
  exchange: {
    answers: [
      { ...good, access_token: jwt({ tid: "ten" }) },
      { access_token: "second", expires_in: 1200 },
    ],
    sent: [
      { line: at, body: { ...code, ...client } },
      {
        line: "POST https://login.microsoftonline.com/ten/oauth2/v2.0/token",
        body: {
          ...client,
          grant_type: "refresh_token",
          refresh_token: "r",
          scope: "https://ten.sharepoint.com/Sites.Read.All",
        },
      },
    ],
    config: { sharepointAccessToken: { access_token: "second", expires_in: 1200, expires_at: after(1200) } },
  },
  refresh: {
    answers: [{ ...good, access_token: jwt({ tid: "ten" }) }, () => new Response("no", { status: 400 })],
    sent: [{ body: { ...again, ...client } }, {}],
    got: { refresh_token: "r", expires_at: after(600) },
    config: { sharepointAccessToken: undefined },
  },
}
const login = {
  line: "POST https://rest-west.bullhornstaffing.com/rest-services/login",
  query: { version: "*", ttl: "10080", access_token: "t" },
  body: "",
}
const logged = { BhRestToken: "rest", restUrl: "https://rest91.test/" }
const tenant = (body: object, name: string): Half["sent"] => [
  { line: `POST https://login.microsoftonline.com/${name}/oauth2/v2.0/token`, body },
]
const sentry = { token: "t", refreshToken: "r", expiresAt: after(600) }
const walmart = { ...form, ...inHeader, "wm_svc.name": "Walmart Marketplace", "wm_partner.id": "seller" }
const shop = { code: 200, data: { accessToken: "t", expireTime: after(600) } }
const stamp = String(now.getTime())
const signed = (text: string) => createHmac("sha256", secret).update(text).digest("hex")
const shopHeaders = (text: string) => ({ appkey: "the-id", timestamp: stamp, sign: signed(text) })

const cases: Record<string, Case> = {
  "absorb-lms": {
    target: { connectionConfig: { apiKey: "key" } },
    exchange: {
      sent: [
        {
          part: { ...code, ...client, scope: "a b" },
          headers: { "x-api-key": "key", "x-api-version": "2" },
        },
      ],
      got: expected,
    },
  },
  agiloft: { refresh: plain({ ...again, ...client, md5_secret: secret.slice(0, 20) }) },
  "attio-mcp": publicClient,
  bullhorn: {
    entry: { token_response_metadata: ["restUrl"] },
    exchange: {
      answers: [good, logged],
      sent: [{ line: at, query: { ...code, ...client }, body: "" }, login],
      got: { access_token: "rest", refresh_token: "r", expires_at: after(604_800) },
      config: { restUrl: "https://rest91.test/" },
    },
    refresh: {
      answers: [good, logged],
      sent: [{ line: at, query: { ...again, ...client }, body: "" }, login],
      got: { access_token: "rest", refresh_token: "r", expires_at: after(604_800) },
    },
  },
  clover: {
    entry: { refresh_url: "https://p.test/refresh" },
    exchange: {
      answers: [{ access_token: "t", refresh_token: "r", access_token_expiration: now.getTime() / 1000 + 600 }],
      sent: [{ body: { ...client, code: "the-code" }, headers: json }],
      got: expected,
    },
    refresh: {
      answers: [{ access_token: "t", refresh_token: "r", access_token_expiration: now.getTime() / 1000 + 600 }],
      sent: [
        {
          line: "POST https://p.test/refresh",
          body: { client_id: "the-id", refresh_token: "old-refresh" },
          headers: json,
        },
      ],
      got: expected,
    },
  },
  coros,
  "coros-sandbox": coros,
  facebook: {
    exchange: {
      sent: [{ query: { redirect_uri: code.redirect_uri }, body: { ...client, code: "the-code" }, headers: json }],
      got: expected,
    },
    refresh: {
      sent: [
        { line: at, query: { ...client, grant_type: "fb_exchange_token", fb_exchange_token: "old-access" }, body: "" },
      ],
      got: expected,
    },
  },
  fanvue: {
    exchange: plain(code, { ...form, ...inHeader }),
    refresh: plain(again, { ...form, ...inHeader }),
  },
  figjam: figma,
  figma,
  followupboss: {
    exchange: plain({ ...code, state: "the-state" }, inHeader),
    refresh: plain(again, inHeader),
  },
  heygen: {
    entry: { refresh_url: "https://p.test/refresh" },
    exchange: publicClient.exchange,
    refresh: {
      sent: [{ line: "POST https://p.test/refresh", body: { ...again, client_id: "the-id" } }],
      got: expected,
    },
  },
  instagram: graph("graph.instagram.com", "ig"),
  jobber: {
    exchange: { ...plain({ ...code, ...client }), got: anHour },
    refresh: { ...plain({ ...again, ...client }), got: anHour },
  },
  mercury: { exchange: plain(code), refresh: plain(again) },
  "microsoft-admin": {
    stored: { access_token: jwt({ tid: "ten" }), refresh_token: undefined },
    exchange: {
      sent: tenant({ ...client, grant_type: "client_credentials", scope: "a b" }, "the-code"),
      got: expected,
    },
    refresh: { sent: tenant({ ...client, grant_type: "client_credentials", scope: "a b" }, "ten"), got: expected },
  },
  "microsoft-teams-bot": {
    target: { connectionConfig: { botHostTenantId: "host" } },
    exchange: {
      answers: [good, { access_token: "bot", expires_in: 1200 }],
      sent: [
        { body: { ...code, ...client } },
        {
          line: "POST https://login.microsoftonline.com/host/oauth2/v2.0/token",
          body: { ...client, grant_type: "client_credentials", scope: "https://api.botframework.com/.default" },
        },
      ],
      got: expected,
      config: { botFrameworkAccessToken: { access_token: "bot", expires_in: 1200, expires_at: after(1200) } },
    },
  },
  "one-drive": sharepoint,
  "posthog-oauth": publicClient,
  "revolut-business": {
    entry: { refresh_url: "https://p.test/refresh" },
    target: { app: { type: "OAUTH2", client_id: "the-id", client_secret: rsa.privateKey } },
    exchange: {
      sent: [{ part: code, headers: form }],
      got: expected,
    },
    refresh: {
      sent: [
        {
          line: "POST https://p.test/refresh",
          part: again,
        },
      ],
      got: expected,
    },
  },
  "sentry-oauth": {
    exchange: {
      answers: [() => Response.json(sentry, { status: 201 })],
      sent: [{ body: { grant_type: "authorization_code", code: "the-code", ...client }, headers: json }],
      got: expected,
    },
    refresh: { answers: [sentry], sent: [{ body: { ...again, ...client }, headers: json }], got: expected },
  },
  "sharepoint-online": sharepoint,
  "shopline-oauth": {
    entry: { refresh_url: "https://p.test/refresh" },
    stored: { refresh_token: undefined },
    exchange: {
      answers: [shop],
      sent: [{ body: { code: "the-code" }, headers: { ...json, ...shopHeaders(`{"code":"the-code"}${stamp}`) } }],
      got: { access_token: "t", expires_at: after(600) },
    },
    refresh: {
      answers: [shop],
      sent: [{ line: "POST https://p.test/refresh", body: "", headers: shopHeaders(stamp) }],
      got: { access_token: "t", expires_at: after(600) },
    },
  },
  slack: {
    entry: { alternate_access_token_response_path: "authed_user" },
    stored: { raw: { authed_user: { access_token: "person" } } },
    exchange: plain({ ...code, ...client }),
    refresh: {
      ...plain({ ...again, ...client }),
      got: { ...expected, raw: { authed_user: { access_token: "person" }, ...good } },
    },
  },
  "stripe-app": stripe,
  "stripe-app-sandbox": stripe,
  threads: graph("graph.threads.net", "th"),
  "tiktok-accounts": {
    entry: { refresh_url: "https://p.test/refresh" },
    exchange: {
      answers: [{ code: 0, data: good }],
      sent: [
        {
          body: { ...client, grant_type: "authorization_code", auth_code: "the-code", redirect_uri: code.redirect_uri },
          headers: json,
        },
      ],
      got: expected,
    },
    refresh: {
      answers: [{ code: 0, data: good }],
      sent: [{ line: "POST https://p.test/refresh", body: { ...again, ...client }, headers: json }],
      got: expected,
    },
  },
  "tiktok-ads": {
    exchange: {
      answers: [{ code: 0, data: { access_token: "t" } }],
      sent: [{ body: { app_id: "the-id", secret, auth_code: "the-code" }, headers: json }],
      got: { access_token: "t" },
    },
  },
  "tiktok-personal": {
    exchange: plain({ ...code, client_key: "the-id", client_secret: secret }),
    refresh: plain({ ...again, client_key: "the-id", client_secret: secret }),
  },
  walmart: {
    target: { connectionConfig: { sellerId: "seller" } },
    exchange: { ...plain(code, walmart), answers: [good] },
    refresh: plain(again, walmart),
  },
  "workday-oauth": {
    exchange: { ...plain(code, { ...form, ...inHeader }), got: anHour },
    refresh: { ...plain(again, { ...form, ...inHeader }), got: anHour },
  },
}

function check(half: Half, sent: Sent[], obtained: Awaited<ReturnType<typeof redeemCode>>): void {
  expect(sent).toHaveLength(half.sent.length)
  for (const [n, { headers = {}, part, ...wanted }] of half.sent.entries()) {
    if (wanted.line) expect(sent[n]?.line).toBe(wanted.line)
    if (part) expect(sent[n]?.body).toMatchObject(part)
    if ("body" in wanted) expect(sent[n]?.body).toEqual(wanted.body)
    if (wanted.query) expect(sent[n]?.query).toEqual(wanted.query)
    const lower = Object.fromEntries(Object.entries(sent[n]?.headers ?? {}).map(([k, v]) => [k.toLowerCase(), v]))
    expect(lower).toMatchObject(headers)
    if (!("authorization" in headers)) expect(lower.authorization).toBeUndefined()
  }
  const { credentials, connectionConfig } = obtained
  expect(credentials).toMatchObject({ ...half.got })
  if (half.config) expect(connectionConfig).toEqual(half.config)
}

const halves = (half: "exchange" | "refresh") =>
  Object.entries(cases).flatMap(([id, one]) => (one[half] ? [[id, one, one[half]] as const] : []))

test.each(halves("exchange"))("%s exchanges a code", async (id, { entry, target }, half) => {
  const { ctx, sent } = stand([...(half.answers ?? [good])])
  const names = { code: "the-code", redirectUri: code.redirect_uri, state: "the-state" }
  check(half, sent, await redeemCode(ctx, targetOf(id, entry, target), names))
})

test.each(halves("refresh"))("%s refreshes", async (id, { entry, target, stored }, half) => {
  const { ctx, sent } = stand([...(half.answers ?? [good])])
  const credentials = { ...old, ...stored }
  const subject = targetOf(id, entry, target)
  expect(oauth2.canRenew?.(subject, credentials)).toBe(true)
  check(half, sent, await renewOAuth2(ctx, subject, credentials))
})

test("every id with an exchange has a case; every recipe is a valid one", () => {
  const ids = Object.entries(exchangeRecipes).flatMap(([id, recipe]) =>
    recipe.token_hosts || recipe.installation_proof ? [] : id,
  )
  expect(Object.keys(cases).toSorted()).toEqual(ids.toSorted())
  for (const recipe of Object.values(exchangeRecipes)) ProviderEntry.partial().parse(recipe)
})

describe("a recipe", () => {
  const entry = targetOf("none").provider
  test("goes to the aliases of its id, and never over what an entry says itself", () => {
    expect(withExchangeRecipe(["mine", "jobber"], entry).token_exchange?.expires_in).toBe(3600)
    const own = { ...entry, token_exchange: { client: "none" as const } }
    expect(withExchangeRecipe(["jobber"], own)).toBe(own)
    expect(withExchangeRecipe(["toString"], entry)).toBe(entry)
  })

  test("asks where the entry leads when that is not the site that its id is known for", async () => {
    const entry = { token_url: "http://127.0.0.1:9/token", proxy: { base_url: "http://127.0.0.1:9" } }
    for (const [id, asked] of [
      ["instagram", "GET http://127.0.0.1:9/access_token"],
      ["bullhorn", "POST http://127.0.0.1:9/rest-services/login"],
      ["microsoft-admin", "POST http://127.0.0.1:9/c/oauth2/v2.0/token"],
    ] as const) {
      const { ctx, sent } = stand([{ access_token: jwt({ tid: "t" }) }, { access_token: "b", BhRestToken: "b" }])
      await redeemCode(ctx, targetOf(id, entry), { code: "c", redirectUri: "https://me.test/cb" })
      expect(sent.at(-1)?.line).toBe(asked)
    }
    const { extra_token } = targetOf("one-drive", entry).provider
    expect(extra_token?.url).toBe("http://127.0.0.1:9/${claims.tid}/oauth2/v2.0/token")
  })

  test("makes an answer an error that says so with status 200", async () => {
    for (const [id, answer] of [
      ["slack", { ok: false, error: "bad_code", access_token: "t" }],
      ["tiktok-ads", { code: 40_105, message: "bad_code", data: { access_token: "t" } }],
    ] as const) {
      const { ctx } = stand([answer])
      const reason = await reasonOf(redeemCode(ctx, targetOf(id), { code: "c", redirectUri: "https://me.test/cb" }))
      expect(reason).toMatchObject({ code: "token_err", message: "The provider refused: bad_code" })
    }
    const { ctx } = stand([{ result: "1001", message: "expired" }])
    const reason = await reasonOf(renewOAuth2(ctx, targetOf("coros"), old))
    expect(reason).toMatchObject({ code: "refresh_token_external_error" })
  })

  test("renews a connection before its second token ends", () => {
    const subject = (expires_at: string) => ({
      provider: targetOf("one-drive").provider,
      connectionConfig: { sharepointAccessToken: { access_token: "x", expires_at } },
    })
    const when = { now: now.getTime(), marginMs: 60_000 }
    expect(oauth2.isStale?.(subject(after(59)), old, when)).toBe(true)
    expect(oauth2.isStale?.(subject(after(61)), old, when)).toBe(false)
  })

  test("with a grant of its own begins with a redirect all the same", async () => {
    const entry = { token_params: { grant_type: "client_credentials" }, authorization_code_param_in_callback: "tenant" }
    const request = { state: "s", callbackUrl: "https://me.test/cb" }
    const start = (id: string) => startOAuth2(stand([]).ctx, targetOf(id, entry), request)
    expect((await start("microsoft-admin")).url).toStartWith("https://p.test/a?")
    expect(await reasonOf(start("none"))).toMatchObject({ code: "grant_type_err" })
  })

  test("never uses a nonce twice", async () => {
    const { ctx, sent } = stand([good, good])
    for (let n = 0; n < 2; n++)
      await redeemCode(ctx, targetOf("absorb-lms"), { code: "c", redirectUri: "https://me.test/cb" })
    const [first, second] = sent.map(({ body }) => (body as { nonce: string }).nonce)
    expect(first).toMatch(/^[0-9a-f-]{36}$/)
    expect(second).not.toBe(first as string)
  })

  test("names the callback's host in what a client signs for itself", async () => {
    const app = { type: "OAUTH2" as const, client_id: "the-id", client_secret: rsa.privateKey }
    const { ctx, sent } = stand([good])
    await redeemCode(ctx, targetOf("revolut-business", {}, { app }), { code: "c", redirectUri: "https://cb.test/x" })
    const body = sent[0]?.body as { client_assertion: string } | undefined
    expect(readClaims(body?.client_assertion ?? "")).toMatchObject({
      iss: "cb.test",
      sub: "the-id",
      aud: "https://revolut.com",
      exp: now.getTime() / 1000 + 300,
    })
  })
})

describe("where a secret may be sent", () => {
  const zoho = {
    authorization_url: "https://accounts.zoho.${connectionConfig.extension}/a || https://accounts.zoho.com/a",
    token_url: "https://accounts.zoho.${connectionConfig.extension}/t || ${connectionConfig.accounts-server}/t",
    redirect_uri_metadata: ["accounts-server"],
    connection_config: { extension: { enum: ["com", "eu"] } },
  }
  const dealt = {
    authorization_url: "https://login.shop.example.com/a",
    token_url: "https://${connectionConfig.host}/t",
    redirect_uri_metadata: ["host"],
  }
  const server = {
    authorization_url: "https://${connectionConfig.host}/a",
    token_url: "https://${connectionConfig.host}/t",
  }
  const picked = { ...server, connection_config: { host: { enum: ["a.test", "b.test"] } } }

  test.each<[string, Partial<Provider>, Record<string, unknown>, boolean]>([
    ["zoho-crm", zoho, { "accounts-server": "https://accounts.zoho.eu" }, true],
    ["zoho-crm", zoho, { "accounts-server": "https://accounts.zohocloud.ca" }, true],
    ["zoho-crm", zoho, { extension: "sa" }, true],
    ["zoho-crm", zoho, { "accounts-server": "http://accounts.zoho.eu" }, false],
    ["zoho-crm", zoho, { "accounts-server": "https://evil.test" }, false],
    ["zoho-crm", zoho, { "accounts-server": "https://evilzoho.com" }, false],
    ["zoho-crm", zoho, { "accounts-server": "https://accounts.zoho.com.evil.test" }, false],
    ["zoho-crm", zoho, { "accounts-server": "https://accounts.zoho.com@evil.test" }, false],
    ["zoho-crm", zoho, { extension: "evil.test" }, false],
    ["x", zoho, { extension: "evil.test" }, false],
    ["x", zoho, { "accounts-server": "https://accounts.zoho.eu" }, false],
    ["x", { ...zoho, token_hosts: ["zoho.eu"] }, { "accounts-server": "https://accounts.zoho.eu" }, true],
    ["x", dealt, { host: "eu.example.com" }, true],
    ["x", dealt, { host: "evil.test" }, false],
    ["x", { ...dealt, authorization_url: "https://a.co.uk/a" }, { host: "evil.co.uk" }, false],
    ["x", { ...dealt, authorization_url: "http://127.0.0.1:9/a" }, { host: "127.0.0.1:8" }, true],
    ["x", { ...dealt, authorization_url: "http://127.0.0.1:9/a" }, { host: "10.7.0.1" }, false],
    ["x", { ...zoho, authorization_url: "http://localhost:9/a" }, { "accounts-server": "http://localhost:9" }, true],
    ["x", { ...dealt, token_url: "https://${connectionConfig.host}.example.com/t" }, { host: "anything" }, true],
    ["x", server, { host: "their.own.server" }, true],
    ["x", picked, { host: "b.test" }, true],
    ["x", picked, { host: "c.test" }, false],
  ])("%s %j with %j: %p", async (id, entry, connectionConfig, isAllowed) => {
    const { ctx, sent } = stand([good])
    const target = targetOf(id, entry, { connectionConfig })
    const redeemed = redeemCode(ctx, target, { code: "c", redirectUri: "https://me.test/cb" })
    if (isAllowed) await redeemed
    else expect(await reasonOf(redeemed)).toMatchObject({ code: "url_param_err" })
    expect(sent).toHaveLength(isAllowed ? 1 : 0)
  })
})
