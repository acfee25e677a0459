import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHash, createHmac } from "node:crypto"
import { startAuthorization } from "../../src/auth/obtain.ts"
import { newState } from "../../src/auth/pkce.ts"
import { connectAuthorized } from "../../src/connections/connect.ts"
import { getIntegration } from "../../src/integrations/integrations.ts"
import { allow, callbackUrl, client, rsa, startWorld, type World } from "../auth/stage.ts"

let world: World
const app = { app_id: "4711", app_link: "https://app.example.com/apps/fake", private_key: rsa.privateKey.trim() }
beforeAll(async () => {
  world = await startWorld({
    outbound: `auth_mode: OAUTH2
installation: outbound
disable_pkce: true
authorization_url: FAKE/oauth/authorize
token_url: FAKE/oauth/token
proxy: { base_url: FAKE }
webhook_routing_script: sentryOauthWebhookRouting
`,
    approved: `auth_mode: CUSTOM
authorization_url: \${connectionConfig.appPublicLink}/installations/new
token_url:
  OAUTH2: FAKE/oauth/token
  APP: FAKE/app/installations/\${connectionConfig.installation_id}/access_tokens
proxy: { base_url: FAKE }
installation_proof: { endpoint: "/user/installations?page=\${page}", list: installations, id: id }
webhook_routing_script: githubAppOauthWebhookRouting
`,
  })
  await world.integrate("outbound", { credentials: { type: "OAUTH2", ...client } })
  await world.integrate("approved", { credentials: { type: "CUSTOM", ...client, ...app } })
})
afterAll(() => world[Symbol.asyncDispose]())

const sign = (secret: string, text: string) => createHmac("sha256", secret).update(text).digest("hex")

async function send(key: string, body: unknown, headers: Record<string, string>): Promise<number> {
  const { t } = world
  const url = `http://localhost:3003/webhook/${t.ctx.environment.uuid}/${key}`
  const request = new Request(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  })
  return (await t.send(request)).status
}

/** A code as the provider gives it to whoever installs the app there. */
async function newCode(): Promise<string> {
  const query = new URLSearchParams({ response_type: "code", client_id: client.client_id, redirect_uri: callbackUrl })
  return (await allow(`${world.fake.url}/oauth/authorize?${query}&state=x`, world.fake)).code ?? ""
}

describe("a connection that begins at the provider", () => {
  const bodyOf = async (actor: string) => ({
    action: "created",
    actor: { id: actor },
    data: { installation: { code: await newCode(), uuid: "inst-1" } },
    installation: { id: "9" },
  })
  const signed = (body: unknown) => ({
    "sentry-hook-resource": "installation",
    "sentry-hook-signature": sign(client.client_secret, JSON.stringify(body)),
  })

  test("gets its token once the provider says that it was installed", async () => {
    const id = await world.type("outbound", {}, { actor: "a1" })
    expect((await world.get("outbound", id)).body.connection_config).toEqual({ actor: "a1", pending: true })
    const body = await bodyOf("a1")
    expect(await send("outbound", body, signed(body))).toBe(200)
    const { credentials, connection_config } = (await world.get("outbound", id)).body
    expect(credentials.access_token).toBeString()
    expect(connection_config).toEqual({ actor: "a1", "installation.uuid": "inst-1" })
    expect((await world.whoami("outbound", id)).body).toEqual({ auth: "bearer" })
  })

  test("is not given anything by whoever cannot sign, or for somebody else", async () => {
    const id = await world.type("outbound", {}, { actor: "a2" })
    const body = await bodyOf("a2")
    expect(await send("outbound", body, { "sentry-hook-resource": "installation" })).toBe(200)
    const forged = { ...signed(body), "sentry-hook-signature": sign("guess", JSON.stringify(body)) }
    expect(await send("outbound", body, forged)).toBe(401)
    const other = await bodyOf("a3")
    expect(await send("outbound", other, signed(other))).toBe(200)
    expect((await world.get("outbound", id)).body.connection_config).toEqual({ actor: "a2", pending: true })
  })

  test("waits on when the provider does not take its own code, and the provider is told to come again", async () => {
    const id = await world.type("outbound", {}, { actor: "a4" })
    const body = await bodyOf("a4")
    body.data.installation.code = "used-up"
    expect(await send("outbound", body, signed(body))).toBe(500)
    expect((await world.get("outbound", id)).body.connection_config.pending).toBe(true)
    const again = await bodyOf("a4")
    expect(await send("outbound", again, signed(again))).toBe(200)
    expect((await world.get("outbound", id)).body.connection_config).not.toHaveProperty("pending")
  })
})

test("an app that an administrator has approved gets its own token beside the person's", async () => {
  const { ctx } = world.t
  const integration = await getIntegration(ctx, "approved")
  const connectionConfig = { handle: "robin" }
  const { remembered } = await startAuthorization(ctx, integration, {
    state: newState(),
    callbackUrl,
    connectionConfig,
  })
  // The person has signed in and asked for the app; nothing is installed yet.
  const query = { code: await newCode(), setup_action: "request" }
  const saving = { connectionId: "asked", connectionConfig }
  const { pending } = await connectAuthorized(ctx, integration, { ...saving, query, remembered })
  expect(pending).toBe(true)
  const waiting = (await world.get("approved", "asked")).body
  expect(waiting.connection_config).toMatchObject({ handle: "robin", pending: true })

  const body = { action: "created", requester: { login: "robin" }, installation: { id: 88 } }
  const digest = createHash("sha256").update(`${app.app_id}${app.private_key}${app.app_link}`).digest("hex")
  const signature = `sha256=${sign(digest, JSON.stringify(body))}`
  const headers = { "x-github-event": "installation", "x-hub-signature-256": signature }
  expect(await send("approved", body, headers)).toBe(200)
  const { connection_config, credentials } = (await world.get("approved", "asked")).body
  expect(connection_config).toMatchObject({
    handle: "robin",
    installation_id: "88",
    pending: false,
    userCredentials: { access_token: waiting.connection_config.userCredentials.access_token },
  })
  expect(credentials.type).toBe("APP")
})
