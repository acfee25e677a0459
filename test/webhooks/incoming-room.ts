import { generateKeyPairSync, sign } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { tasks } from "../../src/queue/model.ts"
import type { SyncTask } from "../../src/syncs/model.ts"
import { testApp, type TestApp } from "../helpers/app.ts"
import { temporaryFolder } from "../helpers/sluice.ts"
import { syncNamed, syncsOf } from "../syncs/room.ts"

/** Public names for which our own catalogue has no provider yet, as an operator's file has them. */
const scripts = [
  ...["githubApp", "linear", "shopify", "gmail", "notion", "pagerduty", "gitlab", "calendly", "xero", "highlevel"],
  ...["microsoftClientCredentials", "attio", "sellsy", "airtable", "affinity", "autotask", "fathom", "googleCalendar"],
]
const entry = (script: string) => `display_name: Test
docs: https://example.com
auth_mode: API_KEY
credentials:
  apiKey: {type: string, title: Key, description: Any.}
proxy:
  base_url: https://example.com
  headers: {authorization: "Bearer \${apiKey}"}
webhook_routing_script: ${script}
webhook_user_defined_secret: true
`
const appEntry = `display_name: Test
docs: https://example.com
auth_mode: APP
webhook_routing_script: githubAppWebhookRouting
`
const silentEntry = entry("unknownWebhookRouting")

export type Sent = { status: number; text: string; body: any; headers: Headers }

/** A real App that providers can send webhooks to. */
export async function openIncoming(config: Record<string, unknown> = {}) {
  const folder = temporaryFolder("providers")
  mkdirSync(folder, { recursive: true })
  for (const name of scripts) writeFileSync(join(folder, `${name.toLowerCase()}.yaml`), entry(`${name}WebhookRouting`))
  writeFileSync(join(folder, "the-app.yaml"), appEntry)
  writeFileSync(join(folder, "silent.yaml"), silentEntry)
  const t = await testApp({ config: { providers: folder, egressAllow: "127.0.0.0/8", ...config } })
  return { t, ...incomingOf(t) }
}

function incomingOf(t: TestApp) {
  const { uuid } = t.ctx.environment
  const oauth = { type: "OAUTH2", client_id: "client", client_secret: "client-secret" }
  const { deploy } = syncsOf(t)
  return {
    async integrate(unique_key: string, provider: string, more: Record<string, unknown> = {}) {
      const answer = await t.request("POST", "/integrations", { body: { provider, unique_key, ...more } })
      if (answer.status !== 200) throw new Error(answer.text)
    },
    oauth: (webhook_secret?: string) => ({ credentials: { ...oauth, webhook_secret } }),
    async connect(
      provider_config_key: string,
      connection_id: string,
      more: Record<string, unknown> = {},
      type = "API_KEY",
    ) {
      const credentials =
        type === "OAUTH2"
          ? { type, access_token: "t" }
          : type === "BASIC"
            ? { type, username: "u", password: "" }
            : type === "NONE"
              ? { type }
              : { type, apiKey: "key" }
      const answer = await t.request("POST", "/connections", {
        body: { provider_config_key, connection_id, credentials, ...more },
      })
      if (answer.status !== 201) throw new Error(answer.text)
    },
    /** Deploys webhook functions: name → integration and subscriptions. */
    listen: (functions: Record<string, [integration: string, ...subscriptions: string[]]>) =>
      deploy(
        ...Object.entries(functions).map(([name, [integrationId, ...webhookSubscriptions]]) =>
          syncNamed(name, {
            integrationId,
            file: `${integrationId}/syncs/${name}.ts`,
            webhookSubscriptions,
            hasWebhookHandler: true,
            autoStart: false,
          }),
        ),
      ),
    async send(
      to: string,
      body: string | Uint8Array | object,
      headers: Record<string, string> = {},
      query = "",
    ): Promise<Sent> {
      const bytes = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body)
      const request = new Request(`http://localhost:3003/webhook/${uuid}/${to}${query}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: bytes as never,
      })
      const response = await t.send(request)
      const text = await response.text()
      let parsed: unknown
      try {
        parsed = JSON.parse(text)
      } catch {
        // A handshake is answered with plain text.
      }
      return { status: response.status, text, body: parsed, headers: response.headers }
    },
    /** What waits to be run: function, connection and payload of each. */
    async runs(): Promise<string[]> {
      const rows = await t.ctx.db.select().from(tasks)
      const list: string[] = []
      for (const { kind, payload } of rows.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
        if (kind !== "webhook") continue
        const { syncId, input } = payload as SyncTask
        const [sync] = await t.app.store.select<{ name: string; connection: string }>(
          "SELECT s.name, c.connection_id AS connection FROM syncs s JOIN connections c ON c.id = s.connection_id WHERE s.id = ?",
          [syncId],
        )
        list.push(`${sync?.name} ${sync?.connection} ${input}`)
      }
      return list
    },
    async inbox(query = ""): Promise<any[]> {
      return (await t.request("GET", `/sluice/webhooks/inbox?${query}`)).body.data
    },
    replay: (id: string) => t.request("POST", `/sluice/webhooks/inbox/${id}/replay`),
  }
}

/** Someone who signs tokens as Google does, with keys that can be fetched. */
export function startIssuer() {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
  let asked = 0
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch() {
      asked++
      return Response.json({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k1", alg: "RS256" }] })
    },
  })
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
  return {
    url: `http://127.0.0.1:${server.port}/certs`,
    asked: () => asked,
    token(claims: Record<string, unknown>, header: Record<string, unknown> = {}) {
      const signed = `${part({ alg: "RS256", kid: "k1", ...header })}.${part(claims)}`
      return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`
    },
    stop: () => server.stop(true),
  }
}
