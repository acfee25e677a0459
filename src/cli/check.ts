import { isAbsolute, join } from "node:path"
import { type Checked, checkFunctions } from "../functions/check-functions.ts"
import type { Cli } from "./context.ts"
import { withProgress } from "./print.ts"

/** Checks types and imports of a project on this machine. Runs none of its code. */
export function checkSources(cli: Cli, files: ReadonlyMap<string, string>, integration?: string): Promise<Checked> {
  const check = checkFunctions({ files, integration, cacheDir: cacheDir(cli), signal: cli.signal() })
  return withProgress("checking types", check)
}

/** This user's own folder for what can be made again; undefined when the environment names none. */
function cacheDir({ env }: Cli): string | undefined {
  const named = env.XDG_CACHE_HOME || env.LOCALAPPDATA || (env.HOME && join(env.HOME, ".cache"))
  return named && isAbsolute(named) ? join(named, "sluice") : undefined
}
