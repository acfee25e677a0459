import { availableParallelism } from "node:os"
import { loadConfig } from "../app/config.ts"
import { embeddedCatalogue, providersFolder } from "../app/embedded.ts"
import { loadCatalogue } from "../providers/catalogue.ts"
import { createRunner, type Runner } from "../runner/runner.ts"
import type { Cli } from "./context.ts"

/** A runner of this very process, for runs that need no daemon. Close it. */
export function openLocalRunner(atOnce: number): Runner {
  return createRunner({
    warm: atOnce,
    max: atOnce,
    idleMs: 60_000,
    recycleAfterRuns: 500,
    // What goes wrong with a process is part of the outcome of its run.
    log: () => undefined,
    now: Date.now,
  })
}

export const cores = availableParallelism()

/** The pagination of each provider of the catalogue that `sluice serve` would use. */
export async function loadPagination(cli: Cli): Promise<(provider: string) => Record<string, unknown> | null> {
  const { providers: extra } = loadConfig({ flags: {}, env: cli.env })
  const catalogue = await loadCatalogue({ embedded: await embeddedCatalogue(), folder: providersFolder, extra })
  return (provider) => catalogue.find(provider)?.proxy?.paginate ?? null
}
