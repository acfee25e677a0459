/** True in the built executable, false when the sources run under `bun`. */
export const standalone: boolean = Bun.isStandaloneExecutable

/**
 * Where a Worker's module is. In the executable each worker is an extra entry point of the build, found under the
 * embedded root by its path below `src`; in the source tree it is the file itself.
 */
export function workerUrl(path: "runner/guest/main" | "app/writer"): string | URL {
  return standalone ? `/$bunfs/root/${path}.js` : new URL(`../${path}.ts`, import.meta.url)
}

/**
 * The command that starts this same program in another role. On Linux an executable is named by `/proc/self/exe`, so
 * that a file replaced by an update is not started by a daemon of the older build.
 */
export function selfCommand(role: string): string[] {
  if (!standalone) return [process.execPath, new URL("../main.ts", import.meta.url).pathname, role]
  return [process.platform === "linux" ? "/proc/self/exe" : process.execPath, role]
}

/** The command that is the plain `bun` inside this program, with the environment that makes it so. */
export function bunCommand(): { command: string[]; env: Record<string, string> } {
  const [executable = process.execPath] = standalone ? selfCommand("") : [process.execPath]
  return { command: [executable], env: { BUN_BE_BUN: "1" } }
}
