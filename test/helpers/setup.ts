import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { FakeProviderOptions } from "../../src/fake-provider/model.ts"
import { startFakeProvider } from "../../src/fake-provider/server.ts"
import { type Sluice, startSluice, type StartOptions, temporaryFolder, until } from "./sluice.ts"

/**
 * A daemon whose catalogue points at a fake provider: the providers `fake` (API key) and `github` (OAuth2) both have the
 * fake as their base URL, and loopback is allowed to leave.
 */
export async function startWithFake(options: { fake?: FakeProviderOptions; sluice?: StartOptions } = {}) {
  const fake = await startFakeProvider(options.fake)
  const folder = temporaryFolder("providers")
  writeFileSync(join(folder, "github.yaml"), githubAt(fake.url))
  writeFileSync(join(folder, "fake.yaml"), fakeAt(fake.url))
  const env = { SLUICE_PROVIDERS: folder, SLUICE_EGRESS_ALLOW: "127.0.0.0/8", ...options.sluice?.env }
  const sluice = await startSluice({ ...options.sluice, env })
  return {
    fake,
    sluice,
    env,
    async [Symbol.asyncDispose]() {
      await sluice.stop()
      await fake.stop()
    },
  }
}

const githubAt = (url: string) => `display_name: GitHub
docs: https://docs.github.com
auth_mode: OAUTH2
authorization_url: ${url}/oauth/authorize
token_url: ${url}/oauth/token
proxy:
  base_url: ${url}
  retry:
    at: x-ratelimit-reset
    remaining: x-ratelimit-remaining
  paginate:
    type: link
    limit_name_in_request: per_page
    link_rel_in_response_header: next
`

const fakeAt = (url: string) => `display_name: Fake
docs: https://example.com
auth_mode: API_KEY
credentials:
  apiKey:
    type: string
    title: API key
    description: Any text will do.
proxy:
  base_url: ${url}
  headers:
    authorization: Bearer \${apiKey}
  retry:
    after: retry-after
`

/** Makes the integration `fake` (once) and a connection on it. */
export async function connectFake(sluice: Sluice, connectionId = "c1"): Promise<void> {
  const made = await sluice.call("POST", "/integrations", { body: { provider: "fake", unique_key: "fake" } })
  if (made.status !== 200 && !made.text.includes("already exists")) throw new Error(made.text)
  const connection = await sluice.call("POST", "/connections", {
    body: {
      provider_config_key: "fake",
      connection_id: connectionId,
      credentials: { type: "API_KEY", apiKey: "fake-key-123" },
    },
  })
  if (connection.status !== 201) throw new Error(connection.text)
}

/** The headers that name the connection made by `connectFake`. */
export const onFake = (connectionId = "c1") => ({ "connection-id": connectionId, "provider-config-key": "fake" })

/** Waits until the sync has ended a run with a larger number than `after` runs before, and gives its status. */
export async function syncEnded(
  sluice: Sluice,
  name: string,
  options: { connectionId?: string; after?: string; key?: string } = {},
): Promise<any> {
  const query = `syncs=${name}&provider_config_key=${options.key ?? "fake"}&connection_id=${options.connectionId ?? "c1"}`
  return until(async () => {
    const { body } = await sluice.call("GET", `/sync/status?${query}`)
    const status = body?.syncs?.[0]
    if (!status?.finishedAt || status.status === "RUNNING" || status.finishedAt === options.after) return undefined
    return status
  }, `the sync ${name} to end`)
}
