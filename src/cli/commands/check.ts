import type { Command } from "commander"
import type { Checked } from "../../functions/check-functions.ts"
import { formatDiagnostic } from "../../functions/diagnostics.ts"
import { readProject } from "../../functions/project.ts"
import { checkSources } from "../check.ts"
import type { Cli } from "../context.ts"
import { exitCodes } from "../exit.ts"
import { data, plural, printable, talk } from "../print.ts"

/** `sluice check [dir]` */
export function addCheck(command: Command, cli: Cli): void {
  command
    .argument("[dir]", "folder of the functions", ".")
    .option("-i, --integration <id>", "only functions of this integration")
    .addHelpText(
      "after",
      "\nNeeds no daemon and no packages, and runs nothing of the project. Warnings do not fail it.",
    )
    .action((dir: string, options: { integration?: string }) => check(cli, dir, options))
}

async function check(cli: Cli, dir: string, options: { integration?: string }): Promise<void> {
  const checked = await checkSources(cli, await readProject(dir), options.integration)
  const ok = checked.errors.length === 0
  if (cli.options().json) data(JSON.stringify({ ok, ...checked }))
  else print(checked)
  if (!ok) cli.end(exitCodes.failed)
}

function print({ functions, errors, warnings }: Checked): void {
  for (const one of warnings) talk(`warning: ${printable(formatDiagnostic(one))}`)
  for (const one of errors) data(printable(formatDiagnostic(one)))
  const found = [errors.length > 0 ? plural(errors.length, "problem") : "no problems"]
  if (warnings.length > 0) found.push(plural(warnings.length, "warning"))
  talk(`${plural(functions, "function")} checked: ${found.join(", ")}.`)
}
