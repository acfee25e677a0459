import type { Command } from "commander"
import { stringify } from "yaml"
import { loadConfig } from "../../app/config.ts"
import { embeddedCatalogue, providersFolder } from "../../app/embedded.ts"
import { type Catalogue, loadCatalogue } from "../../providers/catalogue.ts"
import { providerFaults } from "../../providers/model.ts"
import type { Cli } from "../context.ts"
import { exitCodes } from "../exit.ts"
import { data, printable, table } from "../print.ts"
import { addProviderFile, type AddOptions, examine, folderFor, printExamination } from "../provider-files.ts"

type ListOptions = { authMode?: string; category?: string; search?: string }

/** `sluice providers …`; it needs no daemon. */
export function addProviders(command: Command, cli: Cli): void {
  command
    .command("list")
    .description("the catalogue that `sluice serve` would use")
    .argument("[search]", "part of the name")
    .option("--search <text>", "the same")
    .option("--auth-mode <mode>", "such as OAUTH2 or API_KEY")
    .option("--category <name>", "such as crm")
    .action((search: string | undefined, options: ListOptions) => listProviders(cli, search ?? options.search, options))
  command
    .command("show")
    .description("one entry of the catalogue")
    .argument("<name>")
    .action((name: string) => showProvider(cli, name))
  command
    .command("check")
    .description("hold catalogue files against every rule")
    .argument("<path...>", "files of one entry or of many, or folders")
    .action((paths: string[]) => checkFiles(cli, paths))
  command
    .command("add")
    .description("copy one entry of a large catalogue file into a folder of your own")
    .argument("<name>")
    .requiredOption("--from <file>", "the large file")
    .option("--to <folder>", "default: SLUICE_PROVIDERS, when that is a folder")
    .option("--force", "replace a file that is there")
    .action((name: string, options: AddOptions) => addProvider(cli, name, options))
}

async function checkFiles(cli: Cli, paths: string[]): Promise<void> {
  const found = await examine(paths)
  if (cli.options().json) data(JSON.stringify({ data: found }))
  else printExamination(found)
  if (found.problems.length > 0) cli.end(exitCodes.failed)
}

async function addProvider(cli: Cli, name: string, options: AddOptions): Promise<void> {
  const { providers } = loadConfig({ flags: {}, env: cli.env })
  const path = await addProviderFile(name, folderFor(options.to, providers), options)
  data(cli.options().json ? JSON.stringify({ data: { path } }) : path)
}

async function openCatalogue(cli: Cli): Promise<Catalogue> {
  const { providers: extra } = loadConfig({ flags: {}, env: cli.env })
  return loadCatalogue({ embedded: await embeddedCatalogue(), folder: providersFolder, extra })
}

async function listProviders(cli: Cli, search: string | undefined, options: ListOptions): Promise<void> {
  const wanted = search?.toLowerCase() ?? ""
  const found = (await openCatalogue(cli))
    .list()
    .filter(({ name, provider }) => name.includes(wanted) || provider.display_name.toLowerCase().includes(wanted))
    .filter(({ provider }) => options.authMode === undefined || provider.auth_mode === options.authMode.toUpperCase())
    .filter(({ provider }) => options.category === undefined || provider.categories?.includes(options.category))
  if (cli.options().json)
    return data(JSON.stringify({ data: found.map(({ name, provider }) => ({ name, ...provider })) }))
  data(
    table(
      ["PROVIDER", "NAME", "AUTH MODE", "CATEGORIES"],
      found.map(({ name, provider }) => [
        name,
        provider.display_name,
        provider.auth_mode,
        provider.categories?.join(", "),
      ]),
    ),
  )
}

async function showProvider(cli: Cli, name: string): Promise<void> {
  const provider = (await openCatalogue(cli)).find(name)
  if (!provider) {
    throw providerFaults.unknown_provider_template({
      message: `There is no provider "${name}" in the catalogue.`,
      hint: "sluice providers list",
    })
  }
  const entry = { name, ...provider }
  data(cli.options().json ? JSON.stringify({ data: entry }) : printable(stringify(entry).trimEnd()))
}
