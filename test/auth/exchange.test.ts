import { describe, expect, test } from "bun:test"
import type { OAuth2Credentials } from "../../src/auth/credentials.ts"
import { readOAuth2 } from "../../src/auth/oauth2-answer.ts"
import { renewOAuth2, redeemCode } from "../../src/auth/modes/oauth2.ts"
import { oauth2Cc } from "../../src/auth/modes/oauth2-cc.ts"
import { authFaults } from "../../src/auth/faults.ts"
import { expiryOf } from "../../src/connections/credentials.ts"
import type { AuthCtx, AuthTarget } from "../../src/auth/mode.ts"
import { readClaims } from "../../src/kit/jwt.ts"
import type { OutboundRequest } from "../../src/kit/fetch.ts"
import type { AppError } from "../../src/kit/errors.ts"
import type { Provider } from "../../src/providers/model.ts"
import { reasonOf } from "../helpers/reason.ts"
import { generateKeyPairSync } from "node:crypto"
import { authContext, rsa } from "./stage.ts"

const now = new Date("2026-03-01T12:00:00.000Z")
const inOneHour = "2026-03-01T13:00:00.000Z"
type Sent = { url: string; method: string; headers: Record<string, string>; body: string; tls?: unknown }

/** A provider of one's own making: it answers what the test says, and keeps what it was sent. */
function stand(answers: unknown[]): { ctx: AuthCtx; sent: Sent[] } {
  const sent: Sent[] = []
  const send = async (request: OutboundRequest) => {
    const { url, method = "GET", headers, body, tls } = request
    sent.push({ url: String(url), method, headers: { ...(headers as object) }, body: String(body ?? ""), tls })
    const next = answers.shift()
    return next instanceof Response ? next : Response.json(next)
  }
  return { ctx: authContext(send, now), sent }
}

const targetOf = (entry: Partial<Provider>, more: Partial<AuthTarget> = {}): AuthTarget => ({
  provider: {
    display_name: "x",
    docs: "",
    auth_mode: "OAUTH2",
    authorization_url: "https://p.test/a",
    token_url: "https://p.test/token",
    ...entry,
  },
  providerName: "x",
  uniqueKey: "x",
  app: { type: "OAUTH2", client_id: "the-id", client_secret: "the-secret" },
  custom: {},
  connectionConfig: {},
  ...more,
})
const formOf = ({ body }: Sent) => Object.fromEntries(new URLSearchParams(body))
const old: OAuth2Credentials = { type: "OAUTH2", access_token: "old-access", refresh_token: "old-refresh", raw: {} }
const code = { code: "the-code", redirectUri: "https://me.test/cb", codeVerifier: "the-verifier", state: "the-state" }
const good = { access_token: "t", expires_in: 3600 }

