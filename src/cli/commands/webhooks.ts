import type { Command } from "commander"
import { type Cli, openClient, show } from "../context.ts"
import { cliFaults } from "../faults.ts"
import { confirmOrThrow, wholeNumber } from "../input.ts"
import { pairs, readableTime, table, talk } from "../print.ts"
import { addInbox } from "../webhook-inbox.ts"

const switches = {
  "sync-completion": "on_sync_completion_always",
  "sync-error": "on_sync_error",
  "auth-creation": "on_auth_creation",
  "auth-refresh-error": "on_auth_refresh_error",
  "async-action": "on_async_action_completion",
  "connection-deletion": "on_connection_deletion",
} as const
type SwitchName = keyof typeof switches
const switchNames = Object.keys(switches).join(", ")

type Settings = Record<(typeof switches)[SwitchName], boolean> & {
  primary_url: string | null
  secondary_url: string | null
  disabled_urls: string[]
}
type SettingsOptions = { primaryUrl?: string; secondaryUrl?: string; on?: string[]; off?: string[] }
type Delivery = {
  id: number
  event_id: string
  type: string
  connection: string | null
  integration: string | null
  url: string
  state: string
  attempts: number
  next_at: string | null
  last_status: number | null
  last_error: string | null
  created_at: string
}
type Attempt = { at: string; duration_ms: number; status: number | null; error: string | null }
type ListOptions = {
  state?: string
  type?: string
  integration?: string
  connection?: string
  limit?: number
  before?: number
}

/** `sluice webhooks …` */
export function addWebhooks(command: Command, cli: Cli): void {
  const many = (text: string, before: string[] = []) => [...before, ...text.split(",")]
  command
    .command("settings")
    .description("where webhooks go and which are sent; with options, change it")
    .option("--primary-url <url>", 'address of your app; "" takes it away')
    .option("--secondary-url <url>", 'a second address; "" takes it away')
    .option("--on <names>", `send these: ${switchNames}`, many)
    .option("--off <names>", "do not send these", many)
    .action((options: SettingsOptions) => changeSettings(cli, options))
  command
    .command("list")
    .description("webhooks to your app, newest first")
    .option("--state <state>", "pending, delivered, failed or disabled")
    .option("--type <type>", "sync, auth, async_action or forward")
    .option("-i, --integration <id>", "only of this integration")
    .option("-c, --connection <id>", "only of this connection")
    .option("--limit <count>", "most to show", wholeNumber)
    .option("--before <id>", "those older than this one", wholeNumber)
    .action((options: ListOptions) => listDeliveries(cli, options))
  command
    .command("show")
    .description("one webhook with its attempts and its body")
    .argument("<id>", "number of a webhook, as `sluice webhooks list` shows it")
    .action((id: string) => showDelivery(cli, id))
  command
    .command("redeliver")
    .description("send webhooks again, now")
    .argument("<ids...>", "numbers of webhooks")
    .action((ids: string[]) => redeliver(cli, ids))
  command
    .command("key")
    .description("the key that webhooks are signed with")
    .option("--rotate", "make a new one; the old one ends at once")
    .option("-y, --yes", "do not ask")
    .action((options: { rotate?: boolean; yes?: boolean }) => showKey(cli, options))
  addInbox(command, cli)
}

async function changeSettings(cli: Cli, options: SettingsOptions): Promise<void> {
  const client = openClient(cli)
  const body = {
    primary_url: options.primaryUrl,
    secondary_url: options.secondaryUrl,
    ...Object.fromEntries((options.on ?? []).map((name) => [columnOf(name), true])),
    ...Object.fromEntries((options.off ?? []).map((name) => [columnOf(name), false])),
  }
  const isChange = Object.values(body).some((value) => value !== undefined)
  const path = "/sluice/webhooks/settings"
  const answer = await client.call<{ data: Settings }>(isChange ? "PATCH" : "GET", path, isChange ? { body } : {})
  show(cli, answer, ({ data }) =>
    pairs([
      ["primary url", data.primary_url],
      ["secondary url", data.secondary_url],
      ...Object.entries(switches).map(([name, column]): [string, string] => [name, data[column] ? "on" : "off"]),
      ...data.disabled_urls.map((url): [string, string] => ["disabled (410)", url]),
    ]),
  )
}

