import type { Command } from "commander"
import { type Cli, openClient, show } from "../context.ts"
import { readJsonInput, wholeNumber } from "../input.ts"
import { talk, withProgress } from "../print.ts"

type Options = { integration: string; connection: string; input?: string; async?: boolean; maxRetries?: number }

/** `sluice actions …` */
export function addActions(command: Command, cli: Cli): void {
  command
    .command("trigger")
    .description("run an action and print what it returned")
    .argument("<name>")
    .requiredOption("-i, --integration <id>", "id of the integration (provider_config_key)")
    .requiredOption("-c, --connection <id>", "id of the connection")
    .option("--input <json>", "input of the action: JSON, @file or -")
    .option("--async", "put it in line and print the id under which its result will be found")
    .option("--max-retries <count>", "with --async: how often a failure is tried again (0 to 5)", wholeNumber)
    .action((name: string, options: Options) => triggerAction(cli, name, options))
  command
    .command("result")
    .description("what an action returned that was run with --async")
    .argument("<id>")
    .action((id: string) => showResult(cli, id))
}

async function triggerAction(cli: Cli, name: string, options: Options): Promise<void> {
  const input = options.input === undefined ? undefined : readJsonInput("--input", options.input)
  const call = openClient(cli).call<unknown>("POST", "/action/trigger", {
    headers: {
      "provider-config-key": options.integration,
      "connection-id": options.connection,
      "x-async": options.async ? "true" : undefined,
      "x-max-retries": options.maxRetries === undefined ? undefined : String(options.maxRetries),
    },
    body: { action_name: name, input },
  })
  const answer = await withProgress(`running ${name}`, call)
  if (!options.async) return show(cli, answer, (output) => JSON.stringify(output, null, 2))
  const { id } = answer.body as { id: string }
  show(cli, answer, () => id)
  if (!cli.options().json) talk(`\`sluice actions result ${id}\` prints what it returned, once it has.`)
}

async function showResult(cli: Cli, id: string): Promise<void> {
  const answer = await openClient(cli).call<unknown>("GET", `/action/${encodeURIComponent(id)}`)
  show(cli, answer, (output) => JSON.stringify(output, null, 2))
}