describe("what an answer says", () => {
  const read = (body: never, entry: Partial<Provider> = {}, knobs = {}) =>
    readOAuth2(body, { provider: targetOf(entry).provider, knobs, now, refused: authFaults.token_err, secrets: [] })
  const slack = { alternate_access_token_response_path: "authed_user" }

  test.each<[string, unknown, Partial<Provider>, object, Record<string, unknown>]>([
    [
      "the standard",
      { access_token: "t", refresh_token: "r", expires_in: 3600 },
      {},
      {},
      { access_token: "t", refresh_token: "r", expires_at: inOneHour },
    ],
    ["no end", { access_token: "t" }, {}, {}, { access_token: "t", expires_at: undefined }],
    [
      "an end before a life time",
      { access_token: "t", expires_at: 1_772_370_000, expires_in: 1 },
      {},
      {},
      { expires_at: inOneHour },
    ],
    ["an end in milliseconds", { access_token: "t", expires_at: 1_772_370_000_000 }, {}, {}, { expires_at: inOneHour }],
    ["a life time as text", { access_token: "t", expires_in: "3600" }, {}, {}, { expires_at: inOneHour }],
    [
      "a life time in milliseconds",
      { access_token: "t", expires_in: 3_600_000 },
      { expires_in_unit: "milliseconds" },
      {},
      { expires_at: inOneHour },
    ],
    ["a life time that says nothing", { access_token: "t", expires_in: "soon" }, {}, {}, { expires_at: undefined }],
    ["a number as token", { access_token: 12345678 }, {}, {}, { access_token: "12345678" }],
    [
      "Slack with a user token only",
      { ok: true, authed_user: { access_token: "u", refresh_token: "r", expires_in: 3600 } },
      slack,
      {},
      { access_token: "u", refresh_token: "r", expires_at: inOneHour },
    ],
    [
      "Slack with a bot token",
      { ok: true, access_token: "b", authed_user: { access_token: "u" } },
      slack,
      {},
      { access_token: "b" },
    ],
    [
      "names of its own",
      { data: { accessToken: "t", refreshToken: "r", ttl: 3600 } },
      {},
      {
        response_path: "data",
        response: { access_token: "accessToken", refresh_token: "refreshToken", expires_in: "ttl" },
      },
      { access_token: "t", refresh_token: "r", expires_at: inOneHour },
    ],
    ["a life that is known", { access_token: "t", expires_in: 1 }, {}, { expires_in: 3600 }, { expires_at: inOneHour }],
  ])("%s", (_, body, entry, knobs, expected) => {
    const credentials = read(body as never, entry, knobs)
    for (const [name, value] of Object.entries(expected))
      expect([name, (credentials as never)[name]]).toEqual([name, value as never])
    expect(credentials.raw).toEqual(body as never)
  })

  test.each([[{}], [{ access_token: "" }], [{ access_token: null }], ["text"], [[1]]])("%j holds no token", (body) => {
    expect(() => read(body as never)).toThrow("holds no token")
  })
  test("an error with status 200 is told as the provider says it", () => {
    expect(() => read({ ok: false, error: "invalid_code" } as never, slack)).toThrow(
      "The provider refused: invalid_code",
    )
  })
})

