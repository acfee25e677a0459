import { resolveAliases } from "./aliases.ts"
import { brokenIds, refuseProblems } from "./catalogue.ts"
import { inspectProvider } from "./check.ts"
import { readFolder, type CatalogueProblem, type SourceEntry } from "./source.ts"

/**
 * Turns our `providers/*.yaml` into the JSON text that the executable embeds: a map from id to entry, sorted by id,
 * aliases not resolved (so that an operator's entry also reaches the aliases of the one it replaces). The same files
 * always give the same text. Throws `invalid_provider_catalogue` when a file breaks the format or a rule.
 */
export async function compileCatalogue(folder: string): Promise<string> {
  const source = await readFolder(folder, "own")
  const { entries } = source
  const { providers, problems: aliasProblems } = resolveAliases(entries, brokenIds(source))
  const problems: CatalogueProblem[] = [...source.problems, ...aliasProblems]
  for (const [id, provider] of providers) {
    const { file, lineOf } = entries.get(id) as SourceEntry
    for (const { path, message } of inspectProvider(provider)) {
      problems.push({ file, line: lineOf?.(path), provider: id, field: path.join("."), message })
    }
  }
  refuseProblems(problems)
  const sorted = [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([id, { entry }]) => [id, entry] as const)
  return JSON.stringify(Object.fromEntries(sorted))
}
