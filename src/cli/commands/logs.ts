import type { Command } from "commander"
import { type Cli, openClient, show } from "../context.ts"
import { cliFaults } from "../faults.ts"
import { follow } from "../follow.ts"
import { wholeNumber } from "../input.ts"
import { data, pairs, printable, readableTime, table, talk } from "../print.ts"

type Operation = {
  id: string
  type: string
  state: string
  message: string
  integration: string | null
  connection: string | null
  function: string | null
  error: { message?: string } | null
  created_at: string
  started_at: string | null
  ended_at: string | null
}
type Message = { level: string; source: string; message: string; detail: unknown; created_at: string }
type ListOptions = {
  type?: string
  state?: string
  integration?: string
  connection?: string
  function?: string
  level?: string
  search?: string
  from?: string
  to?: string
  limit?: number
  after?: string
  follow?: boolean
}

/** `sluice logs …`; without a verb it lists. */
export function addLogs(command: Command, cli: Cli): void {
  command
    .command("list", { isDefault: true })
    .description("operations, newest first")
    .option("--type <type>", "sync, action, deploy, proxy, auth, webhook, events or function")
    .option("--state <state>", "waiting, running, success, failed, timeout or cancelled")
    .option("-i, --integration <id>", "only of this integration")
    .option("-c, --connection <id>", "only of this connection")
    .option("--function <name>", "only of this function")
    .option("--level <level>", "debug, info, warn or error, and what is graver")
    .option("--search <words>", "only where all these words are found, also in messages")
    .option("--from <time>", "only what began then or later (ISO 8601)")
    .option("--to <time>", "only what began before then")
    .option("--limit <count>", "most to show", wholeNumber)
    .option("--after <id>", "those after this place, as the page before named it")
    .option("-f, --follow", "print what happens from now on, until Ctrl-C")
    .action((options: ListOptions) => (options.follow ? followLogs(cli, options) : listOperations(cli, options)))
  command
    .command("show")
    .description("one operation with its messages")
    .argument("<id>", "id of an operation, as `sluice logs` lists it")
    .option("--level <level>", "only messages of this level or graver")
    .option("--search <words>", "only messages in which all these words are found")
    .option("--limit <count>", "most messages to show", wholeNumber)
    .action((id: string, options: MessageOptions) => showOperation(cli, id, options))
}

async function listOperations(cli: Cli, options: ListOptions): Promise<void> {
  const query = { ...options }
  const answer = await openClient(cli).call<{ data: Operation[]; next: string | null }>("GET", "/sluice/logs", {
    query,
  })
  show(cli, answer, ({ data }) =>
    table(
      ["ID", "TIME", "TYPE", "STATE", "FUNCTION", "INTEGRATION", "CONNECTION", "TOOK", "MESSAGE"],
      data.map((one) => [
        one.id,
        readableTime(one.created_at),
        one.type,
        one.state,
        one.function,
        one.integration,
        one.connection,
        duration(one),
        one.error?.message ?? one.message,
      ]),
    ),
  )
  if (answer.body.next && !cli.options().json) talk(`There is more: --after ${answer.body.next}`)
}

type Followed = Message & { operation: Pick<Operation, "id" | "type" | "function" | "connection"> }

/** One line for each message, and one for each operation that begins or ends; with `--json` the event's own JSON. */
async function followLogs(cli: Cli, options: ListOptions): Promise<void> {
  const { type, integration, connection, function: name, level, search } = options
  refuseWith(options, ["state", "from", "to", "limit", "after"])
  const query = { type, integration, connection, function: name, level, search }
  for await (const { event, data: text } of follow(openClient(cli), "/sluice/logs/tail", {
    query,
    signal: cli.signal(),
  })) {
    if (cli.options().json) data(JSON.stringify({ event, data: JSON.parse(text) as unknown }))
    else
      data(
        event === "message" ? followedLine(JSON.parse(text) as Followed) : operationLine(JSON.parse(text) as Operation),
      )
  }
}

function refuseWith(options: ListOptions, names: (keyof ListOptions)[]): void {
  const given = names.find((name) => options[name] !== undefined)
  if (given !== undefined) throw cliFaults.usage_input({ message: `--${given} does not go with --follow.` })
}

const followedLine = ({ operation, ...message }: Followed): string =>
  printable(`${messageLine(message)}  (${aboutOf(operation)})`)

const operationLine = (one: Operation): string =>
  printable(
    `${readableTime(one.ended_at ?? one.created_at)}  ${one.state.padEnd(7)}  ${one.error?.message ?? one.message}  (${aboutOf(one)})`,
  )

const aboutOf = (one: Pick<Operation, "id" | "type" | "connection">): string =>
  [one.type, one.connection, one.id].filter(Boolean).join(" ")

type MessageOptions = { limit?: number; level?: string; search?: string }

async function showOperation(cli: Cli, id: string, options: MessageOptions): Promise<void> {
  const query = { ...options }
  const path = `/sluice/logs/${encodeURIComponent(id)}`
  const answer = await openClient(cli).call<{ data: Operation & { messages: Message[] } }>("GET", path, { query })
  show(cli, answer, ({ data: one }) => {
    const head = pairs([
      ["operation", one.id],
      ["what", [one.type, one.message].join(": ")],
      ["state", one.state],
      ["function", one.function],
      ["integration", one.integration],
      ["connection", one.connection],
      ["started", readableTime(one.started_at ?? one.created_at)],
      ["took", duration(one)],
      ...(one.error ? [["error", one.error.message ?? JSON.stringify(one.error)] as [string, string]] : []),
    ])
    return [head, "", ...one.messages.map(messageLine)].join("\n")
  })
}

function messageLine({ created_at: at, level, message, detail }: Message): string {
  const more = detail === null || detail === undefined ? "" : ` ${JSON.stringify(detail)}`
  return printable(`${readableTime(at)}  ${level.padEnd(5)}  ${message}${more}`)
}

function duration({ started_at: from, ended_at: to }: Operation): string {
  if (from === null || to === null) return "-"
  const ms = Date.parse(to) - Date.parse(from)
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`
}