describe("how a code is exchanged", () => {
  const redeem = async (entry: Partial<Provider>, answers: unknown[] = [good], more: Partial<AuthTarget> = {}) => {
    const { ctx, sent } = stand(answers)
    const obtained = await redeemCode(ctx, targetOf(entry, more), code)
    return { obtained, sent, first: sent[0] as Sent }
  }
  const standard = {
    grant_type: "authorization_code",
    code: "the-code",
    redirect_uri: "https://me.test/cb",
    code_verifier: "the-verifier",
    client_id: "the-id",
    client_secret: "the-secret",
  }

  test("as a form that is not redirected", async () => {
    const { first } = await redeem({})
    expect([first.method, first.url, formOf(first)]).toEqual(["POST", "https://p.test/token", standard])
    expect(first.headers).toMatchObject({
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded",
    })
  })
  test("the entry's parameters are filled in and win; a query of the URL stays", async () => {
    const entry = {
      token_url: "https://p.test/token?key=${connectionConfig.k}",
      token_params: { context: "stores/${connectionConfig.k}", expiring: 1 },
    }
    const { first } = await redeem(entry, [good], { connectionConfig: { k: "a&b" } })
    expect([first.url, formOf(first)]).toEqual([
      "https://p.test/token?key=a%26b",
      { ...standard, context: "stores/a&b", expiring: "1" },
    ])
  })
  test.each<[string, NonNullable<Provider["token_exchange"]>, (sent: Sent) => unknown, unknown]>([
    [
      "client and secret in Basic only",
      { client: "basic" },
      ({ headers, body }) => [headers.authorization, /client/.test(body)],
      [`Basic ${btoa("the-id:the-secret")}`, false],
    ],
    [
      "the secret alone in Basic",
      { client: "basic_secret" },
      ({ headers }) => headers.authorization,
      `Basic ${btoa("the-secret:")}`,
    ],
    [
      "a public client",
      { client: "none" },
      (sent) => [formOf(sent).client_id, formOf(sent).client_secret],
      ["the-id", undefined],
    ],
    ["no client at all", { client: "none", omit: ["client_id"] }, (sent) => "client_id" in formOf(sent), false],
    [
      "other names as JSON",
      {
        format: "json",
        rename: { client_id: "app_id", client_secret: "secret", code: "auth_code" },
        omit: ["grant_type", "redirect_uri", "code_verifier"],
      },
      ({ body }) => JSON.parse(body),
      { app_id: "the-id", secret: "the-secret", auth_code: "the-code" },
    ],
    [
      "all in the query",
      { format: "query" },
      ({ url, body }) => [Object.fromEntries(new URL(url).searchParams), body],
      [standard, ""],
    ],
    [
      "parts in the query, headers and parameters of its own",
      {
        query: { redirect_uri: "${redirectUri}" },
        headers: { "x-id": "${random}", "x-seller": "${connectionConfig.none}" },
        params: { state: "${state}" },
      },
      ({ url, headers, body }) => [
        url,
        /^[0-9a-f-]{36}$/.test(headers["x-id"] ?? ""),
        "x-seller" in headers,
        new URLSearchParams(body).get("state"),
      ],
      ["https://p.test/token?redirect_uri=https%3A%2F%2Fme.test%2Fcb", true, false, "the-state"],
    ],
  ])("%s", async (_, token_exchange, look, expected) => {
    const { first } = await redeem({ token_exchange })
    expect(look(first)).toEqual(expected)
  })
  test("an assertion signed with the client's key", async () => {
    const app = { type: "OAUTH2" as const, client_id: "the-id", client_secret: rsa.privateKey }
    const { first } = await redeem(
      { token_exchange: { client: "assertion", assertion: { iss: "me.test", aud: "https://bank.test" } } },
      [good],
      { app },
    )
    const { client_assertion, client_assertion_type, ...rest } = formOf(first)
    expect(readClaims(client_assertion ?? "")).toMatchObject({
      iss: "me.test",
      sub: "the-id",
      aud: "https://bank.test",
      exp: now.getTime() / 1000 + 300,
    })
    expect(client_assertion_type).toEndWith("jwt-bearer")
    expect("client_secret" in rest).toBe(false)
  })
  test("twice, where the first token is short-lived", async () => {
    const token_exchange = {
      omit: ["client_secret"],
      then: {
        url: "https://graph.test/long",
        method: "GET" as const,
        client: "body" as const,
        rename: { client_id: "id" },
        params: { grant_type: "exchange", t: "${accessToken}" },
      },
    }
    const { obtained, sent } = await redeem({ token_exchange }, [
      { access_token: "short" },
      { access_token: "long", expires_in: 3600 },
    ])
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "POST https://p.test/token",
      "GET https://graph.test/long?id=the-id&client_secret=the-secret&grant_type=exchange&t=short",
    ])
    expect(obtained.credentials).toMatchObject({ access_token: "long", expires_at: inOneHour })
  })
  test("an answer that the entry calls bad is one, whatever its status", async () => {
    const token_exchange = { response_path: "data", fail_if: [{ path: "code", matches: "^[^0]" }] }
    const { ctx } = stand([{ code: 7, error: "no such app", data: { access_token: "t" } }])
    const refused = (await reasonOf(redeemCode(ctx, targetOf({ token_exchange }), code))) as AppError
    expect([refused.code, refused.message]).toEqual(["token_err", "The provider refused: no such app"])
  })
  test("an end that nobody told is asked for", async () => {
    const entry = { introspection_url: "https://p.test/introspect" }
    const { obtained, sent } = await redeem(entry, [
      { access_token: "t" },
      { active: true, exp: now.getTime() / 1000 + 3600 },
    ])
    expect([obtained.credentials, sent[1]?.url]).toMatchObject([{ expires_at: inOneHour }, "https://p.test/introspect"])
    const silent = await redeem(entry, [{ access_token: "t" }, new Response("no", { status: 500 })])
    expect(obtained.credentials.type).toBe("OAUTH2")
    expect(expiryOf(silent.obtained.credentials, now)).toBe(now.getTime() + 30 * 60_000)
  })
})

