import type { Command } from "commander"
import { type Cli, openClient, show } from "../context.ts"
import { cliFaults } from "../faults.ts"
import { collectPair, confirmOrThrow, readJsonObject, readSecret } from "../input.ts"
import { pairs, readableTime, table, talk } from "../print.ts"

type Integration = {
  unique_key: string
  provider: string
  display_name: string
  forward_webhooks: boolean
  created_at: string
  updated_at: string
  webhook_url?: string | null
  credentials?: unknown
}
type Fields = {
  provider?: string
  displayName?: string
  type?: string
  clientId?: string
  clientSecret?: string
  clientSecretFile?: string
  scopes?: string
  credentials?: string
  config?: Record<string, string>
  custom?: Record<string, string>
  forwardWebhooks?: boolean
}

/** `sluice integrations …` */
export function addIntegrations(command: Command, cli: Cli): void {
  command
    .command("list")
    .description("all integrations of the environment")
    .action(() => listIntegrations(cli))
  const create = command
    .command("create")
    .description("configure a provider")
    .argument("<id>", "what connections and functions call it (provider_config_key)")
    .requiredOption("-p, --provider <name>", "an entry of `sluice providers list`")
  withFields(create).action((id: string, options: Fields) => createIntegration(cli, id, options))
  command
    .command("get")
    .description("one integration")
    .argument("<id>")
    .option("--webhook", "also the address that the provider sends webhooks to")
    .option("--credentials", "also the client id and secret, in clear (with --json)")
    .action((id: string, options: { webhook?: boolean; credentials?: boolean }) => getIntegration(cli, id, options))
  const update = command
    .command("update")
    .description("change an integration")
    .argument("<id>")
    .option("--new-id <id>", "another id, while it has no connections")
  withFields(update)
    .option("--no-forward-webhooks", "keep the provider's webhooks from being forwarded")
    .action((id: string, options: Fields & { newId?: string }) => updateIntegration(cli, id, options))
  command
    .command("delete")
    .description("delete an integration with its connections, functions, syncs and records")
    .argument("<id>")
    .option("-y, --yes", "do not ask")
    .action((id: string, options: { yes?: boolean }) => deleteIntegration(cli, id, options))
}

function withFields(command: Command): Command {
  return command
    .option("--display-name <text>", "what people read")
    .option("--client-id <id>", "of your app at the provider")
    .option("--client-secret <secret>", "of your app at the provider; - reads stdin")
    .option("--client-secret-file <file>", "file that holds the client secret")
    .option("--scopes <list>", "what to ask end users for, separated by commas")
    .option("--type <mode>", "auth mode of client id and secret: OAUTH2, OAUTH1 or TBA", "OAUTH2")
    .option("--credentials <json>", "all credentials as JSON, @file or -, for other auth modes")
    .option("--config <name=value>", "a field that the provider wants of you; repeatable", collectPair)
    .option("--custom <name=value>", "a custom field; repeatable", collectPair)
    .option("--forward-webhooks", "forward the provider's webhooks to your app")
}

async function listIntegrations(cli: Cli): Promise<void> {
  const answer = await openClient(cli).call<{ data: Integration[] }>("GET", "/integrations")
  show(cli, answer, ({ data }) =>
    table(
      ["ID", "PROVIDER", "NAME", "CREATED"],
      data.map((one) => [one.unique_key, one.provider, one.display_name, readableTime(one.created_at)]),
    ),
  )
}

async function createIntegration(cli: Cli, id: string, options: Fields): Promise<void> {
  const body = { provider: options.provider, unique_key: id, ...toBody(options) }
  const answer = await openClient(cli).call<{ data: Integration }>("POST", "/integrations", { body })
  show(cli, answer, ({ data }) => describe(data))
}

async function getIntegration(cli: Cli, id: string, options: { webhook?: boolean; credentials?: boolean }) {
  const include = [...(options.webhook ? ["webhook"] : []), ...(options.credentials ? ["credentials"] : [])]
  const path = `/integrations/${encodeURIComponent(id)}`
  const answer = await openClient(cli).call<{ data: Integration }>("GET", path, { query: { include } })
  show(cli, answer, ({ data }) => describe(data))
}

async function updateIntegration(cli: Cli, id: string, options: Fields & { newId?: string }): Promise<void> {
  const body = { unique_key: options.newId, ...toBody(options) }
  const path = `/integrations/${encodeURIComponent(id)}`
  const answer = await openClient(cli).call<{ data: Integration }>("PATCH", path, { body })
  show(cli, answer, ({ data }) => describe(data))
}

async function deleteIntegration(cli: Cli, id: string, options: { yes?: boolean }): Promise<void> {
  const question = `Delete the integration ${id} with its connections, functions, syncs and records?`
  if (!(await confirmOrThrow(cli, options.yes, question))) throw cliFaults.not_confirmed()
  const answer = await openClient(cli).call("DELETE", `/integrations/${encodeURIComponent(id)}`)
  if (cli.options().json) show(cli, answer, String)
  else talk(`The integration ${id} was deleted.`)
}

function toBody(options: Fields): Record<string, unknown> {
  return {
    display_name: options.displayName,
    credentials: toCredentials(options),
    integration_config: options.config,
    custom: options.custom,
    forward_webhooks: options.forwardWebhooks,
  }
}

function toCredentials(options: Fields): Record<string, unknown> | undefined {
  if (options.credentials !== undefined) return readJsonObject("--credentials", options.credentials)
  const clientSecret = readSecret(options.clientSecret, options.clientSecretFile)
  const { type, clientId: client_id, scopes } = options
  if (client_id === undefined && clientSecret === undefined && scopes === undefined) return undefined
  return { type, client_id, client_secret: clientSecret, scopes }
}

const describe = (one: Integration): string =>
  pairs([
    ["id", one.unique_key],
    ["provider", one.provider],
    ["name", one.display_name],
    ["forwards webhooks", one.forward_webhooks ? "yes" : "no"],
    ["created", readableTime(one.created_at)],
    ["updated", readableTime(one.updated_at)],
    ...(one.webhook_url === undefined ? [] : [["webhook address", one.webhook_url] as [string, string | null]]),
  ])
