import { generateKeyPairSync } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { AuthCtx } from "../../src/auth/mode.ts"
import { newState } from "../../src/auth/pkce.ts"
import { startAuthorization } from "../../src/auth/obtain.ts"
import { connectAuthorized, connectTyped } from "../../src/connections/connect.ts"
import { findIntegration } from "../../src/integrations/integrations.ts"
import type { IntegrationRow } from "../../src/integrations/model.ts"
import type { FakeProviderOptions } from "../../src/fake-provider/model.ts"
import { type FakeProvider, startFakeProvider } from "../../src/fake-provider/server.ts"
import { testApp, type TestApp, type TestOptions } from "../helpers/app.ts"
import { temporaryFolder } from "../helpers/sluice.ts"

export const rsa = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
})

/** Hosts of the outside world that the fake provider stands in for, and the path under which it does. */
const standIns: Record<string, string> = { "mcp.example.com": "", "sts.eu-west-1.amazonaws.com": "/sts" }

export const callbackUrl = "http://localhost:3003/oauth/callback"
export const client = { client_id: "fake-client-id", client_secret: "fake-client-secret" }

export type World = {
  t: TestApp
  fake: FakeProvider
  /** Makes an integration, named after the provider where nothing else is said. */
  integrate: (provider: string, more?: Record<string, unknown>) => Promise<IntegrationRow>
  /** Makes a connection by typing. Answers its id. */
  type: (key: string, typed: unknown, config?: Record<string, unknown>, id?: string) => Promise<string>
  /** Makes a connection through a browser that allows everything. Answers its id. */
  authorize: (key: string, config?: Record<string, unknown>, id?: string) => Promise<string>
  get: (key: string, id: string, more?: string) => ReturnType<TestApp["request"]>
  /** One proxied request to the provider, which says how the caller proved itself. */
  whoami: (key: string, id: string) => ReturnType<TestApp["request"]>
  tokenRequests: () => Promise<number>
  [Symbol.asyncDispose]: () => Promise<void>
}

let made = 0

/** An app whose catalogue holds `providers` (`FAKE` in them is the fake's address), and the fake that they lead to. */
export async function startWorld(
  providers: Record<string, string>,
  options: { fake?: FakeProviderOptions; app?: TestOptions } = {},
): Promise<World> {
  const fake = await startFakeProvider(options.fake ?? {})
  const folder = temporaryFolder("providers")
  for (const [name, text] of Object.entries(providers)) {
    const head = `display_name: ${name}\ndocs: https://example.com\n`
    writeFileSync(join(folder, `${name}.yaml`), head + text.replaceAll("FAKE", fake.url))
  }
  const t = await testApp({
    ...options.app,
    config: { providers: folder, egressAllow: ["127.0.0.0/8"], tokenTimeoutSeconds: 2, ...options.app?.config },
  })
  standInFor(t, fake)
  const find = async (key: string) => {
    const row = await findIntegration(t.ctx, key)
    if (!row) throw new Error(`There is no integration ${key}.`)
    return row
  }
  const saving = (connectionId: string, connectionConfig: Record<string, unknown>) => ({
    connectionId,
    connectionConfig,
    metadata: {},
    endUser: null,
    tags: {},
    webhookUrlOverride: null,
  })
  return {
    t,
    fake,
    async integrate(provider, more = {}) {
      const body = { provider, unique_key: provider, ...more }
      const answer = await t.request("POST", "/integrations", { body })
      if (answer.status !== 200) throw new Error(answer.text)
      return find(body.unique_key)
    },
    async type(key, typed, config = {}, id = `c${++made}`) {
      await connectTyped(t.ctx, await find(key), { ...saving(id, config), typed })
      return id
    },
    async authorize(key, config = {}, id = `c${++made}`) {
      const integration = await find(key)
      const state = newState()
      const started = await startAuthorization(t.ctx, integration, { state, callbackUrl, connectionConfig: config })
      const query = await allow(started.url, fake)
      const { remembered } = started
      await connectAuthorized(t.ctx, integration, { ...saving(id, config), query, remembered })
      return id
    },
    get: (key, id, more = "") => t.request("GET", `/connections/${id}?provider_config_key=${key}${more}`),
    whoami: (key, id) =>
      t.request("GET", "/proxy/whoami", { headers: { "connection-id": id, "provider-config-key": key } }),
    async tokenRequests() {
      const state = (await (await fetch(`${fake.url}/__state`)).json()) as { oauth: { tokenRequests: number } }
      return state.oauth.tokenRequests
    },
    async [Symbol.asyncDispose]() {
      await t.close()
      await fake.stop()
    },
  }
}

/** The browser: goes where it is sent and answers what it brings back. */
export async function allow(url: string, fake: FakeProvider): Promise<Record<string, string>> {
  const target = new URL(url)
  if (target.searchParams.has("payload") || target.pathname.endsWith("/installations/new")) return installed(target)
  const at = standIns[target.hostname] === undefined ? target : new URL(target.pathname + target.search, fake.url)
  at.searchParams.set("auto", "1")
  const response = await fetch(at, { redirect: "manual" })
  const location = response.headers.get("location")
  if (!location) throw new Error(`${response.status} ${await response.text()}`)
  return Object.fromEntries(new URL(location).searchParams)
}

/** A provider whose page installs an app and comes back with the number of the installation. */
function installed({ searchParams }: URL): Record<string, string> {
  const payload = searchParams.get("payload")
  if (payload !== null) return { payload, website_id: "site-1" }
  return { state: searchParams.get("state") ?? "", installation_id: "77", setup_action: "install" }
}

function standInFor(t: TestApp, fake: FakeProvider): void {
  const { egress } = t.app
  const send = egress.send.bind(egress)
  egress.send = (request) => {
    const url = new URL(request.url)
    const path = standIns[url.hostname]
    if (path === undefined) return send(request)
    const headers = { ...Object.fromEntries(new Headers(request.headers)), "x-forwarded-origin": url.origin }
    return send({ ...request, url: `${fake.url}${path || url.pathname}${url.search}`, headers })
  }
}

/** What a mode works with, when only the network is the test's. */
export const authContext = (send: AuthCtx["egress"]["send"], now: Date): AuthCtx => ({
  egress: { send },
  now: () => now,
  serverUrl: () => "https://me.test",
  callbackUrl: () => "https://me.test/cb",
  environment: { uuid: "e", name: "dev" },
  timeoutMs: 1000,
  signal: new AbortController().signal,
  exchanges: [],
})
