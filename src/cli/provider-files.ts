import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { stringify } from "yaml"
import { embeddedCatalogue, providersFolder } from "../app/embedded.ts"
import { loadCatalogue } from "../providers/catalogue.ts"
import { examineFiles, type Examination } from "../providers/examine.ts"
import { providerFaults } from "../providers/model.ts"
import { entrySchemaText, schemaLine } from "../providers/schema.ts"
import { type CatalogueProblem, describeProblem } from "../providers/source.ts"
import { cliFaults } from "./faults.ts"
import { data, plural, printable, talk } from "./print.ts"

/** Our own catalogue, without the operator's files. */
export const openBuiltIn = async () => loadCatalogue({ embedded: await embeddedCatalogue(), folder: providersFolder })

export const examine = async (paths: string[]): Promise<Examination> =>
  examineFiles(paths, (await openBuiltIn()).layer("built-in"))

/** Prints what was found: data on stdout, the sum on stderr. */
export function printExamination({ providers, problems, warnings, scripts }: Examination): void {
  for (const problem of problems) data(printable(describeProblem(problem)))
  for (const warning of warnings) data(printable(`warning: ${describeProblem(warning)}`))
  for (const { member, name, providers: ids } of scripts) {
    data(printable(`no recipe: ${member} "${name}" of ${ids.join(", ")}`))
  }
  const counts = [plural(problems.length, "problem"), plural(warnings.length, "warning")]
  talk(`${plural(providers, "provider")} can be used; ${counts.join(", ")}`)
}

export type AddOptions = { from: string; to?: string; force?: boolean }

/**
 * Copies one entry of a large file into a folder of single ones, its alias chain resolved, so that it stands by itself.
 * Answers the new file's path. Throws `file_exists`, `unknown_provider_template`, `invalid_provider`.
 */
export async function addProviderFile(name: string, folder: string, { from, force }: AddOptions): Promise<string> {
  const catalogue = await loadCatalogue({ embedded: await embeddedCatalogue(), folder: providersFolder, extra: from })
  const mine = ({ provider }: CatalogueProblem) => provider === name
  const provider = catalogue.whereIs(name)?.origin === "file" ? catalogue.find(name) : undefined
  const problems = catalogue.problems.filter(mine)
  if (!provider) {
    if (problems.length > 0)
      throw providerFaults.invalid_provider({ message: problems.map(describeProblem).join("\n") })
    throw providerFaults.unknown_provider_template({
      message: `There is no usable provider "${name}" in ${from}.`,
      hint: `sluice providers check ${from}`,
    })
  }
  for (const warning of catalogue.warnings.filter(mine)) talk(printable(`warning: ${describeProblem(warning)}`))
  const path = join(folder, `${name}.yaml`)
  if (existsSync(path) && !force) {
    throw cliFaults.file_exists({ message: `${path} is there already.`, hint: "--force replaces it" })
  }
  const { alias: _, ...entry } = provider
  mkdirSync(folder, { recursive: true })
  writeFileSync(path, `${schemaLine}\n${stringify(entry, { lineWidth: 120 })}`)
  const schema = join(folder, "schema.json")
  if (!existsSync(schema)) writeFileSync(schema, entrySchemaText())
  return path
}

/** The folder that `--to` or SLUICE_PROVIDERS names. Throws `usage_input`. */
export function folderFor(to: string | undefined, providers: string | undefined): string {
  const folder = to ?? providers
  const isFolder = folder !== undefined && (!existsSync(folder) || statSync(folder).isDirectory())
  if (isFolder) return folder
  const why = folder === undefined ? "No folder was named." : `${folder} is not a folder.`
  throw cliFaults.usage_input({ message: why, hint: "--to <folder>, or set SLUICE_PROVIDERS to a folder" })
}
