import type { Command } from "commander"
import { type Cli, openClient, show } from "../context.ts"
import { cliFaults } from "../faults.ts"
import { collectText } from "../input.ts"

type LinkOptions = { integration?: string[]; endUser?: string; endUserEmail?: string; reconnect?: string }
type Link = { data: { token: string; connect_link: string; expires_at: string } }

/** `sluice connections link` */
export function addLink(command: Command, cli: Cli): void {
  command
    .command("link")
    .description("a link with which an end user connects an account; good for half an hour")
    .option("-i, --integration <id>", "only this integration; repeatable", collectText)
    .option("--end-user <id>", "whose connection it will be")
    .option("--end-user-email <email>", "their address")
    .option("--reconnect <connection-id>", "authorise this connection of the integration again")
    .action((options: LinkOptions) => openLink(cli, options))
}

async function openLink(cli: Cli, options: LinkOptions): Promise<void> {
  const { path, body } = requestOf(options)
  show(cli, await openClient(cli).call<Link>("POST", path, { body }), ({ data }) => data.connect_link)
}

function requestOf({ integration = [], endUser, endUserEmail: email, reconnect }: LinkOptions) {
  const end_user = endUser === undefined ? undefined : { id: endUser, email }
  if (reconnect !== undefined) {
    const [integration_id, ...more] = integration
    if (integration_id === undefined || more.length > 0) {
      throw cliFaults.usage_input({
        message: "--reconnect needs the one integration of the connection.",
        hint: `sluice connections link --reconnect ${reconnect} --integration <id>`,
      })
    }
    return { path: "/connect/sessions/reconnect", body: { connection_id: reconnect, integration_id, end_user } }
  }
  if (!end_user) {
    throw cliFaults.usage_input({
      message: "Say whose connection it will be.",
      hint: "sluice connections link --end-user <your id of the user>",
    })
  }
  return { path: "/connect/sessions", body: { allowed_integrations: integration, end_user } }
}
