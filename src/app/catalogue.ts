import { join } from "node:path"
import { type Catalogue, loadCatalogue } from "../providers/catalogue.ts"
import { standalone } from "../kit/entry.ts"
import { describeProblem } from "../providers/source.ts"
import type { Config } from "./config.ts"
import type { App } from "./context.ts"
import { embeddedCatalogue, providersFolder } from "./embedded.ts"

/** The catalogue of the daemon; a large file of the operator's is compiled once and kept beside the data. */
export async function openCatalogue({ providers, dataDir }: Config): Promise<Catalogue> {
  return loadCatalogue({
    embedded: await embeddedCatalogue(),
    folder: providersFolder,
    extra: providers,
    // In the source tree the rules change without the version.
    cache: standalone ? join(dataDir, "cache", "catalogue.jsonl") : undefined,
  })
}

/** So that a file with a thousand errors leaves room for other lines. */
const mostLines = 20

/** Tells the process log which entries are left out. */
export function logCatalogue({ catalogue, log }: Pick<App, "catalogue" | "log">): void {
  const { problems, warnings } = catalogue
  for (const problem of problems.slice(0, mostLines)) {
    log.warn(problem, `a provider is left out: ${describeProblem(problem)}`)
  }
  if (problems.length <= mostLines && warnings.length === 0) return
  const counts = { problems: problems.length, warnings: warnings.length }
  log.warn(counts, "the catalogue has more to look at: sluice providers check, or GET /sluice/providers")
}
