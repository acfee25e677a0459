import { raiseRequestCap } from "./cli/request-cap.ts"

raiseRequestCap()

/** One executable, three roles: a runner process, or the command line, which may become the daemon. */
if (process.argv[2] === "__runner") {
  const { runRunnerProcess } = await import("./runner/process.ts")
  runRunnerProcess()
} else {
  const { runCli } = await import("./cli/cli.ts")
  process.exitCode = await runCli(process.argv.slice(2))
}
