import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { finishAuthorization, startAuthorization } from "../../src/auth/obtain.ts"
import type { AuthorizationRequest } from "../../src/auth/mode.ts"
import { challengeOf } from "../../src/auth/pkce.ts"
import type { AppError } from "../../src/kit/errors.ts"
import type { Provider } from "../../src/providers/model.ts"
import { buildAuthorizeUrl } from "../../src/auth/authorize-url.ts"
import { findIntegration } from "../../src/integrations/integrations.ts"
import { reasonOf } from "../helpers/reason.ts"
import { allow, callbackUrl, client, startWorld, type World } from "./stage.ts"

const base = {
  display_name: "x",
  docs: "https://x.test",
  auth_mode: "OAUTH2",
  authorization_url: "https://p.test/authorize",
} as Provider
const ctx = { now: () => new Date("2026-03-01T12:00:00Z") } as never
type More = {
  config?: Record<string, unknown>
  scopes?: string
  request?: Partial<AuthorizationRequest> & { codeVerifier?: string }
}
const build = (entry: Partial<Provider>, { config = {}, scopes = "read,write", request = {} }: More = {}) =>
  buildAuthorizeUrl(
    ctx,
    {
      provider: { ...base, ...entry },
      providerName: "x",
      uniqueKey: "x",
      app: { type: "OAUTH2", ...client, scopes },
      custom: {},
      connectionConfig: config,
    },
    { state: "the-state", callbackUrl: "https://me.test/cb?a=1", clientId: "id 1", ...request },
  )
const standard = "response_type=code&client_id=id%201&redirect_uri=https%3A%2F%2Fme.test%2Fcb%3Fa%3D1"

