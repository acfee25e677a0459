import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { Database } from "bun:sqlite"
import { generateKeyPairSync } from "node:crypto"
import { join } from "node:path"
import { until } from "../helpers/sluice.ts"
import { actionSource } from "./stage.ts"
import { createGarden, findPlanted, formsOf } from "./planted.ts"
import { openPlanted, type Stage } from "./planted-stage.ts"

let stage: Stage
beforeAll(async () => {
  stage = await openPlanted()
})
afterAll(() => stage.remove())

const on = (key: string, connection: string) => ({ "provider-config-key": key, "connection-id": connection })
const clean = async () => expect(await stage.leaks()).toEqual([])

test("what is looked for is found in every form", () => {
  const garden = createGarden()
  const text = garden.plant("it")
  for (const form of formsOf(text))
    expect(findPlanted(garden.planted, [{ name: "x", bytes: `a${form}b` }])).toHaveLength(1)
  for (const before of ["", "u", "us", "use"]) {
    const bytes = Buffer.from(`${before}:${text} and more`).toString("base64")
    expect(findPlanted(garden.planted, [{ name: "x", bytes }])).toHaveLength(1)
  }
  expect(findPlanted(garden.planted, [{ name: "x", bytes: "nothing" }])).toEqual([])
})

/** Integrations and connections of every kind. `credentials` are made when the stage is open. */
const imports = (): Record<string, Record<string, unknown>> => {
  const { plant } = stage
  return {
    oauth: {
      type: "OAUTH2",
      access_token: plant("access token"),
      refresh_token: plant("refresh token"),
      config_override: { client_id: "own", client_secret: plant("client secret of a connection") },
    },
    key: { type: "API_KEY", apiKey: plant("API key") },
    configured: { type: "API_KEY", apiKey: plant("second API key") },
    basic: { type: "BASIC", username: "ada", password: plant("password") },
    cc: {
      type: "OAUTH2_CC",
      token: plant("client credentials token"),
      client_id: "cc",
      client_secret: plant("client credentials secret"),
      client_private_key: plant("client private key"),
    },
    oauth1: { type: "OAUTH1", oauth_token: "open-oauth1", oauth_token_secret: plant("OAuth 1 token secret") },
    tba: {
      type: "TBA",
      token_id: plant("TBA token id"),
      token_secret: plant("TBA token secret"),
      config_override: { client_id: "tba", client_secret: plant("TBA client secret") },
    },
  }
}

test("integrations: made, changed, shown, and refused", async () => {
  const { ask, plant } = stage
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  })
  stage.note("private key of an app", privateKey.split("\n")[3] ?? "")
  const oauth = (name: string) => ({ client_id: "id", client_secret: plant(`client secret (${name})`) })
  const credentials: Record<string, Record<string, unknown>> = {
    oauth: { type: "OAUTH2", ...oauth("first"), webhook_secret: plant("webhook secret", "plain") },
    oauth1: { type: "OAUTH1", ...oauth("OAuth 1") },
    tba: { type: "TBA", ...oauth("TBA") },
    app: { type: "APP", app_id: "1", app_link: "https://example.com", private_key: privateKey },
  }
  const more = { configured: { integration_config: { appSecret: plant("secret of an integration") } } }
  for (const provider of [
    "oauth",
    "key",
    "basic",
    "cc",
    "oauth1",
    "tba",
    "twostep",
    "bill",
    "signature",
    "configured",
    "app",
  ]) {
    const body = {
      provider,
      unique_key: provider,
      credentials: credentials[provider],
      ...more[provider as "configured"],
    }
    await ask("POST", "/integrations", { body, status: 200 })
    await ask("POST", "/integrations", { body, status: 400 })
    await ask("GET", `/integrations/${provider}`, { status: 200 })
  }
  const changed = { type: "OAUTH2", ...oauth("changed") }
  await ask("PATCH", "/integrations/oauth", { body: { credentials: changed }, status: 200 })
  await ask("PATCH", "/integrations/oauth", { body: { credentials: { ...changed, type: "OAUTH1" } }, status: 400 })
  await ask("PATCH", "/integrations/oauth", {
    body: { credentials: { ...changed, extra: changed.client_secret } },
    status: 400,
  })
  await ask("POST", "/integrations", {
    body: `{"credentials": {"client_secret": "${plant("broken JSON", "plain")}"`,
    status: 400,
  })
  await ask("GET", "/integrations")
  await stage.cli("integrations", "list")
  await stage.cli("integrations", "get", "oauth", "--json")
  await clean()
})

