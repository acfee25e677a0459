import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { readTwoStep } from "../../src/auth/two-step-answer.ts"
import { readInstant, readSpan } from "../../src/auth/expiry.ts"
import { readClaims } from "../../src/kit/jwt.ts"
import type { AppError } from "../../src/kit/errors.ts"
import type { Provider } from "../../src/providers/model.ts"
import { inTransaction } from "../../src/app/context.ts"
import { findConnection } from "../../src/connections/connections.ts"
import { readConnectionConfig, saveSecrets } from "../../src/connections/credentials.ts"
import { reasonOf } from "../helpers/reason.ts"
import { rsa, startWorld, type World } from "./stage.ts"

const proxy = "proxy:\n  base_url: FAKE\n"
const robin = { username: "robin", password: "fake-password" }
const typed =
  "credentials:\n  username: {type: string, title: Name, description: x}\n  password: {type: string, title: Password, description: x}\n"
const params = "token_params:\n  username: ${credentials.username}\n  password: ${credentials.password}\n"
const login = `auth_mode: TWO_STEP\ntoken_url: FAKE/login\n${typed}${params}`
const response = "token_response:\n  token: data.token\n"

const providers = {
  plain: `${login}${response}token_response_metadata: [instance]\n${proxy}`,
  form: `${login}body_format: form\n${response}${proxy}`,
  xml: `auth_mode: TWO_STEP\ntoken_url: FAKE/login?answer=xml\n${typed}body_format: xml\ntoken_params:\n  login: {$v: "1", username: "\${credentials.username}", password: "\${credentials.password}"}\ntoken_response:\n  token: response.result.sessionid\n${proxy}`,
  get: `auth_mode: TWO_STEP\ntoken_url: FAKE/login\n${typed}token_request_method: GET\ntoken_headers:\n  authorization: Basic \${base64(\${credentials.username}:\${credentials.password})}\n${response}${proxy}`,
  bare: `${login.replace("/login", "/login?answer=text")}token_response:\n  token: ""\ntoken_expires_in_ms: 3600000\n${proxy}`,
  cookies: `${login.replace("/login", "/login/cookie")}token_response:\n  token: SessionId\ntoken_response_headers: [set-cookie]\n${proxy}  headers:\n    cookie: \${credentials._cookies}\n`,
  steps: `${login}additional_steps:
  - token_url: FAKE/login/exchange
    token_params: {token: "\${step1.data.token}"}
token_response:
  token: session.id
${proxy}`,
  badstep: `${login}additional_steps:
  - token_url: FAKE/login/exchange
    token_params: {token: nothing}
token_response:
  token: session.id
`,
  refreshing: `${login}${response}  refresh_token: data.refresh\n  token_expiration: data.expires_in\n  token_expiration_strategy: expireIn\nrefresh_url: FAKE/login/refresh\nrefresh_token_params:\n  refresh_token: \${refresh_token}\n${proxy}`,
  shared: `auth_mode: TWO_STEP\ntoken_url: FAKE/login\ncredentials:\n  username: {type: string, title: Name, description: x}\n  password: {type: string, title: P, description: x}\nintegration_config:\n  password: {type: string, title: Password, description: x}\n${params}${response}${proxy}  headers:\n    authorization: Bearer \${accessToken}\n    x-shared: \${credentials.password}\n`,
  assertion: `auth_mode: TWO_STEP\ntoken_url: FAKE/login\ncredentials:\n  clientId: {type: string, title: Id, description: x}\nassertion_option:\n  privateKey: {type: string, title: Key, description: x, secret: true}
assertion:
  type: jwt
  key: \${assertionOption.privateKey}
  lifetimeInSeconds: 7200
  header: {alg: RS256, kid: k}
  payload: {iss: "\${credentials.clientId}", jti: "\${random}"}
token_params: {username: robin, password: fake-password, a: "\${credentials.assertion}"}
${response}token_expires_in_ms: 3600000
${proxy}`,
  signed: `auth_mode: TWO_STEP\ntoken_url: FAKE/login\ncredentials:\n  key: {type: string, title: Key, description: x}\n  sub: {type: string, title: S, description: x, optional: true}
signature: {protocol: RSA}
token:
  signing_key: \${credentials.key}
  expires_in_ms: 60000
  header: {alg: RS256, typ: JWT}
  payload: {iss: me, sub: "\${credentials.sub}", scopes: ["a, b"]}
token_params: {username: robin, password: fake-password, assertion: "\${token}"}
${response}${proxy}`,
  hmac: `auth_mode: JWT\ncredentials:\n  privateKey: {type: string, title: Key, description: x}\nsignature: {protocol: HMAC}\ntoken:\n  signing_key: \${credentials.privateKey.secret}\n  expires_in_ms: 300000\n  header: {alg: HS256, kid: "\${credentials.privateKey.id}"}\n  payload: {aud: /admin/}\n${proxy}`,
  app: "auth_mode: APP\ntoken_url: FAKE/app/installations/${connectionConfig.installation_id}/access_tokens\n" + proxy,
}

