import type { Command } from "commander"
import type { Cli } from "../context.ts"
import { dryRunRemote } from "../dry-remote.ts"
import { dryRunOffline } from "../dry-offline.ts"
import { cliFaults } from "../faults.ts"
import { readJsonInput, readJsonObject, readJsonOrText } from "../input.ts"

type Options = {
  environment?: string
  lastSyncDate?: string
  variant?: string
  input?: string
  webhook?: string
  metadata?: string
  checkpoint?: string
  integrationId?: string
  validate?: boolean
  validation?: boolean
  save?: boolean
  saveResponses?: boolean
  offline?: boolean
  autoConfirm?: boolean
  diagnostics?: boolean
}

export type DryRunWish = {
  name: string
  connectionId?: string
  dir: string
  integration?: string
  input?: unknown
  webhook?: unknown
  metadata?: Record<string, unknown>
  checkpoint?: Record<string, unknown>
  variant?: string
  lastSyncDate?: string
  validate: boolean
  save: boolean
  /** All records, instead of the first ones of each model. */
  all: boolean
  diagnostics: boolean
}

/** `sluice dryrun <name> <connection> [dir]` */
export function addDryrun(command: Command, cli: Cli): void {
  command
    .argument("<name>", "name of the function")
    .argument("[connection]", "id of the connection; not needed with --offline")
    .argument("[dir]", "folder of the functions", ".")
    .option("-e, --environment <name>", "same as --env")
    .option("-i, --input <json>", "input of an action: JSON, @file, - or plain text")
    .option("-m, --metadata <json>", "instead of the connection's metadata: JSON or @file")
    .option("-c, --checkpoint <json>", "what the run finds as its checkpoint: JSON or @file")
    .option("-l, --lastSyncDate <date>", "what the run sees as nango.lastSyncDate")
    .option("--variant <name>", "variant of a sync (default: base)")
    .option("--webhook <json>", "run the webhook side of a sync with this payload: JSON or @file")
    .option("--integration-id <id>", "where several integrations have a function of this name")
    .option("--validate", "what does not match a schema ends the run")
    .option("--validation", "same as --validate")
    .option("--save", "record the traffic as <integration>/tests/<name>.test.json, without secrets; validates")
    .option("--save-responses", "same as --save")
    .option("--offline", "answer from that file instead of the provider; needs no daemon")
    .option("--auto-confirm", "show all records, not only the first of each model")
    .option("--diagnostics", "tell how long it took")
    .addHelpText("after", notes)
    .action((name: string, connectionId: string | undefined, dir: string, options: Options) =>
      dryRun(withEnvironment(cli, options), toWish(name, connectionId, dir, options), options.offline === true),
    )
}

const notes = `
The function runs in the daemon's isolated runner with the connection's credentials. Requests to the provider and
actions that it triggers are real; records, checkpoint, metadata and delete marks are only shown.
stdout has the output (JSON) or the records, stderr what happened; --json prints every event as a JSON line.
Exits 1 when the function fails (Nango's CLI: 12), 7 when a saved fixture does not replay.`

function withEnvironment(cli: Cli, { environment }: Options): Cli {
  return environment === undefined ? cli : { ...cli, options: () => ({ ...cli.options(), env: environment }) }
}

function toWish(name: string, connectionId: string | undefined, dir: string, options: Options): DryRunWish {
  const { lastSyncDate, metadata, checkpoint, input, webhook } = options
  const save = options.save === true || options.saveResponses === true
  return {
    name,
    connectionId,
    dir,
    integration: options.integrationId,
    input: input === undefined ? undefined : readJsonOrText("--input", input),
    webhook: webhook === undefined ? undefined : readJsonInput("--webhook", webhook),
    metadata: metadata === undefined ? undefined : readJsonObject("--metadata", metadata),
    checkpoint: checkpoint === undefined ? undefined : readFlat(readJsonObject("--checkpoint", checkpoint)),
    variant: options.variant,
    lastSyncDate: lastSyncDate === undefined ? undefined : readDate(lastSyncDate),
    validate: save || options.validate === true || options.validation === true,
    save,
    all: options.autoConfirm === true,
    diagnostics: options.diagnostics === true,
  }
}

function dryRun(cli: Cli, wish: DryRunWish, offline: boolean): Promise<void> {
  if (!offline && wish.connectionId === undefined) {
    throw cliFaults.usage_input({
      message: "The id of a connection is missing.",
      hint: `sluice dryrun ${wish.name} <connection>, or sluice dryrun ${wish.name} --offline`,
    })
  }
  if (offline && wish.save) throw cliFaults.usage_input({ message: "--save needs a daemon: leave out --offline." })
  return offline ? dryRunOffline(cli, wish) : dryRunRemote(cli, wish)
}

function readFlat(checkpoint: Record<string, unknown>): Record<string, unknown> {
  const bad = Object.entries(checkpoint).find(([, value]) => !["string", "number", "boolean"].includes(typeof value))
  if (!bad) return checkpoint
  throw cliFaults.usage_input({
    message: `--checkpoint: "${bad[0]}" must be a text, a number or a boolean.`,
    hint: `--checkpoint '{"page": 2}'`,
  })
}

function readDate(text: string): string {
  const date = new Date(text)
  if (!Number.isNaN(date.getTime())) return date.toISOString()
  throw cliFaults.usage_input({
    message: `--lastSyncDate: "${text}" is not a date.`,
    hint: "--lastSyncDate 2025-01-31",
  })
}