test("environment: variables, keys, webhook settings, a second environment", async () => {
  const { ask, plant, note, receiver } = stage
  const body = [{ name: "TOKEN", value: plant("environment variable") }]
  await ask("PUT", "/sluice/environment/variables", { body, status: 200, given: true })
  await ask("PUT", "/sluice/environment/variables", { body: [...body, ...body], status: 400 })
  const otlp_headers = [{ name: "authorization", value: plant("OTLP header") }]
  await ask("POST", "/environments", {
    body: { name: "staging", hmac_key: plant("HMAC key"), otlp_headers },
    status: 200,
  })
  await ask("GET", "/environments")
  await ask("PATCH", "/sluice/webhooks/settings", { body: { primary_url: `${receiver.url}/hook` }, status: 200 })
  const signing = await ask("GET", "/sluice/webhooks/key", { given: true })
  note("webhook signing key", signing.body.data.webhook_signing_key)
  const made = await ask("POST", "/environments/1/api-keys", { body: { display_name: "ci" }, given: true })
  note("API key of an environment", made.body.data.secret)
  await ask("GET", "/environments/1/api-keys")
  await ask("GET", "/integrations", { key: made.body.data.secret })
  for (const wrong of [plant("wrong key", "plain"), `${made.body.data.secret}x`])
    await ask("GET", "/integrations", { key: wrong, status: 401 })
  await ask("GET", "/sluice/keys")
  const new_key = note("new encryption key", Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64"))
  await ask("POST", "/sluice/keys/rotate", { body: { new_key }, status: 409 })
  await ask("POST", "/sluice/keys/rotate", { body: { new_key: plant("bad encryption key") }, status: 400 })
  await stage.cli("webhooks", "settings")
  await stage.cli("connections", "list", "--secret-key", plant("wrong key on the command line", "plain"))
  await clean()
})

test("connections: imported, refused, listed, changed; only their own answer with credentials gives them", async () => {
  const { ask, plant, provider } = stage
  for (const [key, credentials] of Object.entries(imports())) {
    const connection_config = { accountId: "a1", oauth_client_secret: plant(`client secret in the config of ${key}`) }
    const body = { provider_config_key: key, connection_id: "c1", credentials, connection_config }
    await ask("POST", "/connections", { body, status: 201, given: true })
    await ask("POST", "/connections", {
      body: { ...body, credentials: { ...credentials, more: Object.values(credentials)[1] } },
      status: 400,
    })
    await ask("POST", "/connections", { body: { ...body, provider_config_key: "nothing" }, status: 404 })
    const read = await ask("GET", `/connections/c1?provider_config_key=${key}`, { status: 200, given: true })
    expect(read.body.credentials.type).toBe(credentials.type)
    await ask("PATCH", `/connections/c1?provider_config_key=${key}`, { body: { tags: { a: "b" } } })
  }
  const typed = { username: "ada", password: plant("TWO_STEP password"), pin: plant("TWO_STEP PIN") }
  const twoStep = { provider_config_key: "twostep", connection_id: "c1", credentials: { type: "TWO_STEP", ...typed } }
  await ask("POST", "/connections", { body: twoStep, status: 400 })
  provider.tokens.push({
    session: { token: plant("TWO_STEP token"), refresh: plant("TWO_STEP refresh token") },
    expires_in: 1,
  })
  await ask("POST", "/connections", { body: twoStep, status: 201, given: true })
  const bill = {
    type: "BILL",
    username: "ada",
    password: plant("BILL password"),
    organization_id: "o",
    dev_key: plant("BILL key"),
  }
  await ask("POST", "/connections", { body: { provider_config_key: "bill", connection_id: "c1", credentials: bill } })
  const signature = { type: "SIGNATURE", username: "ada", password: plant("SIGNATURE password") }
  await ask("POST", "/connections", {
    body: { provider_config_key: "signature", connection_id: "c1", credentials: signature },
    given: true,
  })
  await ask("GET", "/connections", { status: 200 })
  await ask("GET", "/connection")
  await stage.cli("connections", "list", "--json")
  await stage.cli("connections", "get", "c1", "-i", "key")
  await clean()
})

test("a key that may not read credentials is shown none of them", async () => {
  const { ask, note, dataDir } = stage
  const made = await ask("POST", "/environments/1/api-keys", { body: { display_name: "narrow" }, given: true })
  const key = note("API key without the right to credentials", made.body.data.secret)
  const db = new Database(join(dataDir, "sluice.db"))
  db.run("UPDATE api_keys SET scopes = ? WHERE display_name = 'narrow'", [
    JSON.stringify(
      ["connections", "integrations"].flatMap((noun) => [`environment:${noun}:list`, `environment:${noun}:read`]),
    ),
  ])
  db.close()
  for (const one of ["oauth", "key", "basic", "cc", "oauth1", "tba", "twostep", "signature"]) {
    const shown = await ask("GET", `/connections/c1?provider_config_key=${one}`, { key, status: 200 })
    expect(shown.body.credentials).toEqual({})
    await ask("GET", `/connections/c1?provider_config_key=${one}&refresh_token=true`, { key, status: 403 })
    await ask("GET", `/integrations/${one}?include=credentials&include=webhook`, { key })
  }
  await ask("GET", "/connections", { key, status: 200 })
  await ask("GET", "/integrations", { key, status: 200 })
  await clean()
})

test("a start with settings that are wrong quotes none of them", async () => {
  const { plant, cliWith } = stage
  const env = {
    SLUICE_ENCRYPTION_KEY: plant("encryption key that is none"),
    SLUICE_ENCRYPTION_KEY_OLD: plant("old encryption key that is none"),
    SLUICE_SECRET_KEY: "short",
    NANGO_SECRET_KEY_STAGING: plant("fixed key", "plain"),
    HTTPS_PROXY: `http://user:${plant("password of a proxy", "plain")}@127.0.0.1:1`,
    SLUICE_PORT: "none",
  }
  for (const command of [["serve"], ["config", "show"], ["config", "show", "--json"], ["doctor"]])
    expect((await cliWith(env, ...command)).code).not.toBe(0)
  await clean()
})

test("connect sessions: typed and by OAuth, right and refused; what state, code and verifier were is nowhere", async () => {
  const { ask, plant, note, provider, sluice } = stage
  const open = await ask("POST", "/connect/sessions", { body: { end_user: { id: "u1" } }, status: 201, given: true })
  const token = note("session token", open.body.data.token)
  const query = `connect_session_token=${token}`
  await ask("GET", "/connect/session", { key: token, status: 200 })
  await ask("GET", "/integrations", { key: token, status: 200 })
  await ask("POST", `/api-auth/api-key/key?${query}`, {
    body: { apiKey: plant("typed API key") },
    key: null,
    status: 200,
  })
  await ask("POST", `/api-auth/api-key/key?${query}`, {
    body: { apiKey: plant("refused API key"), b: 1 },
    key: null,
    status: 400,
  })
  await ask("POST", `/api-auth/basic/key?${query}`, {
    body: { username: "u", password: plant("refused password") },
    key: null,
    status: 400,
  })
  const typed = { username: "u", password: plant("refused TWO_STEP password"), pin: plant("refused TWO_STEP PIN") }
  await ask("POST", `/auth/two-step/twostep?${query}`, { body: typed, key: null })
  await ask("POST", `/oauth2/auth/cc?${query}`, {
    body: { client_id: "i", client_secret: plant("refused client secret") },
    key: null,
  })

  const walk = async (outcome: "allowed" | "refused" | "denied") => {
    const override = { id: "own", secret: plant(`overridden client secret (${outcome})`, "plain") }
    const own = `&credentials[oauth_client_id_override]=${override.id}&credentials[oauth_client_secret_override]=${override.secret}`
    const left = await fetch(`${sluice.url}/oauth/connect/oauth?${query}${outcome === "denied" ? own : ""}`, {
      redirect: "manual",
    })
    const state = note(
      `state (${outcome})`,
      new URL(left.headers.get("location") ?? "").searchParams.get("state") ?? "",
    )
    const [cookie = ""] = (left.headers.get("set-cookie") ?? "").split(";")
    note(`cookie of the browser (${outcome})`, cookie.split("=")[1] ?? "")
    const code = plant(`code (${outcome})`, "plain")
    if (outcome === "allowed")
      provider.tokens.push({
        access_token: plant("authorized access token"),
        refresh_token: plant("authorized refresh token"),
        id_token: plant("ID token"),
        expires_in: 1,
      })
    const said = outcome === "denied" ? `error=access_denied&error_description=no` : `code=${code}`
    const headers = { cookie }
    await ask("GET", `/oauth/callback?state=${state}&${said}`, { key: null, headers })
    await ask("GET", `/oauth/callback?state=${state}&code=${code}`, { key: null, headers })
    if (outcome === "denied") return
    const { body } = provider.asked.findLast(({ path }) => path === "/token") ?? { body: "" }
    note(`code verifier (${outcome})`, new URLSearchParams(body).get("code_verifier") ?? "")
  }
  await walk("allowed")
  await walk("refused")
  await walk("denied")
  await ask("GET", `/connect/session`, { key: `${token.slice(0, -4)}0000`, status: 401 })
  await clean()
})

test("refresh: good, and refused by a provider that repeats the whole request", async () => {
  const { ask, plant, provider } = stage
  provider.tokens.push({
    access_token: plant("refreshed access token"),
    refresh_token: plant("rotated refresh token"),
    expires_in: 3600,
  })
  const path = "/connections/c1?provider_config_key="
  await ask("GET", `${path}oauth&force_refresh=true`, { status: 200, given: true })
  for (const key of ["oauth", "cc", "twostep"]) {
    // The answer to somebody who may see credentials shows the connection; the error in it has to be clean.
    const refused = await ask("GET", `${path}${key}&force_refresh=true`, { given: true })
    expect(refused.status).toBeGreaterThanOrEqual(400)
    const { message, code } = refused.body.error
    expect(findPlanted(stage.planted, [{ name: "the error", bytes: JSON.stringify({ message, code }) }])).toEqual([])
  }
  await ask("GET", "/connections")
  // Connected again, for what comes.
  const typed = { username: "ada", password: plant("second TWO_STEP password"), pin: plant("second TWO_STEP PIN") }
  const credentials = { type: "TWO_STEP", ...typed }
  provider.tokens.push({
    session: { token: plant("second TWO_STEP token"), refresh: plant("second TWO_STEP refresh") },
  })
  const again = { provider_config_key: "twostep", connection_id: "c1", credentials }
  await ask("POST", "/connections", { body: again, status: 201, given: true })
  for (const key of ["oauth", "cc"]) {
    const credentials = imports()[key]
    await ask("POST", "/connections", {
      body: { provider_config_key: key, connection_id: "c1", credentials },
      status: 201,
      given: true,
    })
  }
  await clean()
})

test("proxy: good, failing, redirected, refused; the caller's own headers and bodies too", async () => {
  const { ask, plant } = stage
  for (const key of ["oauth", "key", "basic", "cc", "oauth1", "tba", "signature", "configured", "twostep"]) {
    const headers = { ...on(key, "c1"), "nango-proxy-x-extra-token": plant(`header of a caller (${key})`, "plain") }
    const query = `?api_key=${plant(`query of a caller (${key})`, "plain")}`
    const body = { password: plant(`body of a caller (${key})`) }
    // The provider's answer belongs to the caller, and this provider repeats everything.
    for (const path of ["ok", "fail/400", "fail/500"])
      await ask("POST", `/proxy/${path}${query}`, { headers, body, given: true })
    await ask("GET", `/proxy/redirect${query}`, { headers, given: true })
    await ask("GET", `/proxy/ok${query}`, { headers: { ...headers, "base-url-override": "http://127.0.0.1:1" } })
    await ask("GET", `/proxy/ok${query}`, { headers: { ...headers, "base-url-override": "http://10.0.0.1" } })
    await ask("GET", `/proxy/ok${query}`, { headers: { ...headers, "base-url-override": "no url" } })
    await ask("GET", `/proxy/ok${query}`, { headers: { ...headers, "connection-id": "nobody" } })
  }
  await clean()
})

/** Bodies of functions that do with secrets what they should not. */
const bodies = {
  logs: `const { credentials } = await nango.getConnection()
    await nango.log("all of it", credentials)
    await nango.log(JSON.stringify(credentials)); console.log(JSON.stringify(credentials))
    for (const text of Object.values(credentials)) {
      await nango.log("raw " + text); await nango.log("url " + encodeURIComponent(String(text)))
      await nango.log("base64 " + btoa(String(text)))
    }
    for (const { value } of await nango.getEnvironmentVariables()) await nango.log("variable " + value, { value })
    return "ok"`,
  throws: `const { credentials } = await nango.getConnection()
    throw new Error("broken with " + JSON.stringify(credentials))`,
  refuses: `const { credentials } = await nango.getConnection()
    throw new nango.ActionError({ why: credentials, text: Object.values(credentials).join(" ") })`,
  upstream: `await nango.post({ endpoint: "/fail/422", data: { a: 1 }, retries: 0 })`,
  swallowed: `try { await nango.get({ endpoint: "/fail/500", retries: 0 }) } catch (error) { await nango.log("failed: " + error.message + JSON.stringify(error.response?.data), { error: error.response?.headers }); throw new Error(JSON.stringify(error.response.data)) }`,
  variables: `const variables = await nango.getEnvironmentVariables()
    throw new Error("the variables are " + JSON.stringify(variables))`,
}

const syncSource = (body: string, model: string) => `import { createSync } from "nango"
import * as z from "zod"
export default createSync({
  description: "Leaks", version: "1.0.0", frequency: "every day", autoStart: false,
  models: { ${model}: z.object({ id: z.string() }) },
  exec: async (nango: any) => { ${body} },
})
`

describe("functions", () => {
  const keys = ["key", "basic", "oauth", "cc", "tba", "oauth1", "twostep", "configured"]
  const files = () =>
    Object.fromEntries(
      keys.flatMap((key) =>
        Object.entries(bodies).flatMap(([name, body]) => [
          [`${key}/actions/act-${name}.ts`, actionSource(body)],
          [
            `${key}/syncs/sync-${name}.ts`,
            syncSource(body.replace('return "ok"', "").replaceAll("nango.ActionError", "Error"), `Nothing${name}`),
          ],
        ]),
      ),
    )

  test("are deployed", async () => {
    await stage.ask("POST", "/sluice/deploy", { body: { files: files(), mode: "apply" }, status: 200 })
    const settings = { on_sync_error: true, on_sync_completion_always: true, on_auth_refresh_error: true }
    await stage.ask("PATCH", "/sluice/webhooks/settings", { body: settings, status: 200 })
  }, 60_000)

  test.each(Object.keys(bodies))(
    "actions: %s",
    async (name) => {
      for (const key of keys) {
        const answer = await stage.ask("POST", "/action/trigger", {
          headers: on(key, "c1"),
          body: { action_name: `act-${name}`, input: {} },
        })
        expect([key, answer.status === 200]).toEqual([key, name === "logs"])
      }
      await clean()
    },
    60_000,
  )

  test("asynchronous actions", async () => {
    for (const name of ["throws", "refuses", "upstream"]) {
      const headers = { ...on("basic", "c1"), "x-async": "true" }
      const begun = await stage.ask("POST", "/action/trigger", {
        headers,
        body: { action_name: `act-${name}`, input: {} },
        status: 202,
      })
      await until(async () => (await stage.ask("GET", begun.body.statusUrl)).status !== 404, "the action to end")
    }
    await clean()
  }, 60_000)

  test.each(Object.keys(bodies))(
    "syncs: %s",
    async (name) => {
      for (const key of ["key", "basic", "oauth"]) {
        const body = { provider_config_key: key, connection_id: "c1", syncs: [`sync-${name}`] }
        await stage.ask("POST", "/sync/trigger", { body, status: 200 })
        const query = `syncs=sync-${name}&provider_config_key=${key}&connection_id=c1`
        await until(async () => {
          const { body } = await stage.sluice.call("GET", `/sync/status?${query}`)
          return body.syncs[0]?.finishedAt && body.syncs[0].status !== "RUNNING"
        }, "the sync to end")
        await stage.ask("GET", `/sync/status?${query}`)
      }
      await stage.cli("logs", "list")
      await clean()
    },
    60_000,
  )

  test("dry runs", async () => {
    for (const key of ["key", "basic", "oauth"])
      for (const name of Object.keys(bodies))
        await stage.ask("POST", "/sluice/dryruns", {
          body: { files: files(), name: `act-${name}`, integration: key, connection_id: "c1", input: {} },
        })
    await clean()
  }, 60_000)
})

test("webhooks in: unsigned, wrongly and rightly signed, replayed; and what is passed on of them", async () => {
  const { ask, plant, planted, sluice, receiver } = stage
  const environments = await sluice.call("GET", "/environments")
  const uuid = environments.body.data.find((one: any) => one.name === "dev").uuid
  const secret = planted.find(({ name }) => name === "webhook secret")?.text ?? ""
  const path = `/webhook/${uuid}/oauth?nangoConnectionId=c1`
  const before = receiver.received.length
  for (const token of [undefined, plant("wrong webhook secret", "plain"), secret]) {
    const headers: Record<string, string> = {
      authorization: `Bearer ${plant("bearer of a webhook", "plain")}`,
      "x-api-key": plant("API key of a webhook", "plain"),
      cookie: `sid=${plant("cookie of a webhook", "plain")}`,
      "x-gitlab-event": "push",
    }
    if (token) headers["x-gitlab-token"] = token
    const answer = await ask("POST", path, { headers, body: { id: 1 }, key: null })
    expect(answer.status < 300).toBe(token === secret)
  }
  await until(() => receiver.received.length > before, "the webhook to be passed on")
  expect(receiver.received.at(-1)?.headers["x-gitlab-token"]).toBe(secret)
  const inbox = await ask("GET", "/sluice/webhooks/inbox")
  for (const { id } of inbox.body.data) await ask("POST", `/sluice/webhooks/inbox/${id}/replay`)
  await ask("GET", "/sluice/webhooks/deliveries")
  await stage.cli("webhooks", "list", "--json")
  await clean()
})

test("after everything, and after SIGTERM, none of more than fifty secrets is anywhere", async () => {
  expect(stage.planted.length).toBeGreaterThan(50)
  expect(new Set(stage.planted.map(({ text }) => text)).size).toBe(stage.planted.length)
  await clean()
  expect(await stage.close()).toBe(0)
  expect(findPlanted(stage.planted, stage.remains())).toEqual([])
})
