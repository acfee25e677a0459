import type { Command } from "commander"
import { type Cli, openClient, show } from "../context.ts"
import { readJsonObject } from "../input.ts"
import { data } from "../print.ts"

type Options = { integration: string }

/** `sluice connections metadata …` */
export function addMetadata(command: Command, cli: Cli): void {
  const add = (name: string, description: string) =>
    command
      .command(name)
      .description(description)
      .argument("<connection-id>")
      .requiredOption("-i, --integration <id>", "id of the integration (provider_config_key)")
  add("get", "print the metadata").action((id: string, options: Options) => getMetadata(cli, id, options))
  add("set", "replace the metadata")
    .argument("<json>", "a JSON object, @file or -")
    .action((id: string, json: string, options: Options) => saveMetadata(cli, "POST", id, json, options))
  add("update", "change members at the top level, keep the others")
    .argument("<json>", "a JSON object, @file or -")
    .action((id: string, json: string, options: Options) => saveMetadata(cli, "PATCH", id, json, options))
}

async function getMetadata(cli: Cli, id: string, options: Options): Promise<void> {
  const query = { provider_config_key: options.integration }
  const path = `/connections/${encodeURIComponent(id)}`
  const { body } = await openClient(cli).call<{ metadata: unknown }>("GET", path, { query })
  data(cli.options().json ? JSON.stringify(body.metadata) : JSON.stringify(body.metadata, null, 2))
}

async function saveMetadata(cli: Cli, method: "POST" | "PATCH", id: string, json: string, options: Options) {
  const metadata = readJsonObject("the metadata", json)
  const body = { connection_id: id, provider_config_key: options.integration, metadata }
  const answer = await openClient(cli).call<{ metadata: unknown }>(method, "/connections/metadata", { body })
  show(cli, answer, (saved) => JSON.stringify(saved.metadata, null, 2))
}
