import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { Database } from "bun:sqlite"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { modes } from "../../src/auth/modes.ts"
import type { AppError } from "../../src/kit/errors.ts"
import { type AuthMode, authModes } from "../../src/providers/model.ts"
import { reasonOf } from "../helpers/reason.ts"
import { client, rsa, startWorld, type World } from "./stage.ts"

/** One line of the conformance table: how connections of a mode are made, and what must then be true. */
type Row = {
  provider: string
  integration?: Record<string, unknown>
  config?: Record<string, unknown>
  /** What a person types; undefined: the browser way. */
  typed?: Record<string, unknown>
  /** `type` of what is stored. */
  stored: string | undefined
  /** How the provider sees a proxied request. */
  proof: string
  /** Input that no provider gets to see, and the code that refuses it. */
  malformed?: [unknown, string][]
  /** Input that the provider refuses, the code, and words of its that are shown. */
  refused?: [unknown, string, string]
}

const proxy = `proxy:\n  base_url: FAKE\n`
const verified = `${proxy}  verification:\n    method: GET\n    endpoints: [/whoami]\n`
const fields = (...names: string[]) =>
  `credentials:\n${names.map((name) => `  ${name}: {type: string, title: ${name}, description: x}\n`).join("")}`
const robin = { username: "robin", password: "fake-password" }
const endpoints = `authorization_url: FAKE/oauth/authorize\ntoken_url: FAKE/oauth/token\n`
const app = { app_id: "4711", app_link: "https://app.example.com/apps/fake", private_key: rsa.privateKey.trim() }
const oauthClient = (type: string) => ({ credentials: { type, ...client } })