function columnOf(name: string): string {
  if (Object.hasOwn(switches, name)) return switches[name as SwitchName]
  throw cliFaults.usage_input({ message: `There is no webhook "${name}".`, hint: `Use one of: ${switchNames}` })
}

async function listDeliveries(cli: Cli, options: ListOptions): Promise<void> {
  const query = { ...options }
  const answer = await openClient(cli).call<{ data: Delivery[] }>("GET", "/sluice/webhooks/deliveries", { query })
  show(cli, answer, ({ data }) =>
    table(
      ["ID", "TIME", "TYPE", "STATE", "ATTEMPTS", "LAST", "NEXT", "INTEGRATION", "CONNECTION", "URL"],
      data.map((one) => [
        one.id,
        readableTime(one.created_at),
        one.type,
        one.state,
        one.attempts,
        one.last_status ?? one.last_error,
        readableTime(one.next_at),
        one.integration,
        one.connection,
        one.url,
      ]),
    ),
  )
  const last = answer.body.data.at(-1)
  if (last && answer.body.data.length === (options.limit ?? 50) && !cli.options().json)
    talk(`There may be more: --before ${last.id}`)
}

async function showDelivery(cli: Cli, id: string): Promise<void> {
  const path = `/sluice/webhooks/deliveries/${encodeURIComponent(id)}`
  type Shown = { data: Delivery & { body: string; attempt_list: Attempt[] } }
  const answer = await openClient(cli).call<Shown>("GET", path)
  show(cli, answer, ({ data: one }) => {
    const head = pairs([
      ["webhook", one.id],
      ["event", one.event_id],
      ["type", one.type],
      ["state", one.state],
      ["to", one.url],
      ["integration", one.integration],
      ["connection", one.connection],
      ["next attempt", readableTime(one.next_at)],
      ["body", one.body],
    ])
    const attempts = table(
      ["ATTEMPT", "TOOK", "STATUS", "ERROR"],
      one.attempt_list.map((attempt) => [
        readableTime(attempt.at),
        `${attempt.duration_ms} ms`,
        attempt.status,
        attempt.error,
      ]),
    )
    return one.attempt_list.length > 0 ? `${head}\n\n${attempts}` : head
  })
}

async function redeliver(cli: Cli, ids: string[]): Promise<void> {
  const client = openClient(cli)
  for (const id of ids) {
    const answer = await client.call("POST", `/sluice/webhooks/deliveries/${encodeURIComponent(id)}/redeliver`)
    if (cli.options().json) show(cli, answer, String)
    else talk(`${id}: will be sent again now. \`sluice webhooks show ${id}\` tells how it went.`)
  }
}

async function showKey(cli: Cli, options: { rotate?: boolean; yes?: boolean }): Promise<void> {
  const client = openClient(cli)
  if (options.rotate) {
    const question = "Receivers will refuse webhooks until they have the new key. Go on?"
    if (!(await confirmOrThrow(cli, options.yes, question)))
      throw cliFaults.not_confirmed({ message: "The key is as it was." })
    await client.call("POST", "/environment/webhook-signing-key/rotate")
  }
  type Key = { data: { webhook_signing_key: string; standard_webhooks_secret: string } }
  const answer = await client.call<Key>("GET", "/sluice/webhooks/key")
  show(cli, answer, ({ data }) =>
    pairs([
      ["signing key", data.webhook_signing_key],
      ["for Standard Webhooks", data.standard_webhooks_secret],
    ]),
  )
}