let world: World
beforeAll(async () => {
  world = await startWorld(providers)
  for (const name of Object.keys(providers)) {
    const app = { type: "APP", app_id: "4711", app_link: "https://x.test", private_key: rsa.privateKey.trim() }
    const more =
      name === "shared"
        ? { integration_config: { password: "fake-password" } }
        : name === "app"
          ? { credentials: app }
          : {}
    await world.integrate(name, more)
  }
})
afterAll(() => world[Symbol.asyncDispose]())

const credentialsOf = async (key: string, id: string) =>
  (await world.get(key, id, "&refresh_token=true")).body.credentials
const seenAt = (path: string) => world.fake.requests.filter((seen) => seen.path === path)
const bodyAt = (path: string) => JSON.parse(seenAt(path).at(-1)?.body ?? "null")

describe("a login", () => {
  test.each(["plain", "form", "xml", "get", "bare", "steps"])("%s: works, and its token is good", async (key) => {
    const id = await world.type(key, robin)
    expect(await credentialsOf(key, id)).toMatchObject({
      type: "TWO_STEP",
      ...robin,
      token: expect.stringMatching(/^fake_access_/),
    })
    expect((await world.whoami(key, id)).body).toEqual({ auth: "bearer" })
  })
  test("tells the configuration what the entry wants to know", async () => {
    const id = await world.type("plain", robin, { instance: "mine", other: "1" })
    expect((await world.get("plain", id)).body.connection_config).toEqual({ instance: "n1", other: "1" })
  })
  test("keeps cookies, and sends them", async () => {
    const id = await world.type("cookies", robin)
    const { session, route, _cookies } = await credentialsOf("cookies", id)
    expect([_cookies, route]).toEqual([`session=${session}; route=n1`, "n1"])
    expect((await world.whoami("cookies", id)).body).toEqual({ auth: "cookie" })
    expect(world.fake.requests.at(-1)?.headers).toMatchObject({ cookie: _cookies })
  })
  test("says which step was refused", async () => {
    const error = (await reasonOf(world.type("badstep", robin))) as AppError
    expect([error.code, error.details.payload]).toMatchObject([
      "invalid_two_step_credentials",
      { step: 1, status: 401 },
    ])
  })
  test("is refreshed where there is a way, else done again", async () => {
    const id = await world.type("refreshing", robin)
    const before = await credentialsOf("refreshing", id)
    world.fake.clear()
    world.t.clock.advance(3_600_000)
    const after = await credentialsOf("refreshing", id)
    expect([seenAt("/login").length, seenAt("/login/refresh").length]).toEqual([0, 1])
    expect(bodyAt("/login/refresh")).toEqual({ refresh_token: before.refresh_token })
    expect(after.token).not.toBe(before.token)
  })
  test("uses what the owner set once for all, and does not store it with a person", async () => {
    const id = await world.type("shared", { username: "robin", password: "mine" })
    expect(bodyAt("/login")).toEqual(robin)
    expect("password" in (await credentialsOf("shared", id))).toBe(false)
    await world.whoami("shared", id)
    expect(world.fake.requests.at(-1)?.headers["x-shared"]).toBe("fake-password")
  })
  test("what is unknown is not stored", async () => {
    const id = await world.type("plain", { ...robin, nope: "x", __proto__: { a: 1 } })
    expect(Object.keys(await credentialsOf("plain", id)).toSorted()).toEqual(
      ["password", "raw", "token", "type", "username", ...(await ends("plain", id))].toSorted(),
    )
  })
  const ends = async (key: string, id: string) => ("expires_at" in (await credentialsOf(key, id)) ? ["expires_at"] : [])
})

