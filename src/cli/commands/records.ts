import type { Command } from "commander"
import type { Client } from "../client.ts"
import { type Cli, openClient, show } from "../context.ts"
import { collectText, wholeNumber } from "../input.ts"
import { data, dataTaken, plural, talk } from "../print.ts"
import { recordTable, type ShownRecord } from "../record-table.ts"

type Options = { integration: string; connection: string; model: string; variant?: string }
type ListOptions = Options & {
  filter?: string
  modifiedAfter?: string
  cursor?: string
  id?: string[]
  limit?: number
  all?: boolean
}
type PruneOptions = Options & { untilCursor: string; limit?: number; all?: boolean }
type Page = { records: ShownRecord[]; next_cursor: string | null }
type Pruned = { count: number; has_more: boolean }

/** `sluice records …` */
export function addRecords(command: Command, cli: Cli): void {
  collection(command.command("list").description("records in the order of their changes"))
    .option("--filter <list>", "only added, updated, deleted (separated by commas)")
    .option("--modified-after <time>", "only changes after this time (ISO 8601)")
    .option("--cursor <cursor>", "only changes after this one (`_nango_metadata.cursor`)")
    .option("--id <id>", "only this record; repeatable", collectText)
    .option("--limit <count>", "records of one page", wholeNumber)
    .option("--all", "follow the cursor to the end")
    .action((options: ListOptions) => listRecords(cli, options))
  collection(command.command("prune").description("empty the payloads of records up to a cursor"))
    .requiredOption("--until-cursor <cursor>", "the last record to empty")
    .option("--limit <count>", "records of one call", wholeNumber)
    .option("--all", "call again until none is left")
    .action((options: PruneOptions) => pruneRecords(cli, options))
}

function collection(command: Command): Command {
  return command
    .requiredOption("-i, --integration <id>", "id of the integration (provider_config_key)")
    .requiredOption("-c, --connection <id>", "id of the connection")
    .requiredOption("-m, --model <name>", "model of the records")
    .option("--variant <name>", "variant of the sync")
}

async function listRecords(cli: Cli, options: ListOptions): Promise<void> {
  const client = openClient(cli)
  const answer = await readPage(client, options, options.cursor)
  if (!options.all || answer.body.next_cursor === null) {
    show(cli, answer, ({ records }) => recordTable(records))
    const next = answer.body.next_cursor
    if (next !== null && !cli.options().json) talk(`There is more: --cursor ${next}, or --all.`)
    return
  }
  const print = cli.options().json ? jsonPrinter() : tablePrinter()
  let page = answer.body
  await print.page(page.records)
  while (page.next_cursor !== null) {
    page = (await readPage(client, options, page.next_cursor)).body
    await print.page(page.records)
  }
  print.end()
}

const readPage = (client: Client, options: ListOptions, cursor: string | undefined) =>
  client.call<Page>("GET", "/records", {
    headers: toHeaders(options),
    query: {
      model: options.model,
      variant: options.variant,
      filter: options.filter,
      modified_after: options.modifiedAfter,
      ids: options.id,
      limit: options.limit ?? (options.all ? 1000 : undefined),
      cursor,
    },
  })

type Printer = { page: (records: ShownRecord[]) => Promise<void>; end: () => void }

/** One answer in the API's form for all pages, written as they come, so that millions of records need no memory. */
function jsonPrinter(): Printer {
  let before = '{"records":['
  return {
    async page(records) {
      if (records.length === 0) return
      await dataTaken(`${before}${JSON.stringify(records).slice(1, -1)}`)
      before = ","
    },
    end: () => data(`${before === "," ? "" : before}],"next_cursor":null}`),
  }
}

function tablePrinter(): Printer {
  let count = 0
  return {
    async page(records) {
      if (records.length > 0) await dataTaken(`${recordTable(records, count === 0)}\n`)
      count += records.length
    },
    end: () => talk(plural(count, "record")),
  }
}

async function pruneRecords(cli: Cli, options: PruneOptions): Promise<void> {
  const client = openClient(cli)
  const { model, variant, limit } = options
  const body = { model, variant, limit, until_cursor: options.untilCursor }
  const prune = () => client.call<Pruned>("PATCH", "/records/prune", { headers: toHeaders(options), body })
  let answer = await prune()
  let { count } = answer.body
  while (options.all && answer.body.has_more) {
    answer = await prune()
    count += answer.body.count
  }
  const text = JSON.stringify({ ...answer.body, count })
  show(
    cli,
    { ...answer, text },
    (last) => `${plural(count, "record")} emptied${last.has_more ? ", there are more" : ""}`,
  )
}

const toHeaders = ({ integration, connection }: Options) => ({
  "provider-config-key": integration,
  "connection-id": connection,
})
