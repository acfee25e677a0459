import type { CallInput } from "../calls.ts"
import { readList, readObject, readOptionalText, readOptions, refuse } from "./arguments.ts"
import type { Channel } from "./channel.ts"

const connectionMs = 60_000
const integrationMs = 600_000

type Connection = {
  metadata?: Record<string, unknown> | null
  credentials?: { type?: string } & Record<string, unknown>
}
type Cached<T> = { value: Promise<T>; until: number }

/** `nango.getConnection` and what is derived from it, with the caches that functions rely on. */
export function createConnectionCalls(channel: Channel): Record<string, unknown> {
  const connections = new Map<string, Cached<Connection>>()
  const integrations = new Map<string, Cached<unknown>>()

  const getConnection = (
    providerConfigKey?: unknown,
    connectionId?: unknown,
    options?: unknown,
  ): Promise<Connection> => {
    channel.check()
    const input = connectionInput(providerConfigKey, connectionId, options)
    const key = `${input.providerConfigKey ?? ""}\n${input.connectionId ?? ""}`
    const fresh = input.forceRefresh || input.refreshToken || input.refreshGithubAppJwtToken
    return cached(connections, key, { ms: connectionMs, fresh: fresh === true }, async () => {
      return (await channel.call("connection.get", input)).output as Connection
    })
  }

  const getMetadata = async () => (await getConnection()).metadata ?? {}

  const write = async (call: "metadata.set" | "metadata.update", given: unknown) => {
    channel.check()
    const metadata = readObject(given, "the metadata")
    try {
      const { output } = await channel.call(call, { metadata })
      const answered =
        call === "metadata.set" ? { status: 201, statusText: "Created" } : { status: 200, statusText: "OK" }
      return { data: output, ...answered, headers: {}, config: {}, request: {} }
    } finally {
      connections.clear()
    }
  }

  const getIntegration = (options?: unknown) => {
    channel.check()
    const include = includesOf(readOptions(options, "its options").include)
    return cached(integrations, include.join(","), { ms: integrationMs, fresh: false }, async () => {
      return (await channel.call("integration.get", include.length > 0 ? { include } : {})).output
    })
  }

  return {
    getConnection,
    getMetadata,
    setMetadata: (metadata: unknown) => write("metadata.set", metadata),
    updateMetadata: (metadata: unknown) => write("metadata.update", metadata),
    setFieldMapping: (mapping: unknown) => write("metadata.set", mapping),
    getFieldMapping: async () => (await getMetadata()).fieldMapping ?? {},
    getToken: async () => tokenOf((await getConnection()).credentials),
    getIntegration,
    async getWebhookURL() {
      return ((await getIntegration({ include: ["webhook"] })) as { webhook_url?: unknown } | undefined)?.webhook_url
    },
    getEnvironmentVariables: async () => (await channel.call("variables.get", {})).output ?? null,
  }
}

const includable = ["webhook", "credentials"] as const
type Includable = (typeof includable)[number]

function includesOf(include: unknown): Includable[] {
  if (include === undefined || include === null) return []
  const list = readList(include)
  if (list?.every((one) => includable.includes(one as Includable))) return list as Includable[]
  throw refuse(`"include" must be a list of ${includable.join(" and ")}`)
}

function connectionInput(
  providerConfigKey: unknown,
  connectionId: unknown,
  options: unknown,
): CallInput<"connection.get"> {
  const { forceRefresh, refreshToken, refreshGithubAppJwtToken } = readOptions(options, "its options")
  return {
    providerConfigKey: readOptionalText(providerConfigKey, "the provider config key"),
    connectionId: readOptionalText(connectionId, "the connection id"),
    forceRefresh: forceRefresh === true ? true : undefined,
    refreshToken: refreshToken === true ? true : undefined,
    refreshGithubAppJwtToken: refreshGithubAppJwtToken === true ? true : undefined,
  }
}

/** One lookup at a time for each key; a failure is not kept. */
function cached<T>(
  cache: Map<string, Cached<T>>,
  key: string,
  options: { ms: number; fresh: boolean },
  load: () => Promise<T>,
): Promise<T> {
  const held = cache.get(key)
  if (held && held.until > Date.now() && !options.fresh) return held.value
  const entry: Cached<T> = { value: load(), until: Date.now() + options.ms }
  cache.set(key, entry)
  entry.value.catch(() => {
    if (cache.get(key) === entry) cache.delete(key)
  })
  return entry.value
}

function tokenOf(credentials: Connection["credentials"]): unknown {
  if (credentials?.type === "OAUTH2") return credentials.access_token
  if (credentials?.type !== "OAUTH1") return credentials
  return { oAuthToken: credentials.oauth_token, oAuthTokenSecret: credentials.oauth_token_secret }
}
