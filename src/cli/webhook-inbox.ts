import type { Command } from "commander"
import { type Cli, openClient, show } from "./context.ts"
import type { Client } from "./client.ts"
import { exitCodes } from "./exit.ts"
import { cliFaults } from "./faults.ts"
import { wholeNumber } from "./input.ts"
import { data, pairs, plural, readableTime, table, talk } from "./print.ts"

type Received = {
  id: string
  integration: string
  state: string
  types: string[]
  connections: string[]
  error: string | null
  replays: number
  received_at: string
}
type ListOptions = { state?: string; integration?: string; limit?: number; before?: string }
type ReplayOptions = { state?: string; integration?: string }

/** The part of `sluice webhooks …` that is about what providers send. */
export function addInbox(command: Command, cli: Cli): void {
  const inbox = command.command("inbox").description("webhooks from providers, newest first")
  inbox
    .argument("[id]", "show this one as it came")
    .option("--state <state>", "matched, unmatched, refused or failed")
    .option("-i, --integration <id>", "only of this integration")
    .option("--limit <count>", "most to show", wholeNumber)
    .option("--before <id>", "those older than this one")
    .action((id: string | undefined, options: ListOptions) =>
      id === undefined ? listReceived(cli, options) : showReceived(cli, id),
    )
  command
    .command("replay")
    .description("take received webhooks in once more")
    .argument("[ids...]", "as `sluice webhooks inbox` lists them")
    .option("--state <state>", "instead of ids: all that are unmatched, refused or failed")
    .option("-i, --integration <id>", "with --state: only of this integration")
    .action((ids: string[], options: ReplayOptions) => replay(cli, ids, options))
}

const listPage = (client: Client, query: ListOptions) =>
  client.call<{ data: Received[]; next: string | null }>("GET", "/sluice/webhooks/inbox", { query: { ...query } })

async function listReceived(cli: Cli, options: ListOptions): Promise<void> {
  const answer = await listPage(openClient(cli), options)
  show(cli, answer, (page) =>
    table(
      ["ID", "TIME", "INTEGRATION", "STATE", "TYPES", "CONNECTIONS", "ERROR"],
      page.data.map((one) => [
        one.id,
        readableTime(one.received_at),
        one.integration,
        one.state,
        one.types.join(", "),
        one.connections.join(", "),
        one.error,
      ]),
    ),
  )
  if (answer.body.next && !cli.options().json) talk(`There is more: --before ${answer.body.next}`)
}

type Shown = Received & { headers: Record<string, string>; body?: string; body_base64?: string }

async function showReceived(cli: Cli, id: string): Promise<void> {
  const path = `/sluice/webhooks/inbox/${encodeURIComponent(id)}`
  const answer = await openClient(cli).call<{ data: Shown }>("GET", path)
  show(cli, answer, ({ data: one }) => {
    const head = pairs([
      ["webhook", one.id],
      ["received", readableTime(one.received_at)],
      ["integration", one.integration],
      ["state", one.state],
      ["types", one.types.join(", ")],
      ["connections", one.connections.join(", ")],
      ["error", one.error],
      ["replays", one.replays],
    ])
    const headers = pairs(Object.entries(one.headers))
    return [head, "", headers, "", pairs([["body", one.body ?? one.body_base64]])].join("\n")
  })
}

async function replay(cli: Cli, ids: string[], options: ReplayOptions): Promise<void> {
  if ((ids.length === 0) === (options.state === undefined)) {
    throw cliFaults.usage_input({
      message: "Give either ids or --state.",
      hint: "sluice webhooks replay --state unmatched",
    })
  }
  const client = openClient(cli)
  const rows: Received[] = []
  for (const id of ids.length > 0 ? ids : await allOf(client, options)) {
    const { body } = await client.call<{ data: Received }>(
      "POST",
      `/sluice/webhooks/inbox/${encodeURIComponent(id)}/replay`,
    )
    rows.push(body.data)
  }
  if (cli.options().json) data(JSON.stringify({ data: rows }))
  else {
    data(
      table(
        ["ID", "STATE", "CONNECTIONS"],
        rows.map((one) => [one.id, one.state, one.connections.join(", ")]),
      ),
    )
    talk(`${plural(rows.length, "webhook")} replayed.`)
  }
  const missed = rows.filter(({ state }) => state !== "matched").length
  if (missed > 0) cli.end(missed === rows.length ? exitCodes.failed : exitCodes.partial)
}

/** The ids are read to the end before the first is replayed: a replay changes the state that they are listed by. */
async function allOf(client: Client, options: ReplayOptions): Promise<string[]> {
  const ids: string[] = []
  for (let before: string | undefined; ;) {
    const { body } = await listPage(client, { ...options, limit: 500, before })
    ids.unshift(...body.data.map(({ id }) => id).toReversed())
    if (body.next === null) return ids
    before = body.next
  }
}
