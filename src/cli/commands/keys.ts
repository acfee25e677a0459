import type { Command } from "commander"
import type { KeyStatus } from "../../keys/status.ts"
import type { RotationProgress } from "../../keys/model.ts"
import type { Answer, Client } from "../client.ts"
import { type Cli, openClient, readTextFile, show } from "../context.ts"
import { exitCodes } from "../exit.ts"
import { data, plural, printable, table, talk } from "../print.ts"
import { createBar } from "../progress.ts"

type Progress = Answer<{ data: RotationProgress }>

/** `sluice keys …`: the keys that encrypt what is secret in the database. */
export function addKeys(command: Command, cli: Cli): void {
  command.addHelpText(
    "after",
    "\nBoth need a key of the whole installation: one that the daemon's configuration fixes.",
  )
  command
    .command("status")
    .description("the encryption keys, and how many sealed values each still has")
    .action(() => showStatus(cli))
  command
    .command("rotate")
    .description("encrypt everything with another key, while the daemon serves; again: go on with what was cut off")
    .option("--new-key-file <file>", "take the new key from a file, or from stdin with -; default: make one")
    .addHelpText("after", "\nSLUICE_NEW_ENCRYPTION_KEY gives the new key as well. See docs/keys.md.")
    .action((options: { newKeyFile?: string }) => rotate(cli, options))
}

async function showStatus(cli: Cli): Promise<void> {
  const answer = await openClient(cli).call<{ data: KeyStatus }>("GET", "/sluice/keys")
  show(cli, answer, ({ data: { keys } }) =>
    table(
      ["KEY", "STATE", "VALUES", "FILE"],
      keys.map(({ id, state, values, file }) => [id, state, values, file]),
    ),
  )
}

async function rotate(cli: Cli, options: { newKeyFile?: string }): Promise<void> {
  const client = openClient(cli)
  const given = options.newKeyFile ? readTextFile(options.newKeyFile) : cli.env.SLUICE_NEW_ENCRYPTION_KEY
  const body = given ? { new_key: given.trim() } : {}
  const first: Progress = await client.call("POST", "/sluice/keys/rotate", { body })
  const { state, key, changed, error } = (await follow(cli, client, first)).body.data
  if (state !== "done") {
    talk(`${state}: ${printable(error ?? "")}`)
    talk("hint: Every value is still readable. Run `sluice keys rotate` again to go on.")
    return cli.end(exitCodes.failed)
  }
  if (cli.options().json) return
  talk(`${plural(changed, "value")} encrypted again. The key ${key} opens everything; no value needs another one.`)
  await tellRetired(client)
}

const pollMs = 200

/** Asks until it has ended. The daemon goes on by itself when this is interrupted. */
async function follow(cli: Cli, client: Client, first: Progress): Promise<Progress> {
  const bar = createBar("encrypting again")
  try {
    for (let answer = first; ; answer = await client.call("GET", "/sluice/keys/rotation")) {
      const { state, done, total } = answer.body.data
      if (cli.options().json) data(answer.text)
      else bar.draw(done, total)
      if (state !== "running") return answer
      await Bun.sleep(pollMs)
    }
  } finally {
    bar.end()
  }
}

async function tellRetired(client: Client): Promise<void> {
  const { body } = await client.call<{ data: KeyStatus }>("GET", "/sluice/keys")
  for (const { id, state, file } of body.data.keys) {
    if (state !== "retired") continue
    const what = file ? `Its file ${file} beside the data` : "SLUICE_ENCRYPTION_KEY_OLD"
    talk(`The key ${id} is retired. ${what} may go, unless a backup from before is still kept.`)
  }
}
