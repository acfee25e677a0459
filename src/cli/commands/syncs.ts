import type { Command } from "commander"
import type { Client } from "../client.ts"
import { type Cli, openClient, show } from "../context.ts"
import { exitCodes } from "../exit.ts"
import { cliFaults } from "../faults.ts"
import { data, plural, talk, withProgress } from "../print.ts"
import { readStatus, statusTable, type SyncStatus, waitForRuns } from "../sync-status.ts"

type Options = { integration: string; connection?: string }
type Owned = SyncStatus & { integration: string }

/** `sluice syncs …` */
export function addSyncs(command: Command, cli: Cli): void {
  command
    .command("list")
    .description("every sync of every connection")
    .option("-i, --integration <id>", "only of this integration")
    .option("-c, --connection <id>", "only of this connection (with --integration)")
    .action((options: Partial<Options>) => listSyncs(cli, options))
  named(command, "status", "where syncs stand").action((names: string[], options: Options) =>
    showStatus(cli, names, options),
  )
  named(command, "trigger", "run syncs once, now")
    .option("--reset", "begin anew: forget checkpoint and last sync date")
    .option("--empty-cache", "with --reset: delete the records first")
    .option("--wait", "wait until the runs have ended; exit 1 when one fails, 7 when only some do")
    .action((names: string[], options: TriggerOptions) => triggerSyncs(cli, names, options))
  named(command, "start", "let schedules run").action((names: string[], options: Options) =>
    commandSyncs(cli, "/sync/start", names, options, "started"),
  )
  named(command, "pause", "stop schedules and what they run").action((names: string[], options: Options) =>
    commandSyncs(cli, "/sync/pause", names, options, "paused"),
  )
  named(command, "accept-deletes", "let the next run delete nearly everything, once").action(
    (names: string[], options: Options) =>
      commandSyncs(cli, "/sluice/syncs/accept-deletes", names, options, "accepted"),
  )
  command
    .command("frequency")
    .description("override how often a sync runs on one connection")
    .argument("<name>")
    .argument("[frequency]", 'such as "every 5 minutes"')
    .requiredOption("-i, --integration <id>", "id of the integration (provider_config_key)")
    .requiredOption("-c, --connection <id>", "id of the connection")
    .option("--variant <name>", "variant of the sync")
    .option("--default", "go back to the frequency of the function")
    .action((name: string, frequency: string | undefined, options: FrequencyOptions) =>
      setFrequency(cli, name, frequency, options),
    )
}

type TriggerOptions = Options & { reset?: boolean; emptyCache?: boolean; wait?: boolean }
type FrequencyOptions = Required<Options> & { variant?: string; default?: boolean }

function named(command: Command, name: string, description: string): Command {
  return command
    .command(name)
    .description(description)
    .argument("[names...]", "names, or name::variant; all when left out")
    .requiredOption("-i, --integration <id>", "id of the integration (provider_config_key)")
    .option("-c, --connection <id>", "only on this connection")
}

async function listSyncs(cli: Cli, options: Partial<Options>): Promise<void> {
  const client = openClient(cli)
  if (options.integration !== undefined) return showStatus(cli, [], { ...options, integration: options.integration })
  if (options.connection !== undefined) {
    throw cliFaults.usage_input({
      message: "A connection belongs to an integration.",
      hint: `sluice syncs list -i <integration> -c ${options.connection}`,
    })
  }
  const { body } = await client.call<{ data: { unique_key: string }[] }>("GET", "/integrations")
  const syncs: Owned[] = []
  for (const { unique_key: integration } of body.data) {
    const answer = await readStatus(client, { integration, names: [] })
    syncs.push(...answer.body.syncs.map((sync) => ({ ...sync, integration })))
  }
  if (cli.options().json) data(JSON.stringify({ syncs }))
  else data(statusTable(syncs))
}

async function showStatus(cli: Cli, names: string[], options: Options): Promise<void> {
  const answer = await readStatus(openClient(cli), { ...options, names })
  show(cli, answer, ({ syncs }) => statusTable(withIntegration(syncs, options)))
}

async function triggerSyncs(cli: Cli, names: string[], options: TriggerOptions): Promise<void> {
  const client = openClient(cli)
  const choice = { ...options, names }
  const before = options.wait ? (await readStatus(client, choice)).body.syncs : []
  const opts = { reset: options.reset ?? false, emptyCache: options.emptyCache ?? false }
  const answer = await client.call("POST", "/sync/trigger", { body: { ...toBody(names, options), opts } })
  if (options.wait) return endOfRuns(cli, client, choice, before)
  if (cli.options().json) show(cli, answer, String)
  else talk("The syncs were triggered. `sluice syncs status` shows where they stand.")
}

async function endOfRuns(cli: Cli, client: Client, choice: Options & { names: string[] }, before: SyncStatus[]) {
  const answer = await withProgress("waiting for the runs to end", waitForRuns(client, choice, before))
  show(cli, answer, ({ syncs }) => statusTable(withIntegration(syncs, choice)))
  const { syncs } = answer.body
  const failed = syncs.filter((sync) => sync.latestExecutionStatus !== "SUCCESS")
  if (failed.length === 0) return
  talk(`${failed.length} of ${plural(syncs.length, "sync")} failed. \`sluice logs list --type sync\` says why.`)
  cli.end(failed.length === syncs.length ? exitCodes.failed : exitCodes.partial)
}

async function commandSyncs(cli: Cli, path: string, names: string[], options: Options, done: string): Promise<void> {
  const answer = await openClient(cli).call("POST", path, { body: toBody(names, options) })
  if (cli.options().json) show(cli, answer, String)
  else talk(`${names.length > 0 ? names.join(", ") : "All syncs"} of ${options.integration}: ${done}.`)
}

async function setFrequency(cli: Cli, name: string, frequency: string | undefined, options: FrequencyOptions) {
  if ((frequency === undefined) === (options.default !== true)) {
    throw cliFaults.usage_input({
      message: "Give either a frequency or --default.",
      hint: `sluice syncs frequency ${name} "every 5 minutes" -i ${options.integration} -c ${options.connection}`,
    })
  }
  const body = {
    sync_name: name,
    sync_variant: options.variant,
    provider_config_key: options.integration,
    connection_id: options.connection,
    frequency: frequency ?? null,
  }
  const path = "/sync/update-connection-frequency"
  const answer = await openClient(cli).call<{ frequency: string }>("PUT", path, { body })
  show(cli, answer, (saved) => saved.frequency)
}

const toBody = (names: string[], { integration, connection }: Options) => ({
  syncs: names,
  provider_config_key: integration,
  connection_id: connection,
})

const withIntegration = (syncs: SyncStatus[], { integration }: Options): Owned[] =>
  syncs.map((sync) => ({ ...sync, integration }))
