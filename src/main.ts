import { standalone } from "./kit/entry.ts"

/**
 * Bun reads its cap on requests in flight (256) once, when the process starts. So a daemon starts itself anew with a cap
 * that no daemon meets, in the same process number, before it has loaded anything. Costs 12 ms.
 */
const cap = "BUN_CONFIG_MAX_HTTP_REQUESTS"
const isDaemon = process.argv.slice(2).find((argument) => !argument.startsWith("-")) === "serve"
if (isDaemon && standalone && process.platform === "linux" && process.env[cap] === undefined) {
  const args = [process.argv0, ...process.argv.slice(2)]
  process.execve?.("/proc/self/exe", args, { ...process.env, [cap]: "65535" })
}

/** One executable, three roles: a runner process, or the command line, which may become the daemon. */
if (process.argv[2] === "__runner") {
  const { runRunnerProcess } = await import("./runner/process.ts")
  runRunnerProcess()
} else {
  const { runCli } = await import("./cli/cli.ts")
  process.exitCode = await runCli(process.argv.slice(2))
}
