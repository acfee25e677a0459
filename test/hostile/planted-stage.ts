import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Received, startReceiver } from "../helpers/receiver.ts"
import { type Answer, runCli, type Sluice, startSluice, temporaryFolder, until } from "../helpers/sluice.ts"
import { startEchoingProvider } from "./echoing-provider.ts"
import { createGarden, findPlanted, type Place } from "./planted.ts"

/** Every kind of provider whose requests carry another secret in another place. */
const providers: Record<string, string> = {
  oauth: `auth_mode: OAUTH2
authorization_url: FAKE/authorize
token_url: FAKE/token
webhook_routing_script: gitlabWebhookRouting
webhook_user_defined_secret: true
proxy: { base_url: FAKE }
`,
  key: `auth_mode: API_KEY
credentials:
  apiKey: { type: string, title: Key, description: The key., secret: true }
connection_config:
  region: { type: string, title: Region, description: The region., optional: true }
proxy:
  base_url: FAKE
  headers: { x-api-key: "\${apiKey}", authorization: "Token \${apiKey}" }
  query: { api_key: "\${apiKey}" }
`,
  basic: `auth_mode: BASIC
proxy: { base_url: FAKE }
`,
  cc: `auth_mode: OAUTH2_CC
token_url: FAKE/token
proxy: { base_url: FAKE }
`,
  oauth1: `auth_mode: OAUTH1
request_url: FAKE/oauth1/request
authorization_url: FAKE/authorize
token_url: FAKE/oauth1/access
signature_method: HMAC-SHA1
proxy: { base_url: FAKE }
`,
  tba: `auth_mode: TBA
proxy: { base_url: FAKE }
`,
  twostep: `auth_mode: TWO_STEP
token_url: FAKE/login
token_params: { username: "\${credentials.username}", password: "\${credentials.password}", pin: "\${credentials.pin}" }
token_response: { token: session.token, refresh_token: session.refresh }
credentials:
  username: { type: string, title: User, description: The user. }
  password: { type: string, title: Password, description: The password., secret: true }
  pin: { type: string, title: PIN, description: The PIN., secret: true }
proxy:
  base_url: FAKE
  headers: { authorization: "Bearer \${accessToken}" }
`,
  bill: `auth_mode: BILL
token_url: FAKE/login
proxy: { base_url: FAKE }
`,
  signature: `auth_mode: SIGNATURE
signature: { protocol: WSSE }
token: { expires_in_ms: 300000 }
proxy: { base_url: FAKE }
`,
  configured: `auth_mode: API_KEY
credentials:
  apiKey: { type: string, title: Key, description: The key., secret: true }
integration_config:
  appSecret: { type: string, title: Secret, description: The secret., secret: true }
proxy:
  base_url: FAKE
  headers: { x-app: "\${integration_config.appSecret}", x-api-key: "\${apiKey}" }
`,
  app: `auth_mode: APP
authorization_url: FAKE/apps/installations/new
token_url: FAKE/token
proxy: { base_url: FAKE }
`,
}

export type Stage = Awaited<ReturnType<typeof openPlanted>>

/** A daemon, a provider that repeats everything, the owner's app, and all that anybody is told. */
/** What a provider proves itself with reaches the owner's app, which set it, as the other headers do. */
function withoutOwn(one: Received): Received {
  const { "x-gitlab-token": _, "x-api-key": __, ...headers } = one.headers
  return { ...one, headers }
}

