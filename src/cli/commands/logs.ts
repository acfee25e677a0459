import type { Command } from "commander"
import { type Cli, openClient, show } from "../context.ts"
import { wholeNumber } from "../input.ts"
import { pairs, printable, readableTime, table, talk } from "../print.ts"

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
  limit?: number
  after?: string
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
    .option("-f, --function <name>", "only of this function")
    .option("--limit <count>", "most to show", wholeNumber)
    .option("--after <id>", "those older than this operation")
    .action((options: ListOptions) => listOperations(cli, options))
  command
    .command("show")
    .description("one operation with its messages")
    .argument("<id>", "id of an operation, as `sluice logs` lists it")
    .option("--limit <count>", "most messages to show", wholeNumber)
    .action((id: string, options: { limit?: number }) => showOperation(cli, id, options))
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

async function showOperation(cli: Cli, id: string, query: { limit?: number }): Promise<void> {
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