describe("assertions", () => {
  test("one that a key made is kept for its life, the key is not; then somebody must come again", async () => {
    const id = await world.type("assertion", { clientId: "me", assertionOption: { privateKey: rsa.privateKey } })
    const stored = await credentialsOf("assertion", id)
    expect(readClaims(stored.assertion)).toMatchObject({ iss: "me", exp: world.t.clock.now().getTime() / 1000 + 7200 })
    expect(bodyAt("/login").a).toBe(stored.assertion)
    expect(JSON.stringify(stored)).not.toContain("PRIVATE KEY")
    world.t.clock.advance(3_000_000)
    expect((await credentialsOf("assertion", id)).assertion).toBe(stored.assertion)
    world.t.clock.advance(4_200_000)
    const late = await world.get("assertion", id)
    expect([late.status, late.body.error.message]).toEqual([
      400,
      "The assertion has expired. Connect again to make a new one.",
    ])
  })
  test("a JWT of the entry's recipe, without what nobody gave", async () => {
    await world.type("signed", { key: rsa.privateKey })
    const iat = Math.floor(world.t.clock.now().getTime() / 1000)
    expect(readClaims(bodyAt("/login").assertion)).toEqual({ iss: "me", scopes: ["a", "b"], iat, exp: iat + 60 })
  })
  test("a key written as id and secret, signed with HMAC", async () => {
    const id = await world.type("hmac", { privateKey: "abc123:00112233" })
    const { token, privateKey } = await credentialsOf("hmac", id)
    expect(privateKey).toEqual({ id: "abc123", secret: "00112233" })
    const [header = "", payload = "", signature] = token.split(".")
    expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({ alg: "HS256", typ: "JWT", kid: "abc123" })
    expect(
      createHmac("sha256", Buffer.from("00112233", "hex")).update(`${header}.${payload}`).digest("base64url"),
    ).toBe(signature)
    expect(((await reasonOf(world.type("hmac", { privateKey: "abc:xyz" }))) as AppError).code).toBe(
      "invalid_signing_key",
    )
  })
})

describe("an app", () => {
  test("shows a JWT of its own on demand, and makes a new one when it is old", async () => {
    const id = await world.type("app", { installation_id: 77 })
    const read = async (more = "") => (await world.get("app", id, more)).body.connection_config
    const first = await read()
    expect(first).toMatchObject({ installation_id: "77", app_id: "4711" })
    expect(readClaims(first.jwtToken)).toMatchObject({
      iss: "4711",
      exp: Math.floor(world.t.clock.now().getTime() / 1000) + 600,
    })
    world.t.clock.advance(595_000)
    expect((await read()).jwtToken).toBe(first.jwtToken)
    expect((await read("&refresh_github_app_jwt_token=true")).jwtToken).not.toBe(first.jwtToken)
  })
  test("renewed keeps what others change in its configuration meanwhile", async () => {
    const { ctx, app } = world.t
    const id = await world.type("app", { installation_id: 77 })
    world.t.clock.advance(595_000)
    const { send } = app.egress
    app.egress.send = async (request) => {
      const found = await findConnection(ctx, { connectionId: id, providerConfigKey: "app" })
      if (!found) throw new Error("gone")
      const connectionConfig = { ...readConnectionConfig(ctx, found.connection), site: "looked-up" }
      await inTransaction(ctx, (ctx) => saveSecrets(ctx, found.connection, { connectionConfig }))
      return send(request)
    }
    const renewed = await world.get("app", id, "&refresh_github_app_jwt_token=true")
    app.egress.send = send
    expect(renewed.body.connection_config).toMatchObject({ installation_id: "77", site: "looked-up" })
    expect((await world.get("app", id)).body.connection_config).toEqual(renewed.body.connection_config)
  })
  test("an installation that is gone is told as such", async () => {
    const error = (await reasonOf(world.type("app", { installation_id: "404" }))) as AppError
    expect([error.code, error.message]).toEqual(["app_token_fetch_error", "The provider answered 404: Not Found"])
  })
})