export async function openPlanted() {
  const garden = createGarden()
  const provider = startEchoingProvider({
    cookie: garden.plant("cookie of the provider", "plain"),
    location: garden.plant("token in a redirect", "plain"),
  })
  const receiver = startReceiver()
  const folder = temporaryFolder("providers")
  for (const [name, text] of Object.entries(providers)) {
    const head = `display_name: ${name}\ndocs: https://example.com\n`
    writeFileSync(join(folder, `${name}.yaml`), head + text.replaceAll("FAKE", provider.url))
  }
  const dataDir = temporaryFolder("planted")
  const key = garden.plant("secret key of dev", "plain")
  const prodKey = garden.plant("secret key of prod", "plain")
  const master = garden.note(
    "encryption key",
    Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64"),
  )
  const env = {
    SLUICE_PROVIDERS: folder,
    SLUICE_EGRESS_ALLOW: "127.0.0.0/8",
    SLUICE_ENCRYPTION_KEY: master,
    NANGO_SECRET_KEY_PROD: prodKey,
    SLUICE_LOG_LEVEL: "trace",
  }
  const sluice = await startSluice({ dataDir, env, key })
  const heard: Place[] = []
  const hear = (name: string, text: string) => void heard.push({ name, bytes: text })

  /** One call of the API; nobody may find a secret in its answer, unless it is the one that is meant to give it. */
  async function ask(
    method: string,
    path: string,
    options: Parameters<Sluice["call"]>[2] & { given?: true; status?: number } = {},
  ): Promise<Answer> {
    const answer = await sluice.call(method, path, options)
    if (options.status !== undefined && answer.status !== options.status)
      throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`)
    // A cookie is told to the browser that it binds, by the state that this browser has sent.
    const headers = [...answer.headers].filter(([name]) => name !== "set-cookie")
    if (!options.given)
      hear(`the answer of ${method} ${path.replace(/\?.*/, "")}`, `${JSON.stringify(headers)} ${answer.text}`)
    return answer
  }

  async function cliWith(env: Record<string, string>, ...args: string[]) {
    const ended = await runCli(args, env, dataDir)
    hear(`the output of sluice ${args[0]} ${args[1] ?? ""}`, ended.stdout + ended.stderr)
    return ended
  }

  return {
    ...garden,
    provider,
    receiver,
    sluice,
    dataDir,
    ask,
    cli: (...args: string[]) => cliWith({ SLUICE_HOST: sluice.url, SLUICE_SECRET_KEY: key }, ...args),
    cliWith,
    /** Where which secret was found, although it may be nowhere. */
    async leaks(): Promise<string[]> {
      await settled(sluice)
      return findPlanted(garden.planted, [
        { name: "the output of the daemon", bytes: sluice.output() },
        ...heard,
        ...filesOf(dataDir),
        ...(await logAnswers(sluice)),
        ...receiver.received.map((one) => ({ name: "a webhook to the app", bytes: JSON.stringify(withoutOwn(one)) })),
      ])
    },
    async close() {
      const code = await sluice.stop()
      await Promise.all([provider.stop(), receiver.stop()])
      return code
    },
    /** What is there when the daemon has gone. */
    remains: () => [{ name: "the output of the daemon", bytes: sluice.output() }, ...filesOf(dataDir)],
    remove: () => rmSync(dataDir, { recursive: true, force: true }),
  }
}

const filesOf = (dataDir: string): Place[] =>
  readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => ({ name: `the file ${name}`, bytes: readFileSync(join(parentPath, name)) }))

/** Runs, deliveries and log entries that are still on their way have arrived. */
async function settled(sluice: Sluice): Promise<void> {
  await until(async () => {
    const { body } = await sluice.call("GET", "/sluice/logs?limit=100&state=running")
    const { body: sent } = await sluice.call("GET", "/sluice/webhooks/deliveries?state=pending")
    return body.data.length === 0 && sent.data.length === 0
  }, "everything to settle")
}

async function logAnswers(sluice: Sluice): Promise<Place[]> {
  const places: Place[] = []
  const { body, text } = await sluice.call("GET", "/sluice/logs?limit=100")
  places.push({ name: "the list of operations", bytes: text })
  for (const { id, message } of body.data) {
    const answer = await sluice.call("GET", `/sluice/logs/${id}?limit=1000`)
    places.push({ name: `the log of "${message}"`, bytes: answer.text })
  }
  return places
}
