import { refuseProblems } from "./catalogue.ts"
import { problemsOfOwn } from "./judge.ts"
import { layerOf, packLayer } from "./layer.ts"
import { readSource } from "./source.ts"

/**
 * Turns our `providers/*.yaml` into the text that the executable embeds: a packed layer, sorted by id, aliases not
 * resolved (so that an operator's entry also reaches the aliases of the one it replaces). The same files always give
 * the same text. Throws `invalid_provider_catalogue` when a file breaks the format or a rule.
 */
export async function compileCatalogue(folder: string): Promise<string> {
  const source = await readSource(folder, "own")
  refuseProblems(problemsOfOwn(source))
  const entries = new Map([...source.entries].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  // Whoever reads the executable's catalogue has no such files.
  for (const entry of entries.values()) entry.file = builtIn
  return packLayer(layerOf({ ...source, entries }, "built-in"))
}

const builtIn = "the built-in catalogue"
