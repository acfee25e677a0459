import { type Answer, type Sluice, until } from "../helpers/sluice.ts"

/** Names that no other test of the same daemon uses. */
let minted = 0
export const mint = (prefix: string): string => `${prefix}-${++minted}`

export const apiKey = { type: "API_KEY", apiKey: "a-key-of-the-customer" }
export const token = { type: "OAUTH2", access_token: "gho_access_of_the_customer", refresh_token: "ghr_refresh" }

/** A new integration with an API key provider, so that deploys and commands of one test cannot touch another's. */
export async function mintIntegration(sluice: Sluice, provider = "fake", key = mint(provider)): Promise<string> {
  const app = { type: "OAUTH2", client_id: "client", client_secret: "client-secret" }
  const body = { provider, unique_key: key, ...(provider === "github" ? { credentials: app } : {}) }
  expectStatus(await sluice.call("POST", "/integrations", { body }), 200)
  return key
}

export async function importConnection(sluice: Sluice, key: string, more: Record<string, unknown> = {}): Promise<any> {
  const body = { provider_config_key: key, connection_id: mint("customer"), credentials: apiKey, ...more }
  return expectStatus(await sluice.call("POST", "/connections", { body }), 201).body
}

/** Deploys to one integration; `files` are relative to its folder, functions of other integrations stay. */
export async function deployTo(sluice: Sluice, key: string, files: Record<string, string>, status = 200): Promise<any> {
  const named = Object.fromEntries(Object.entries(files).map(([path, text]) => [`${key}/${path}`, text]))
  const body = { files: named, mode: "apply", integration: key }
  return expectStatus(await sluice.call("POST", "/sluice/deploy", { body }), status).body
}

export function expectStatus(answer: Answer, status: number): Answer {
  if (answer.status !== status) throw new Error(`Expected ${status}, got ${answer.status}: ${answer.text}`)
  return answer
}

/** A connection on an integration, with what tests ask about it. */
export function connectionAt(sluice: Sluice, key: string, id: string) {
  const headers = { "connection-id": id, "provider-config-key": key }
  const query = (name: string) => `syncs=${name}&provider_config_key=${key}&connection_id=${encodeURIComponent(id)}`
  const command = (verb: string, name: string | undefined, more: object) => {
    const body = { syncs: name ? [name] : [], provider_config_key: key, connection_id: id, ...more }
    return sluice.call("POST", `/sync/${verb}`, { body })
  }
  const status = async (name: string) =>
    expectStatus(await sluice.call("GET", `/sync/status?${query(name)}`), 200).body.syncs[0]
  const ended = (name: string, after?: string) =>
    until(async () => {
      const now = await status(name)
      return now?.finishedAt && now.status !== "RUNNING" && now.finishedAt !== after ? now : undefined
    }, `the sync ${name} to end`)
  /** Triggers the sync and waits for the end of that run. */
  const run = async (name: string, more: object = {}) => {
    const before = await status(name)
    expectStatus(await command("trigger", name, more), 200)
    return ended(name, before?.finishedAt)
  }
  return {
    key,
    id,
    headers,
    status,
    ended,
    records: async (model: string, more = "") =>
      expectStatus(await sluice.call("GET", `/records?model=${model}${more}`, { headers }), 200).body,
    command: async (verb: "trigger" | "start" | "pause", name?: string, more: object = {}) =>
      expectStatus(await command(verb, name, more), 200),
    run: async (name: string, more: object = {}) => {
      const result = await run(name, more)
      if (result.latestExecutionStatus !== "SUCCESS") throw new Error(`The run failed: ${JSON.stringify(result)}`)
      return result
    },
    runToFailure: async (name: string) => {
      const result = await run(name)
      if (result.latestExecutionStatus !== "STOPPED") throw new Error(`The run went well: ${JSON.stringify(result)}`)
      return result
    },
    act: (action_name: string, input?: unknown) =>
      sluice.call("POST", "/action/trigger", { headers, body: { action_name, input } }),
    setMetadata: async (metadata: object) => {
      const body = { connection_id: id, provider_config_key: key, metadata }
      expectStatus(await sluice.call("POST", "/connections/metadata", { body }), 201)
    },
  }
}
export type Connection = ReturnType<typeof connectionAt>

/** Integration, connection and functions in one call. */
export async function stage(
  sluice: Sluice,
  files: Record<string, string>,
  connection: Record<string, unknown> = {},
): Promise<Connection> {
  const key = await mintIntegration(sluice)
  const { connection_id } = await importConnection(sluice, key, connection)
  if (Object.keys(files).length > 0) await deployTo(sluice, key, files)
  return connectionAt(sluice, key, connection_id)
}
