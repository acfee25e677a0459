import { resolveAliases } from "./aliases.ts"
import { missingForMode } from "./check.ts"
import { providerFaults, type Provider, type ProviderEntry } from "./model.ts"
import { describeProblem, emptySource, readExtra, readFolder } from "./source.ts"
import type { CatalogueProblem, Source, SourceEntry } from "./source.ts"

/** What an operator's file holds that we do not know, or lacks that its auth mode needs. It does not stop the start. */
export type CatalogueWarning = CatalogueProblem

/** All providers, aliases resolved, in the order of their ids. Providers are shared: treat them as read-only. */
export type Catalogue = {
  find(name: string): Provider | undefined
  /** Throws `unknown_provider_template`. */
  get(name: string): Provider
  names(): string[]
  list(): { name: string; provider: Provider }[]
  warnings: CatalogueWarning[]
}

export type CatalogueInput = {
  /** What `compileCatalogue` made, parsed. Trusted: it was checked when it was built. */
  embedded: Record<string, unknown> | undefined
  /** Folder of our own files, read when nothing is embedded (from the source tree). */
  folder?: string
  /** The operator's folder of `<id>.yaml` files, or one file that maps ids to entries. Replaces ours, entry by entry. */
  extra?: string
}

/**
 * Loads the catalogue. Throws `invalid_provider_catalogue` with every problem of every file, each with file, line and
 * field.
 */
export async function loadCatalogue(input: CatalogueInput): Promise<Catalogue> {
  const own = await readOwn(input)
  const extra = input.extra === undefined ? emptySource() : await readExtra(input.extra)
  const entries = new Map([...own.entries, ...extra.entries])
  const readProblems = [...own.problems, ...extra.problems]
  const { providers, problems } = resolveAliases(entries, [...brokenIds(own), ...brokenIds(extra)])
  refuseProblems([...readProblems, ...problems])
  return catalogueOf(providers, [...extra.warnings, ...modeWarnings(providers, entries)])
}

async function readOwn({ embedded, folder }: CatalogueInput): Promise<Source> {
  if (embedded) return { ...emptySource(), entries: embeddedEntries(embedded) }
  return folder === undefined ? emptySource() : readFolder(folder, "own")
}

/** The ids whose entry could not be read, so that an alias of one of them is not reported as well. */
export const brokenIds = ({ problems, entries }: Source): string[] =>
  problems.flatMap(({ provider }) => (provider === undefined || entries.has(provider) ? [] : provider))

/** Throws one error that tells all problems; does nothing when there are none. */
export function refuseProblems(problems: CatalogueProblem[]): void {
  if (problems.length === 0) return
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`
  const lines = problems.map((problem) => `  ${describeProblem(problem)}`)
  throw providerFaults.invalid_provider_catalogue({
    message: [`The provider catalogue has ${count}:`, ...lines].join("\n"),
    payload: { problems },
    hint: "Correct the lines named above and start again.",
  })
}

function embeddedEntries(embedded: Record<string, unknown>): Map<string, SourceEntry> {
  const file = "the built-in catalogue"
  return new Map(
    Object.entries(embedded).map(([id, entry]) => [id, { entry: entry as ProviderEntry, file, foreign: false }]),
  )
}

function modeWarnings(
  providers: ReadonlyMap<string, Provider>,
  entries: ReadonlyMap<string, SourceEntry>,
): CatalogueWarning[] {
  const warnings: CatalogueWarning[] = []
  for (const [id, provider] of providers) {
    const source = entries.get(id)
    if (!source?.foreign) continue
    for (const { path, message } of missingForMode(provider)) {
      warnings.push({
        file: source.file,
        line: source.lineOf?.(path),
        provider: id,
        field: path.join("."),
        message,
      })
    }
  }
  return warnings
}

function catalogueOf(providers: Map<string, Provider>, warnings: CatalogueWarning[]): Catalogue {
  const names = [...providers.keys()].toSorted()
  return {
    find: (name) => providers.get(name),
    get: (name) => {
      const provider = providers.get(name)
      if (provider) return provider
      throw providerFaults.unknown_provider_template({
        message: `Unknown provider ${name}`,
      })
    },
    names: () => [...names],
    list: () =>
      names.map((name) => ({
        name,
        provider: providers.get(name) as Provider,
      })),
    warnings,
  }
}