const rows: Record<AuthMode, Row> = {
  OAUTH2: {
    provider: `auth_mode: OAUTH2\n${endpoints}${proxy}`,
    integration: oauthClient("OAUTH2"),
    stored: "OAUTH2",
    proof: "bearer",
  },
  API_KEY: {
    provider: `auth_mode: API_KEY\n${fields("apiKey")}${verified}  headers:\n    x-api-key: \${apiKey}\n`,
    typed: { apiKey: "fake-api-key" },
    stored: "API_KEY",
    proof: "api_key",
    malformed: [
      [{}, "invalid_body"],
      [{ apiKey: "" }, "invalid_body"],
      [{ apiKey: 7 }, "invalid_body"],
      ["x", "invalid_body"],
    ],
    refused: [{ apiKey: "wrong-api-key" }, "connection_test_failed", "invalid"],
  },
  OAUTH2_CC: {
    provider: `auth_mode: OAUTH2_CC\ntoken_url: FAKE/oauth/token\ntoken_params:\n  grant_type: client_credentials\n${proxy}`,
    typed: client,
    stored: "OAUTH2_CC",
    proof: "bearer",
    malformed: [
      [{}, "invalid_body"],
      [{ client_id: "x" }, "missing_client_secret"],
      [null, "invalid_body"],
    ],
    refused: [{ ...client, client_secret: "wrong-secret" }, "client_credentials_fetch_error", "invalid_client"],
  },
  BASIC: {
    provider: `auth_mode: BASIC\n${verified}`,
    typed: robin,
    stored: "BASIC",
    proof: "basic",
    malformed: [
      [{ username: 1, password: "x" }, "invalid_body"],
      [{ username: "x".repeat(1025) }, "invalid_body"],
    ],
    refused: [{ ...robin, password: "wrong-password" }, "connection_test_failed", "invalid"],
  },
  TWO_STEP: {
    provider: `auth_mode: TWO_STEP\ntoken_url: FAKE/login\n${fields("username", "password")}token_params:
  username: \${credentials.username}
  password: \${credentials.password}
token_response:
  token: data.token
  token_expiration: data.expires_in
  token_expiration_strategy: expireIn
${proxy}`,
    typed: { type: "TWO_STEP", ...robin },
    stored: "TWO_STEP",
    proof: "bearer",
    malformed: [
      [{ username: "robin" }, "invalid_body"],
      [{ ...robin, password: ["x"] }, "invalid_body"],
    ],
    refused: [
      { ...robin, password: "wrong-password" },
      "two_step_credentials_fetch_error",
      "The name or the password is wrong.",
    ],
  },
  MCP_OAUTH2: {
    provider: `auth_mode: MCP_OAUTH2\nclient_registration: dynamic\nregistration_url: FAKE/oauth/register\n${endpoints}${proxy}`,
    stored: "OAUTH2",
    proof: "bearer",
  },
  MCP_OAUTH2_GENERIC: {
    provider:
      "auth_mode: MCP_OAUTH2_GENERIC\nconnection_config:\n  mcp_server_url: {type: string, title: URL, description: x}\nproxy:\n  base_url: https://mcp.example.com\n",
    config: { mcp_server_url: "https://mcp.example.com/mcp" },
    stored: "OAUTH2",
    proof: "bearer",
  },
  JWT: {
    provider: `auth_mode: JWT\n${fields("keyId", "privateKey")}signature:
  protocol: RSA
token:
  signing_key: \${credentials.privateKey}
  expires_in_ms: 300000
  header: {alg: RS256, kid: "\${credentials.keyId}"}
  payload: {iss: "\${credentials.keyId}", left: "\${credentials.out}"}
${proxy}`,
    typed: { keyId: "k1", privateKey: rsa.privateKey },
    stored: "JWT",
    // The fake knows no such token; that one is sent is looked at below.
    proof: "",
    malformed: [
      [{ keyId: "k1" }, "invalid_body"],
      [{ keyId: "k1", privateKey: "no key" }, "invalid_signing_key"],
    ],
  },
  OAUTH1: {
    provider: `auth_mode: OAUTH1\nrequest_url: FAKE/oauth1/request_token\nauthorization_url: FAKE/oauth1/authorize
token_url: FAKE/oauth1/access_token\nsignature_method: HMAC-SHA1\n${proxy}`,
    integration: oauthClient("OAUTH1"),
    stored: "OAUTH1",
    proof: "oauth1",
  },
  BILL: {
    provider: `auth_mode: BILL\ntoken_url: FAKE/bill/login\n${proxy}  headers:\n    x-session: \${credentials.session_id}\n`,
    typed: { ...robin, organization_id: "org", dev_key: "fake-api-key" },
    stored: "BILL",
    proof: "bearer",
    malformed: [[robin, "invalid_body"]],
    refused: [{ ...robin, organization_id: "org", dev_key: "wrong-dev-key" }, "bill_credentials_fetch_error", "wrong"],
  },
  NONE: { provider: `auth_mode: NONE\n${proxy}`, typed: {}, stored: undefined, proof: "" },
  APP: {
    provider: `auth_mode: APP\ntoken_url: FAKE/app/installations/\${connectionConfig.installation_id}/access_tokens\n${proxy}`,
    integration: { credentials: { type: "APP", ...app } },
    stored: "APP",
    proof: "bearer",
  },
  CUSTOM: {
    provider: `auth_mode: CUSTOM\nauthorization_url: \${connectionConfig.appPublicLink}/installations/new\ntoken_url:
  OAUTH2: FAKE/oauth/token
  APP: FAKE/app/installations/\${connectionConfig.installation_id}/access_tokens
${proxy}`,
    integration: { credentials: { type: "CUSTOM", ...client, ...app } },
    stored: "APP",
    proof: "bearer",
  },
  TBA: {
    provider: `auth_mode: TBA\nconnection_config:\n  accountId: {type: string, title: Account, description: x}\n${proxy}`,
    integration: oauthClient("TBA"),
    config: { accountId: "123-sb1" },
    typed: { token_id: "token-id-1234", token_secret: "token-secret-1234" },
    stored: "TBA",
    proof: "",
    malformed: [[{ token_id: "x" }, "invalid_body"]],
  },
  SIGNATURE: {
    provider: `auth_mode: SIGNATURE\nsignature: {protocol: WSSE}\ntoken: {expires_in_ms: 300000}\n${fields("username", "password")}${verified}  headers:\n    x-wsse: \${accessToken}\n`,
    typed: { type: "SIGNATURE", ...robin },
    stored: "SIGNATURE",
    proof: "wsse",
    malformed: [[{ username: "robin" }, "invalid_body"]],
    refused: [{ ...robin, password: "wrong-password" }, "connection_test_failed", "invalid"],
  },
  AWS_SIGV4: {
    provider: `auth_mode: AWS_SIGV4\n${fields("role_arn")}integration_config:
  service: {type: string, title: Service, description: x}
  defaultRegion: {type: string, title: Region, description: x}
  awsAccessKeyId: {type: string, title: Key, description: x}
  awsSecretAccessKey: {type: string, title: Secret, description: x}
${proxy}`,
    integration: {
      integration_config: {
        service: "execute-api",
        defaultRegion: "eu-west-1",
        awsAccessKeyId: "AKIAFAKE",
        awsSecretAccessKey: "fake-aws-secret-key",
      },
    },
    typed: { role_arn: "arn:aws:iam::123456789012:role/fake-role" },
    stored: "AWS_SIGV4",
    proof: "aws",
    malformed: [
      [{ role_arn: "fake-role" }, "invalid_body"],
      [{ role_arn: "arn:aws:iam::123456789012:role/x", region: "../evil" }, "invalid_body"],
    ],
    refused: [{ role_arn: "arn:aws:iam::123456789012:role/other" }, "aws_assume_role_error", "403"],
  },
  INSTALL_PLUGIN: {
    provider: `auth_mode: INSTALL_PLUGIN\nauth_type: BASIC\nredirect_uri_metadata: [website_id]\n${verified}`,
    integration: { custom: { ...robin, app_link: "https://plugin.example.com/install" } },
    stored: "BASIC",
    proof: "basic",
  },
}

