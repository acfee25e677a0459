import type { Command } from "commander"
import { type Cli, openClient, show } from "../context.ts"
import { cliFaults } from "../faults.ts"
import { collectPair, collectText, confirmOrThrow, readJsonObject, readSecret, wholeNumber } from "../input.ts"
import { pairs, readableTime, table, talk } from "../print.ts"
import { addLink } from "./connect-link.ts"
import { addMetadata } from "./metadata.ts"

type Connection = {
  connection_id: string
  provider_config_key: string
  provider: string
  end_user: { id: string; email: string | null } | null
  tags: Record<string, string>
  errors: { type: string }[]
  metadata: unknown
}
type ListedConnection = Connection & { created: string }
type FullConnection = Connection & { created_at: string; updated_at: string; credentials?: { type?: string } }
type ListOptions = {
  integration?: string[]
  search?: string
  endUser?: string
  organization?: string
  limit?: number
  page?: number
}
type ImportOptions = {
  integration: string
  connection?: string
  apiKey?: string
  apiKeyFile?: string
  username?: string
  password?: string
  passwordFile?: string
  accessToken?: string
  accessTokenFile?: string
  refreshToken?: string
  refreshTokenFile?: string
  expiresAt?: string
  credentials?: string
  config?: Record<string, string>
  metadata?: string
  tag?: Record<string, string>
  endUser?: string
  endUserEmail?: string
}

const integration = ["-i, --integration <id>", "id of the integration (provider_config_key)"] as const

/** `sluice connections …` */
export function addConnections(command: Command, cli: Cli): void {
  command
    .command("list")
    .description("connections, newest first")
    .option("-i, --integration <id>", "only of this integration; repeatable", collectText)
    .option("--search <text>", "that hold this text")
    .option("--end-user <id>", "only of this end user")
    .option("--organization <id>", "only of this organization")
    .option("--limit <count>", "most to show", wholeNumber)
    .option("--page <number>", "page, from 0", wholeNumber)
    .action((options: ListOptions) => listConnections(cli, options))
  command
    .command("get")
    .description("one connection; --json shows its credentials in clear")
    .argument("<connection-id>")
    .requiredOption(...integration)
    .option("--refresh", "get a new token first")
    .action((id: string, options: { integration: string; refresh?: boolean }) => getConnection(cli, id, options))
  withCredentials(
    command
      .command("import")
      .description("make a connection from credentials that you have; without any it has none (NONE)")
      .requiredOption(...integration),
  ).action((options: ImportOptions) => importConnection(cli, options))
  addLink(command, cli)
  command
    .command("delete")
    .description("delete a connection with its syncs and records")
    .argument("<connection-id>")
    .requiredOption(...integration)
    .option("-y, --yes", "do not ask")
    .action((id: string, options: { integration: string; yes?: boolean }) => deleteConnection(cli, id, options))
  addMetadata(command.command("metadata").description("your own JSON beside a connection"), cli)
}

function withCredentials(command: Command): Command {
  return command
    .option("-c, --connection <id>", "id of the connection; made up when left out")
    .option("--api-key <key>", "API key; - reads stdin")
    .option("--api-key-file <file>", "file that holds the API key")
    .option("--username <name>", "for basic auth")
    .option("--password <password>", "for basic auth; - reads stdin")
    .option("--password-file <file>", "file that holds the password")
    .option("--access-token <token>", "OAuth2 access token; - reads stdin")
    .option("--access-token-file <file>", "file that holds the access token")
    .option("--refresh-token <token>", "OAuth2 refresh token; - reads stdin")
    .option("--refresh-token-file <file>", "file that holds the refresh token")
    .option("--expires-at <time>", "when the access token ends (ISO 8601)")
    .option("--credentials <json>", "all credentials as JSON, @file or -, for other auth modes")
    .option("--config <name=value>", "a field that the provider wants of each connection; repeatable", collectPair)
    .option("--metadata <json>", "your own JSON, @file or -")
    .option("--tag <name=value>", "a tag; repeatable", collectPair)
    .option("--end-user <id>", "whose connection it is")
    .option("--end-user-email <email>", "their address")
}

