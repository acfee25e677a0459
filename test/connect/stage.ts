import { rsa, startWorld, type World } from "../auth/stage.ts"
import { webhooksOf } from "../webhooks/room.ts"
import { type Receiver, startReceiver } from "../helpers/receiver.ts"

/** What end users connect in these tests. */
const providers = {
  oauth: `auth_mode: OAUTH2
authorization_url: FAKE/oauth/authorize
authorization_params: { prompt: consent }
token_url: FAKE/oauth/token
scope_separator: ","
redirect_uri_metadata: [realmId]
connection_config:
  realmId: { type: string, title: Realm, description: The realm., optional: true }
proxy: { base_url: FAKE }
`,
  key: `auth_mode: API_KEY
credentials:
  apiKey: { type: string, title: API key, description: The key., secret: true }
proxy:
  base_url: FAKE
  headers: { x-api-key: "\${apiKey}" }
  verification: { method: GET, endpoints: [/whoami] }
`,
  basic: `auth_mode: BASIC
proxy: { base_url: FAKE }
`,
  none: `auth_mode: NONE
proxy: { base_url: FAKE }
`,
  twostep: `auth_mode: TWO_STEP
token_url: FAKE/login
token_response: { token: token }
token_params: { username: "\${credentials.username}", password: "\${credentials.password}" }
credentials:
  username: { type: string, title: User, description: The user. }
  password: { type: string, title: Password, description: The password., secret: true }
proxy: { base_url: FAKE }
`,
  outbound: `auth_mode: OAUTH2
installation: outbound
authorization_url: FAKE/oauth/authorize
token_url: FAKE/oauth/token
proxy: { base_url: FAKE }
`,
  installed: `auth_mode: CUSTOM
authorization_url: \${connectionConfig.appPublicLink}/installations/new
token_url:
  OAUTH2: FAKE/oauth/token
  APP: FAKE/app/installations/\${connectionConfig.installation_id}/access_tokens
disable_pkce: true
proxy: { base_url: FAKE }
webhook:
  completes:
    when: { body.action: created }
    connection: { value: "\${body.login}", in: connection_config.handle }
    answer: { installation_id: body.id }
    save: {}
post_connection:
  - { request: { endpoint: /nobody }, save: { handle: login } }
`,
  scoped: `auth_mode: OAUTH2
authorization_url: FAKE/oauth/authorize
token_url: FAKE/oauth/token
connection_config:
  subdomain: { type: string, title: Domain, description: The domain. }
proxy: { base_url: "https://\${connectionConfig.subdomain}.example.com" }
`,
}

export const client = { client_id: "fake-client-id", client_secret: "fake-client-secret" }
export const endUser = { id: "u1", email: "u1@example.com", display_name: "Ada" }

export type Stage = World & {
  receiver: Receiver
  /** Opens a session and answers its token. */
  session: (body?: Record<string, unknown>) => Promise<string>
  /** A browser of its own, with its own cookies. */
  browser: () => Browser
  /** Waits for the webhooks of what happened before, and forgets them. */
  forget: () => Promise<void>
  /** The bodies of the webhooks that were sent, once there are `count` of them. */
  told: (count: number) => Promise<any[]>
}

export async function startStage(options: Parameters<typeof startWorld>[1] = {}): Promise<Stage> {
  const world = await startWorld(providers, options)
  const receiver = startReceiver()
  const { t } = world
  await webhooksOf(t).settings({ primary_url: `${receiver.url}/hook` })
  await t.start()
  const credentials = { type: "OAUTH2", ...client, scopes: "read,write" }
  for (const provider of ["oauth", "outbound", "scoped"]) await world.integrate(provider, { credentials })
  const app = { app_id: "4711", app_link: "https://app.example.com/apps/fake", private_key: rsa.privateKey.trim() }
  await world.integrate("installed", { credentials: { type: "CUSTOM", ...client, ...app } })
  for (const provider of ["key", "basic", "none", "twostep"]) await world.integrate(provider)
  return {
    ...world,
    receiver,
    async session(body = { end_user: endUser }) {
      const answer = await t.request("POST", "/connect/sessions", { body })
      if (answer.status !== 201) throw new Error(answer.text)
      return answer.body.data.token
    },
    browser: () => openBrowser(world),
    async forget() {
      const webhooks = webhooksOf(t)
      if ((await webhooks.deliveries()).length > 0) await webhooks.settled((row) => row.state === "delivered")
      receiver.received.length = 0
    },
    async told(count) {
      await webhooksOf(t).settled((row) => row.state === "delivered")
      if (receiver.received.length !== count) throw new Error(`${receiver.received.length} webhooks`)
      return receiver.received.map(({ body }) => JSON.parse(body))
    },
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]()
      await receiver.stop()
    },
  }
}

export type Page = { status: number; text: string; headers: Headers; location: URL | undefined; message?: any }
export type Browser = {
  cookies: Map<string, string>
  /** One page of the daemon, by its path. */
  open: (path: string, headers?: Record<string, string>) => Promise<Page>
  /** Begins an authorization; answers where the provider is. */
  leave: (token: string, key: string, more?: string) => Promise<URL>
  /** Lets the provider answer, and gives the path of the callback. */
  allow: (provider: URL, more?: Record<string, string>) => Promise<string>
}

function openBrowser({ t }: World): Browser {
  const cookies = new Map<string, string>()
  const open = async (path: string, headers: Record<string, string> = {}): Promise<Page> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")
    const request = new Request(`http://localhost:3003${path}`, { headers: { cookie, ...headers } })
    const response = await t.send(request)
    for (const line of response.headers.getSetCookie()) keep(cookies, line)
    const text = await response.text()
    const location = response.headers.get("location")
    const outcome = /id="outcome">([^<]*)</.exec(text)?.[1]
    return {
      status: response.status,
      text,
      headers: response.headers,
      location: location ? new URL(location) : undefined,
      message: outcome ? JSON.parse(outcome) : undefined,
    }
  }
  return {
    cookies,
    open,
    async leave(token, key, more = "") {
      const page = await open(`/oauth/connect/${key}?connect_session_token=${token}${more}`)
      if (!page.location) throw new Error(`${page.status} ${page.text}`)
      return page.location
    },
    async allow(provider, more = {}) {
      for (const [name, value] of Object.entries({ auto: "1", ...more })) provider.searchParams.set(name, value)
      const response = await fetch(provider, { redirect: "manual" })
      const back = response.headers.get("location")
      if (!back) throw new Error(await response.text())
      const { pathname, search } = new URL(back)
      return pathname + search
    },
  }
}

function keep(cookies: Map<string, string>, line: string): void {
  const [pair = "", ...attributes] = line.split("; ")
  const [name = "", value = ""] = pair.split("=")
  if (attributes.includes("Max-Age=0")) cookies.delete(name)
  else cookies.set(name, value)
}
