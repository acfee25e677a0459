import { existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dir, "..")
const inputs = ["src", "providers", "examples", "package.json", "bun.lock", ".ci/build.ts", ".ci/pages.ts"]

export const executable: string = join(root, "dist/sluice")

/** Builds the executable unless it is newer than everything that goes into it. */
export function ensureBuild(): void {
  if (
    existsSync(executable) &&
    statSync(executable).mtimeMs > Math.max(...inputs.map((name) => newest(join(root, name))))
  )
    return
  process.stderr.write("Building …\n")
  // stdout belongs to whoever asked.
  const build = Bun.spawnSync([process.execPath, join(root, ".ci/build.ts")], {
    cwd: root,
    stdio: ["ignore", 2, "inherit"],
  })
  if (build.exitCode !== 0) process.exit(build.exitCode)
}

function newest(path: string): number {
  const info = statSync(path)
  if (!info.isDirectory()) return info.mtimeMs
  return Math.max(info.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}

/** Runs a command in the foreground, passes signals on, and answers its exit code. */
export async function runForeground(command: string[], env: Record<string, string | undefined> = process.env) {
  const child = Bun.spawn(command, { cwd: root, env, stdio: ["inherit", "inherit", "inherit"] })
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // Ctrl-C in a terminal reaches the child by itself.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal)
    })
  }
  return child.exited
}