async function listConnections(cli: Cli, options: ListOptions): Promise<void> {
  const query = {
    integrationId: options.integration,
    search: options.search,
    endUserId: options.endUser,
    endUserOrganizationId: options.organization,
    limit: options.limit,
    page: options.page,
  }
  const answer = await openClient(cli).call<{ connections: ListedConnection[] }>("GET", "/connections", { query })
  show(cli, answer, ({ connections }) =>
    table(
      ["CONNECTION", "INTEGRATION", "END USER", "TAGS", "ERRORS", "CREATED"],
      connections.map((one) => [
        one.connection_id,
        one.provider_config_key,
        one.end_user?.email ?? one.end_user?.id,
        tagText(one.tags),
        one.errors.map((error) => error.type).join(", "),
        readableTime(one.created),
      ]),
    ),
  )
}

async function getConnection(cli: Cli, id: string, options: { integration: string; refresh?: boolean }) {
  const query = { provider_config_key: options.integration, force_refresh: options.refresh }
  const path = `/connections/${encodeURIComponent(id)}`
  show(cli, await openClient(cli).call<FullConnection>("GET", path, { query }), describe)
}

async function importConnection(cli: Cli, options: ImportOptions): Promise<void> {
  const { endUser, endUserEmail: email } = options
  const body = {
    provider_config_key: options.integration,
    connection_id: options.connection,
    credentials: toCredentials(options),
    connection_config: options.config,
    metadata: options.metadata === undefined ? undefined : readJsonObject("--metadata", options.metadata),
    tags: options.tag,
    end_user: endUser === undefined ? undefined : { id: endUser, email },
  }
  show(cli, await openClient(cli).call<FullConnection>("POST", "/connections", { body }), describe)
}

function toCredentials(options: ImportOptions): Record<string, unknown> {
  const apiKey = readSecret(options.apiKey, options.apiKeyFile)
  const password = readSecret(options.password, options.passwordFile)
  const accessToken = readSecret(options.accessToken, options.accessTokenFile)
  const refreshToken = readSecret(options.refreshToken, options.refreshTokenFile)
  const isBasic = options.username !== undefined || password !== undefined
  const ways = [options.credentials, apiKey, isBasic || undefined, accessToken].filter((way) => way !== undefined)
  if (ways.length > 1 || (refreshToken !== undefined && accessToken === undefined)) {
    throw cliFaults.usage_input({
      message: "Give one kind of credentials.",
      hint: "--api-key <key>, or --username and --password, or --access-token with --refresh-token, or --credentials",
    })
  }
  if (options.credentials !== undefined) return readJsonObject("--credentials", options.credentials)
  if (apiKey !== undefined) return { type: "API_KEY", apiKey }
  if (isBasic) return { type: "BASIC", username: options.username ?? "", password: password ?? "" }
  if (accessToken === undefined) return { type: "NONE" }
  return { type: "OAUTH2", access_token: accessToken, refresh_token: refreshToken, expires_at: options.expiresAt }
}

async function deleteConnection(cli: Cli, id: string, options: { integration: string; yes?: boolean }) {
  const question = `Delete the connection ${id} of ${options.integration} with its syncs and records?`
  if (!(await confirmOrThrow(cli, options.yes, question))) throw cliFaults.not_confirmed()
  const query = { provider_config_key: options.integration }
  const answer = await openClient(cli).call("DELETE", `/connections/${encodeURIComponent(id)}`, { query })
  if (cli.options().json) show(cli, answer, String)
  else talk(`The connection ${id} was deleted.`)
}

const tagText = (tags: Record<string, string>): string =>
  Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ")

const describe = (one: FullConnection): string =>
  pairs([
    ["connection", one.connection_id],
    ["integration", one.provider_config_key],
    ["provider", one.provider],
    ["credentials", one.credentials?.type],
    ["end user", one.end_user?.email ?? one.end_user?.id],
    ["tags", tagText(one.tags)],
    ["metadata", JSON.stringify(one.metadata)],
    ["errors", one.errors.map((error) => error.type).join(", ") || "none"],
    ["created", readableTime(one.created_at)],
    ["updated", readableTime(one.updated_at)],
  ])