describe("imports of inputs", () => {
  const put = (provider_config_key: string, credentials: object, more: object = {}) =>
    world.t.request("POST", "/connections", { body: { provider_config_key, credentials, ...more } })
  test.each<[string, object, object]>([
    ["plain", { type: "TWO_STEP", ...robin }, { type: "TWO_STEP", token: expect.any(String) }],
    ["hmac", { type: "JWT", privateKey: "abc123:00112233" }, { type: "JWT", token: expect.any(String) }],
    ["app", { type: "APP", app_id: "4711", installation_id: "78" }, { type: "APP", access_token: expect.any(String) }],
  ])("%s: the token is made at once", async (key, credentials, stored) => {
    const { status, body } = await put(key, credentials)
    expect([status, body.credentials]).toMatchObject([201, stored])
  })
  test("wrong ones store nothing", async () => {
    const { status, body } = await put(
      "plain",
      { type: "TWO_STEP", username: "robin", password: "wrong-password" },
      { connection_id: "nope" },
    )
    expect([status, body.error.code]).toEqual([400, "two_step_credentials_fetch_error"])
    expect((await world.get("plain", "nope")).status).toBe(404)
    expect((await put("plain", { type: "JWT" })).body.error.message).toBe("Provider TWO_STEP does not support JWT auth")
  })
})

describe("ends", () => {
  const now = new Date("2026-03-01T12:00:00.000Z")
  const at = (provider: Partial<Provider>, body: object) =>
    readTwoStep({ token_response: { token: "t" }, ...provider } as Provider, { t: "x", ...body }, now).expires_at
  const response = (strategy: "expireAt" | "expireIn") => ({
    token_response: { token: "t", token_expiration: "e", token_expiration_strategy: strategy, refresh_token: "r" },
  })
  const jwt = (exp: number) => `${btoa("{}")}.${btoa(JSON.stringify({ exp }))}.x`
  const seconds = now.getTime() / 1000

  test.each<[string, Partial<Provider>, object, string | undefined]>([
    ["a date", response("expireAt"), { e: "2026-03-01T13:00:00Z" }, "2026-03-01T13:00:00.000Z"],
    ["days, hours and minutes", response("expireAt"), { e: "1:02:03" }, "2026-03-02T14:03:00.000Z"],
    ["seconds", response("expireIn"), { e: 60 }, "2026-03-01T12:01:00.000Z"],
    ["seconds as text", response("expireIn"), { e: "60" }, "2026-03-01T12:01:00.000Z"],
    ["words", response("expireIn"), { e: "2 hours" }, "2026-03-01T14:00:00.000Z"],
    ["a fixed life", { token_expires_in_ms: 60_000 }, {}, "2026-03-01T12:01:00.000Z"],
    ["no end at all", { token_expires_in_ms: 0 }, {}, undefined],
    ["nothing: in 99 years", {}, {}, "2125-02-05T12:00:00.000Z"],
    ["a JWT's own end, less a quarter of an hour", {}, { t: jwt(seconds + 3600) }, "2026-03-01T12:45:00.000Z"],
    ["a refresh token's end", response("expireIn"), { e: 7200, r: jwt(seconds + 3600) }, "2026-03-01T12:45:00.000Z"],
  ])("%s", (_, provider, body, expected) => expect(at(provider, body)).toBe(expected))
  test("one that cannot be read is an error", () => {
    expect(() => at(response("expireIn"), { e: "soon" })).toThrow("cannot be read")
    expect(() => at(response("expireAt"), { e: "soon" })).toThrow("cannot be read")
  })
  test.each<[string | number, number]>([
    ["15m", 900_000],
    ["2h", 7_200_000],
    ["1.5 days", 129_600_000],
    ["500ms", 500],
    ["1y", 31_557_600_000],
    [-5, -5000],
  ])("%p lasts %p ms", (text, ms) => {
    expect(readSpan(text)).toBe(ms)
  })
  test.each([[null], [""], ["x"], [{}], [Number.NaN], [0], [-1], ["1e999"]])("%p is no instant", (value) =>
    expect(readInstant(value, now)).toBeUndefined(),
  )
})