describe("how a token is refreshed", () => {
  const refresh = async (entry: Partial<Provider>, stored = old, more: Partial<AuthTarget> = {}) => {
    const { ctx, sent } = stand([good])
    await renewOAuth2(ctx, targetOf(entry, more), stored)
    return sent[0] as Sent
  }
  const client = { client_id: "the-id", client_secret: "the-secret" }

  test.each<[string, Partial<Provider>, Record<string, string>]>([
    ["the standard", {}, { grant_type: "refresh_token", refresh_token: "old-refresh", ...client }],
    [
      "parameters of the code never ask for a code",
      { token_params: { grant_type: "authorization_code", request: "token" } },
      { grant_type: "refresh_token", refresh_token: "old-refresh", request: "token", ...client },
    ],
    [
      "parameters of its own replace them",
      { token_params: { x: "1" }, refresh_params: { scope: "a" } },
      { grant_type: "refresh_token", refresh_token: "old-refresh", scope: "a", ...client },
    ],
    [
      "and may say another grant type",
      { refresh_params: { type: "refresh", grant_type: "token" } },
      { grant_type: "token", type: "refresh", refresh_token: "old-refresh", ...client },
    ],
    [
      "placeholders are filled in",
      { refresh_params: { resource: "https://${connectionConfig.env}" } },
      { grant_type: "refresh_token", refresh_token: "old-refresh", resource: "https://acme.test", ...client },
    ],
  ])("%s", async (_, entry, expected) => {
    expect(formOf(await refresh(entry, old, { connectionConfig: { env: "acme.test" } }))).toEqual(expected)
  })
  test("at a URL of its own, with the client of the connection", async () => {
    const sent = await refresh(
      { refresh_url: "https://p.test/again" },
      { ...old, config_override: { client_id: "mine", client_secret: "mine-too" } },
    )
    expect([sent.url, formOf(sent)]).toMatchObject([
      "https://p.test/again",
      { client_id: "mine", client_secret: "mine-too" },
    ])
  })
  test("a client of the connection without a secret gets none from the integration", async () => {
    const sent = await refresh({}, { ...old, config_override: { client_id: "mine" } })
    expect(formOf(sent)).toMatchObject({ client_id: "mine" })
    expect(sent.body).not.toContain("the-secret")
  })
  test("with the access token, where there is nothing else", async () => {
    const refresh_exchange = {
      format: "query" as const,
      without_refresh_token: true,
      omit: ["refresh_token"],
      params: { grant_type: "fb_exchange_token", fb_exchange_token: "${accessToken}" },
    }
    const { url } = await refresh({ refresh_exchange })
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      ...client,
      grant_type: "fb_exchange_token",
      fb_exchange_token: "old-access",
    })
  })
})

