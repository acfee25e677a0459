import type { Command } from "commander"
import type { Checked } from "../../functions/check-functions.ts"
import { formatDiagnostic } from "../../functions/diagnostics.ts"
import { writeEditorTypes } from "../../functions/editor-types.ts"
import { readProject } from "../../functions/project.ts"
import { checkSources } from "../check.ts"
import type { Cli } from "../context.ts"
import { exitCodes } from "../exit.ts"
import { data, plural, printable, talk } from "../print.ts"

type Options = { integration?: string; editor?: boolean }

/** `sluice check [dir]` */
export function addCheck(command: Command, cli: Cli): void {
  command
    .argument("[dir]", "folder of the functions", ".")
    .option("-i, --integration <id>", "only functions of this integration")
    .option("--editor", "also write .sluice/ with the types and settings that an editor needs")
    .addHelpText(
      "after",
      "\nNeeds no daemon and no packages, and runs nothing of the project. Warnings do not fail it.",
    )
    .action((dir: string, options: Options) => check(cli, dir, options))
}

async function check(cli: Cli, dir: string, options: Options): Promise<void> {
  const files = await readProject(dir)
  if (options.editor) await prepareEditor(dir)
  const checked = await checkSources(cli, files, options.integration)
  const ok = checked.errors.length === 0
  if (cli.options().json) data(JSON.stringify({ ok, ...checked }))
  else print(checked)
  if (!ok) cli.end(exitCodes.failed)
}

async function prepareEditor(dir: string): Promise<void> {
  const { made } = await writeEditorTypes(dir)
  talk(
    made ? `Wrote ${dir}/.sluice and ${dir}/tsconfig.json.` : `Wrote ${dir}/.sluice; let your tsconfig.json extend it.`,
  )
}

function print({ functions, errors, warnings }: Checked): void {
  for (const one of warnings) talk(`warning: ${printable(formatDiagnostic(one))}`)
  for (const one of errors) data(printable(formatDiagnostic(one)))
  const found = [errors.length > 0 ? plural(errors.length, "problem") : "no problems"]
  if (warnings.length > 0) found.push(plural(warnings.length, "warning"))
  talk(`${plural(functions, "function")} checked: ${found.join(", ")}.`)
}