describe("the URL that a browser is sent to", () => {
  test.each<[string, Partial<Provider>, More, string]>([
    ["the standard", {}, {}, `https://p.test/authorize?${standard}&scope=read%20write&state=the-state`],
    [
      "another separator",
      { scope_separator: "," },
      {},
      `https://p.test/authorize?${standard}&scope=read%2Cwrite&state=the-state`,
    ],
    ["no scopes", {}, { scopes: "" }, `https://p.test/authorize?${standard}&scope=&state=the-state`],
    [
      "empty parameters dropped",
      { authorization_url_skip_empty: true },
      { scopes: "" },
      `https://p.test/authorize?${standard}&state=the-state`,
    ],
    [
      "a query of its own",
      { authorization_url: "https://p.test/authorize?tenant=1" },
      {},
      `https://p.test/authorize?tenant=1&${standard}&scope=read%20write&state=the-state`,
    ],
    [
      "parameters of the entry",
      { authorization_params: { access_type: "offline", prompt: "${connectionConfig.p}", session: false } },
      { config: { p: "a b" } },
      `https://p.test/authorize?${standard}&scope=read%20write&state=the-state&access_type=offline&prompt=a%20b&session=false`,
    ],
    [
      "the entry over the standard",
      { authorization_params: { response_type: "auth_code", scope: "*" } },
      {},
      `https://p.test/authorize?${standard.replace("=code&", "=auth_code&")}&scope=*&state=the-state`,
    ],
    [
      "the request over all, and without",
      { authorization_params: { prompt: "consent", x: "1" } },
      { request: { params: { prompt: "none", x: "undefined" } } },
      `https://p.test/authorize?${standard}&scope=read%20write&state=the-state&prompt=none`,
    ],
    [
      "user scopes",
      {},
      { request: { userScopes: "a,b" } },
      `https://p.test/authorize?${standard}&scope=read%20write&state=the-state&user_scope=a%2Cb`,
    ],
    [
      "PKCE",
      {},
      { request: { codeVerifier: "v" } },
      `https://p.test/authorize?${standard}&scope=read%20write&state=the-state&code_challenge=${challengeOf("v")}&code_challenge_method=S256`,
    ],
    [
      "scopes as they are",
      { authorization_url_skip_encode: ["scopes"], scope_separator: "+" },
      {},
      `https://p.test/authorize?${standard}&state=the-state&scope=read+write`,
    ],
    [
      "a fragment",
      { authorization_url: "https://p.test/#/x", authorization_url_fragment: "oauth/authorize" },
      {},
      `https://p.test/#/oauth/authorize?${standard}&scope=read%20write&state=the-state`,
    ],
    [
      "names replaced",
      { authorization_url_replacements: { client_id: "client_key", "redirect_uri=": "redirectUri=" } },
      {},
      `https://p.test/authorize?${standard.replace("client_id", "client_key").replace("redirect_uri", "redirectUri")}&scope=read%20write&state=the-state`,
    ],
    [
      "a host out of the configuration",
      { authorization_url: "https://${connectionConfig.sub}.p.test/a" },
      { config: { sub: "acme" } },
      `https://acme.p.test/a?${standard}&scope=read%20write&state=the-state`,
    ],
    [
      "a host with its port",
      { authorization_url: "https://${connectionConfig.host}/a" },
      { config: { host: "acme.test:8080" } },
      `https://acme.test:8080/a?${standard}&scope=read%20write&state=the-state`,
    ],
    [
      "one of two",
      { authorization_url: "https://${connectionConfig.sub}.p.test/a || https://p.test/b" },
      { config: { sub: "" } },
      `https://p.test/b?${standard}&scope=read%20write&state=the-state`,
    ],
    [
      "a value with a percent sign",
      { authorization_url: "https://p.test/${connectionConfig.t}/a" },
      { config: { t: "50%/x" } },
      `https://p.test/50%25%2Fx/a?${standard}&scope=read%20write&state=the-state`,
    ],
    [
      "a default of the configuration",
      {
        authorization_url: "https://${connectionConfig.sub}.p.test/a",
        connection_config: { sub: { default_value: "eu" } },
      },
      {},
      `https://eu.p.test/a?${standard}&scope=read%20write&state=the-state`,
    ],
    [
      "scopes of the connection",
      {},
      { config: { oauth_scopes_override: ["one"] } },
      `https://p.test/authorize?${standard}&scope=one&state=the-state`,
    ],
  ])("%s", (_, entry, more, url) => expect(build(entry, more)).toBe(url))

  test("the state is nobody's to replace", () => {
    const url = build({ authorization_params: { state: "a" } }, { request: { params: { state: "undefined" } } })
    expect(new URL(url).searchParams.get("state")).toBe("the-state")
  })

  test.each<[string, Record<string, unknown>]>([
    ["https://${connectionConfig.sub}.p.test/a", { sub: "evil.test/#" }],
    ["https://${connectionConfig.sub}.p.test/a", { sub: "evil.test?" }],
    ["https://${connectionConfig.sub}.p.test/a", { sub: "x@evil.test" }],
    ["https://${connectionConfig.sub}.p.test/a", { sub: "evil.test\\" }],
    ["https://${connectionConfig.sub}.p.test/a", { sub: "evil.test%2f" }],
    ["https://${connectionConfig.sub}.p.test/a", {}],
    ["${connectionConfig.url}", { url: "javascript:alert(1)" }],
    ["${connectionConfig.url}", { url: "file:///etc/passwd" }],
  ])("%s with %j is refused", (authorization_url, config) => {
    let refusal: AppError | undefined
    try {
      build({ authorization_url }, { config })
    } catch (error) {
      refusal = error as AppError
    }
    expect([refusal?.code, refusal?.status]).toEqual(["url_param_err", 400])
    for (const value of Object.values(config)) expect(refusal?.message).not.toContain(String(value))
  })
})