describe("client credentials", () => {
  const fetchToken = async (
    entry: Partial<Provider>,
    typed: Record<string, string>,
    answer: unknown = good,
    more: Partial<AuthTarget> = {},
  ) => {
    const { ctx, sent } = stand([answer])
    const target = targetOf(
      { auth_mode: "OAUTH2_CC", token_params: { grant_type: "client_credentials" }, ...entry },
      { app: undefined, ...more },
    )
    const obtained = await oauth2Cc.typed?.(ctx, target, typed)
    return {
      sent: sent[0] as Sent,
      credentials: obtained?.credentials as Record<string, unknown>,
      config: obtained?.connectionConfig,
    }
  }
  const typed = { client_id: "cid", client_secret: "csecret" }

  test.each<[string, Partial<Provider>, (sent: Sent) => unknown, unknown]>([
    ["in the body", {}, formOf, { grant_type: "client_credentials", ...typed }],
    [
      "in Basic only",
      { token_request_auth_method: "basic" },
      (sent) => [sent.headers.authorization, formOf(sent)],
      [`Basic ${btoa("cid:csecret")}`, { grant_type: "client_credentials" }],
    ],
    [
      "as user and password",
      { token_request_auth_method: "custom", body_format: "json", token_params: {} },
      ({ body }) => JSON.parse(body),
      { username: "cid", password: "csecret" },
    ],
    [
      "in the query",
      { body_format: "query" },
      ({ url, body }) => [url, body],
      ["https://p.test/token?client_id=cid&client_secret=csecret&grant_type=client_credentials", ""],
    ],
    ["with scopes", { scope_separator: "," }, (sent) => formOf(sent).scope, "a,b"],
  ])("%s", async (_, entry, look, expected) => {
    const connectionConfig = entry.scope_separator ? { oauth_scopes: "a, b" } : {}
    expect(look((await fetchToken(entry, typed, good, { connectionConfig })).sent)).toEqual(expected)
  })

  test.each<[string, unknown, Partial<Provider>, string | undefined]>([
    ["an hour", good, {}, inOneHour],
    ["nothing: 55 minutes", { access_token: "t" }, {}, "2026-03-01T12:55:00.000Z"],
    ["milliseconds", { access_token: "t", expires_in: 3_600_000 }, { expires_in_unit: "milliseconds" }, inOneHour],
    ["a token under data", { data: { token: "t" } }, {}, "2026-03-01T12:55:00.000Z"],
    ["a token called jwt", { jwt: "t" }, {}, "2026-03-01T12:55:00.000Z"],
  ])("an answer that says %s", async (_, answer, entry, expires_at) => {
    const { credentials } = await fetchToken(entry, typed, answer)
    expect(credentials).toMatchObject({ type: "OAUTH2_CC", token: "t", ...typed, expires_at, raw: answer })
  })

  test("what the answer tells goes into the configuration", async () => {
    const { config } = await fetchToken({ token_response_metadata: ["instance_url"] }, typed, {
      ...good,
      instance_url: "https://i.test",
      x: 1,
    })
    expect(config).toEqual({ instance_url: "https://i.test" })
  })

  const keys = generateKeyPairSync("rsa", { modulusLength: 2048 })
  test("private_key_jwt with a JWK, and never with what is none", async () => {
    const jwk = JSON.stringify({ ...keys.privateKey.export({ format: "jwk" }), kid: "k1" })
    const { sent } = await fetchToken(
      { token_request_auth_method: "private_key_jwt" },
      { client_id: "cid", client_private_key: jwk },
    )
    const { client_assertion = "", ...rest } = formOf(sent)
    expect(JSON.parse(Buffer.from(client_assertion.split(".")[0] ?? "", "base64url").toString())).toEqual({
      alg: "RS256",
      typ: "JWT",
      kid: "k1",
    })
    expect(readClaims(client_assertion)).toMatchObject({ iss: "cid", sub: "cid", aud: "https://p.test/token" })
    expect(Object.keys(rest).toSorted()).toEqual(["client_assertion_type", "client_id", "grant_type"])
    const bad = (await reasonOf(
      fetchToken(
        { token_request_auth_method: "private_key_jwt" },
        { client_id: "cid", client_private_key: "secret-nonsense" },
      ),
    )) as AppError
    expect([bad.code, bad.message.includes("secret-nonsense")]).toEqual(["invalid_client_private_key_format", false])
    const none = (await reasonOf(
      fetchToken({ token_request_auth_method: "private_key_jwt" }, { client_id: "cid" }),
    )) as AppError
    expect(none.code).toBe("missing_client_private_key")
  })
  test("mutual TLS wants a certificate and its own key", async () => {
    const bad = { ...typed, client_certificate: "no", client_private_key: "no" }
    expect(((await reasonOf(fetchToken({}, bad))) as AppError).code).toBe("invalid_certificate_or_key_format")
    expect(((await reasonOf(fetchToken({ require_client_certificate: true }, typed))) as AppError).code).toBe(
      "invalid_certificate_or_key_format",
    )
  })
})
