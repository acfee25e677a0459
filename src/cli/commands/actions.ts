import type { Command } from "commander"
import { type Cli, openClient, show } from "../context.ts"
import { readJsonInput } from "../input.ts"
import { withProgress } from "../print.ts"

type Options = { integration: string; connection: string; input?: string }

/** `sluice actions …` */
export function addActions(command: Command, cli: Cli): void {
  command
    .command("trigger")
    .description("run an action and print what it returned")
    .argument("<name>")
    .requiredOption("-i, --integration <id>", "id of the integration (provider_config_key)")
    .requiredOption("-c, --connection <id>", "id of the connection")
    .option("--input <json>", "input of the action: JSON, @file or -")
    .action((name: string, options: Options) => triggerAction(cli, name, options))
}

async function triggerAction(cli: Cli, name: string, options: Options): Promise<void> {
  const input = options.input === undefined ? undefined : readJsonInput("--input", options.input)
  const call = openClient(cli).call<unknown>("POST", "/action/trigger", {
    headers: { "provider-config-key": options.integration, "connection-id": options.connection },
    body: { action_name: name, input },
  })
  show(cli, await withProgress(`running ${name}`, call), (output) => JSON.stringify(output, null, 2))
}