describe("the way through the browser", () => {
  let world: World
  const oauth =
    "auth_mode: OAUTH2\nauthorization_url: FAKE/oauth/authorize\ntoken_url: FAKE/oauth/token\nproxy:\n  base_url: FAKE\n"
  beforeAll(async () => {
    world = await startWorld({
      oauth,
      header: `${oauth}authorization_method: header\n`,
      basic: `${oauth}token_request_auth_method: basic\n`,
      json: `${oauth}body_format: json\n`,
      nopkce: `${oauth}disable_pkce: true\n`,
      told: `${oauth}token_response_metadata: [token_type, team.id, expires_in]\nredirect_uri_metadata: [realmId]\n`,
      late: `auth_mode: OAUTH2\nauthorization_url: FAKE/oauth/authorize\ntoken_url: \${connectionConfig.server}/oauth/token\nredirect_uri_metadata: [server]\nconnection_config:\n  server: {type: string, automated: true}\n`,
      either: `auth_mode: OAUTH2\nauthorization_url: FAKE/oauth/authorize\ntoken_url: https://\${connectionConfig.region}.invalid/oauth/token || \${connectionConfig.server}/oauth/token\nredirect_uri_metadata: [server]\nconnection_config:\n  region: {type: string, title: Region, description: x, optional: true}\n  server: {type: string, automated: true}\n`,
      cc: `${oauth}token_params:\n  grant_type: client_credentials\n`,
      outbound: `${oauth}installation: outbound\n`,
      oauth1:
        "auth_mode: OAUTH1\nrequest_url: FAKE/oauth1/request_token\nauthorization_url: FAKE/oauth1/authorize\ntoken_url: FAKE/oauth1/access_token\nsignature_method: PLAINTEXT\nrequest_params:\n  x: y\nproxy:\n  base_url: FAKE\n",
      sha256:
        "auth_mode: OAUTH1\nrequest_url: FAKE/oauth1/request_token\nauthorization_url: FAKE/oauth1/authorize\ntoken_url: FAKE/oauth1/access_token\nsignature_method: HMAC-SHA256\nproxy:\n  base_url: FAKE\n",
      bare: oauth,
    })
    for (const name of ["oauth", "header", "basic", "json", "nopkce", "told", "late", "either", "cc", "outbound"]) {
      await world.integrate(name, { credentials: { type: "OAUTH2", ...client } })
    }
    for (const name of ["oauth1", "sha256"]) await world.integrate(name, { credentials: { type: "OAUTH1", ...client } })
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const row = async (key: string) => {
    const found = await findIntegration(world.t.ctx, key)
    if (!found) throw new Error(key)
    return found
  }
  const start = async (
    key: string,
    more: Partial<AuthorizationRequest> & { connectionConfig?: Record<string, unknown> } = {},
  ) => startAuthorization(world.t.ctx, await row(key), { state: "s", callbackUrl, connectionConfig: {}, ...more })
  const finish = async (
    key: string,
    input: Omit<Parameters<typeof finishAuthorization>[2], "connectionConfig"> & {
      connectionConfig?: Record<string, unknown>
    },
  ) => finishAuthorization(world.t.ctx, await row(key), { connectionConfig: {}, ...input })
  const tokenRequest = () => {
    const seen = world.fake.requests.findLast(({ path }) => path === "/oauth/token")
    if (!seen) throw new Error("nobody asked for a token")
    const json = (seen.headers["content-type"] ?? "").includes("json")
    return {
      headers: seen.headers,
      params: json ? JSON.parse(seen.body) : Object.fromEntries(new URLSearchParams(seen.body)),
    }
  }
  const basic = `Basic ${btoa("fake-client-id:fake-client-secret")}`

  test.each<[string, { body: boolean; header?: string }]>([
    ["oauth", { body: true }],
    ["json", { body: true }],
    ["header", { body: false, header: basic }],
    ["basic", { body: true, header: basic }],
    ["nopkce", { body: true }],
  ])(
    "%s: the client proves itself as the entry says, for the code and for a refresh",
    async (key, { body, header }) => {
      world.fake.clear()
      const id = await world.authorize(key)
      const first = tokenRequest()
      expect(first.params).toMatchObject({
        grant_type: "authorization_code",
        redirect_uri: callbackUrl,
        code: expect.any(String),
      })
      expect("code_verifier" in first.params).toBe(key !== "nopkce")
      const refreshed = await world.get(key, id, "&force_refresh=true")
      expect(refreshed.status).toBe(200)
      const second = tokenRequest()
      expect(second.params).toMatchObject({ grant_type: "refresh_token", refresh_token: expect.any(String) })
      expect("redirect_uri" in second.params || "code_verifier" in second.params).toBe(false)
      for (const { params, headers } of [first, second]) {
        expect([params.client_id, params.client_secret]).toEqual(
          body ? [client.client_id, client.client_secret] : [undefined, undefined],
        )
        expect(headers.authorization).toBe(header)
      }
    },
  )

  test("what the provider tells goes under what the person gave, unless that is empty", async () => {
    const { url, remembered } = await start("told")
    const query = { ...(await allow(url, world.fake)), realmId: "r1", other: "x" }
    const obtained = await finish("told", {
      query,
      remembered,
      connectionConfig: { token_type: "", realmId: "mine", sub: "acme" },
    })
    expect(obtained.connectionConfig).toEqual({ token_type: "bearer", realmId: "mine", sub: "acme" })
  })

  test.each(["late", "either"])("%s: a token URL may need what only the callback tells", async (key) => {
    const { url, remembered } = await start(key)
    const query = { ...(await allow(url, world.fake)), server: world.fake.url }
    expect((await finish(key, { query, remembered })).credentials.type).toBe("OAUTH2")
  })

  test("a field that was left empty does not hide what the callback tells", async () => {
    const connectionConfig = { server: "" }
    const { url, remembered } = await start("late", { connectionConfig })
    const query = { ...(await allow(url, world.fake)), server: world.fake.url }
    const obtained = await finish("late", { query, remembered, connectionConfig })
    expect(obtained.connectionConfig).toEqual({ server: world.fake.url })
  })

  test("a client of the connection's own is used, kept, and used again", async () => {
    const override = {
      clientId: "fake-client-id",
      clientSecret: "fake-client-secret",
      refreshToken: "given-refresh-token",
    }
    const { url, remembered } = await start("oauth", { override })
    const { credentials } = await finish("oauth", { query: await allow(url, world.fake), remembered })
    expect(credentials).toMatchObject({ refresh_token: "given-refresh-token", config_override: client })
  })

  test("members that only the server writes cannot come from a browser", async () => {
    const { url, remembered } = await start("oauth")
    const evil = { oauth_client_info: { client_id: "x" }, jwtToken: "x", pending: true, userCredentials: {}, ok: "1" }
    const { connectionConfig } = await finish("oauth", {
      query: await allow(url, world.fake),
      remembered,
      connectionConfig: evil,
    })
    expect(connectionConfig).toEqual({ ok: "1" })
  })

  test("a code works once, and an answer without one is no answer", async () => {
    const { url, remembered } = await start("oauth")
    const query = await allow(url, world.fake)
    await finish("oauth", { query, remembered })
    const again = (await reasonOf(finish("oauth", { query, remembered }))) as AppError
    expect([again.code, again.message]).toEqual(["token_err", expect.stringContaining("the code was used before")])
    expect(again.message + JSON.stringify(again.details.payload)).not.toContain(query.code as string)
    const none = (await reasonOf(finish("oauth", { query: { error: "access_denied" }, remembered }))) as AppError
    expect(none.code).toBe("callback_err")
  })

  test("an answer to one attempt does not finish another", async () => {
    const [mine, theirs] = [await start("oauth"), await start("oauth")]
    const query = await allow(theirs.url, world.fake)
    const mixed = (await reasonOf(finish("oauth", { query, remembered: mine.remembered }))) as AppError
    expect([mixed.code, mixed.message]).toEqual(["token_err", expect.stringContaining("code_verifier")])
    const first = await start("oauth1")
    const second = await start("oauth1")
    const swapped = reasonOf(
      finish("oauth1", { query: await allow(second.url, world.fake), remembered: first.remembered }),
    )
    expect(((await swapped) as AppError).code).toBe("callback_err")
  })

  test.each(["oauth1", "sha256"])("%s: OAuth 1 with another signature method", async (key) => {
    const id = await world.authorize(key)
    expect((await world.whoami(key, id)).body).toEqual({ auth: "oauth1" })
  })

  test("a grant type that works without a browser is refused before anybody is sent anywhere", async () => {
    expect(((await reasonOf(start("cc"))) as AppError).code).toBe("grant_type_err")
  })

  test("an installation that begins at the provider makes a connection that waits", async () => {
    const id = await world.type("outbound", {})
    const { body } = await world.get("outbound", id)
    expect([body.credentials, body.connection_config]).toEqual([{ type: "OAUTH2" }, { pending: true }])
  })
})