const keyOf = (mode: AuthMode) => mode.toLowerCase().replaceAll("_", "-")
const providers = Object.fromEntries(authModes.map((mode) => [keyOf(mode), rows[mode].provider]))
const table = authModes.map((mode) => [mode, rows[mode]] as const)

let world: World
beforeAll(async () => {
  world = await startWorld(providers)
  for (const [mode, row] of table) await world.integrate(keyOf(mode), row.integration)
})
afterAll(() => world[Symbol.asyncDispose]())

const connect = (mode: AuthMode, row: Row) =>
  row.typed ? world.type(keyOf(mode), row.typed, row.config) : world.authorize(keyOf(mode), row.config)
const errorOf = async (promise: Promise<unknown>) => (await reasonOf(promise)) as AppError
/** What of stored credentials changes when they are renewed. */
const derived = (credentials: Record<string, unknown>) =>
  credentials.access_token ?? credentials.token ?? credentials.session_id ?? credentials.access_key_id

describe.each(table)("%s", (mode, row) => {
  test("is in the table of modes, under the type that it stores", () => {
    expect(modes[mode].stores as unknown[]).toContain(row.stored)
  })

  test("obtains, stores and shows credentials", async () => {
    const id = await connect(mode, row)
    const { status, body } = await world.get(keyOf(mode), id)
    expect([status, body.credentials.type, body.errors]).toEqual([200, row.stored, []])
    if (row.stored !== undefined && modes[mode].renew) expect(derived(body.credentials)).toBeString()
    expect(JSON.stringify(body.credentials)).not.toContain("refresh_token")
  })

  test("is injected into a proxied request", async () => {
    const id = await connect(mode, row)
    const answer = await world.whoami(keyOf(mode), id)
    if (row.proof !== "") expect([answer.status, answer.body]).toEqual([200, { auth: row.proof }])
    const seen = world.fake.requests.at(-1)
    expect(seen?.path).toBe("/whoami")
    if (mode !== "NONE") expect(JSON.stringify(seen?.headers)).toMatch(/authorization|x-api-key|x-wsse|x-session/)
  })

  const { renew, local, typed, browser } = modes[mode]
  if (renew !== undefined && !local)
    test("is renewed before it ends, and then works again", async () => {
      const key = keyOf(mode)
      const id = await connect(mode, row)
      const before = (await world.get(key, id)).body.credentials
      const requests = await world.tokenRequests()
      world.t.clock.advance(2 * 3_600_000)
      world.fake.control({ oauth: { expireAccessTokens: true } })
      const answer = await world.whoami(key, id)
      expect([answer.status, answer.body]).toEqual([200, { auth: row.proof }])
      const after = (await world.get(key, id)).body.credentials
      expect(derived(after)).not.toBe(derived(before))
      if (mode !== "BILL") expect((await world.tokenRequests()) - requests).toBe(1)
      const forced = (await world.get(key, id, "&force_refresh=true")).body.credentials
      expect(derived(forced)).not.toBe(derived(after))
    })

  if (local === true)
    test("is made anew at each use near its end, without a write", async () => {
      const id = await connect(mode, row)
      const first = (await world.get(keyOf(mode), id)).body.credentials
      world.t.clock.advance(400_000)
      const second = (await world.get(keyOf(mode), id)).body.credentials
      expect(second.token).not.toBe(first.token)
      expect(Date.parse(second.expires_at)).toBeGreaterThan(world.t.clock.now().getTime())
    })

  if (renew === undefined)
    test("stays as it is however old it gets, also when a refresh is asked for", async () => {
      const id = await connect(mode, row)
      const first = (await world.get(keyOf(mode), id)).body.credentials
      world.t.clock.advance(400 * 24 * 3_600_000)
      expect((await world.get(keyOf(mode), id, "&force_refresh=true")).body.credentials).toEqual(first)
    })

  test.each(row.malformed ?? [])("refuses %j before anybody is asked", async (input, code) => {
    world.fake.clear()
    const error = await errorOf(world.type(keyOf(mode), input, row.config))
    expect([error.code, error.status]).toEqual([code, 400])
    expect(world.fake.requests).toEqual([])
  })

  if (row.refused !== undefined)
    test("shows why the provider refuses, and stores nothing", async () => {
      const [input, code, words] = row.refused as [Record<string, unknown>, string, string]
      const error = await errorOf(world.type(keyOf(mode), input, row.config, "refused"))
      expect([error.code, error.status]).toEqual([code, 400])
      expect(error.message).toContain(words)
      const text = error.message + JSON.stringify(error.details.payload ?? {})
      for (const value of Object.values(input).filter((one) => String(one).startsWith("wrong")))
        expect(text).not.toContain(value as string)
      expect((await world.get(keyOf(mode), "refused")).status).toBe(404)
    })

  if (typed === undefined)
    test("cannot be typed", async () => {
      expect((await errorOf(world.type(keyOf(mode), {}))).code).toBe("invalid_auth_mode")
    })
  if (browser === undefined)
    test("has no browser part", async () => {
      expect((await errorOf(world.authorize(keyOf(mode)))).code).toBe("invalid_auth_mode")
    })
})

test("no secret of all this is in a log, and none stands in clear in the data directory", async () => {
  await world.t.app.logs.flush()
  const secrets = [
    client.client_secret,
    "fake-password",
    "fake-api-key",
    "wrong-password",
    "wrong-api-key",
    "wrong-secret",
    "token-secret-1234",
    "fake-aws-secret-key",
    rsa.privateKey.split("\n")[3] as string,
    "fake_access_",
    "fake_refresh_",
    "fake_code_",
  ]
  const logs = new Database(join(world.t.dataDir, "logs.db"), { readonly: true })
  const rowsOf = (name: string) => JSON.stringify(logs.query(`SELECT * FROM ${name}`).all())
  const told = rowsOf("operations") + rowsOf("messages") + JSON.stringify(world.t.logged)
  logs.close()
  expect(told).toContain("refresh_token")
  for (const secret of secrets) expect(told).not.toContain(secret)
  for (const file of readdirSync(world.t.dataDir, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    const bytes = readFileSync(join(file.parentPath, file.name)).toString("latin1")
    for (const secret of secrets) expect([file.name, bytes.includes(secret)]).toEqual([file.name, false])
  }
})
