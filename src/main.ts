export {}

if (process.argv[2] === "__runner") {
  const { runRunnerProcess } = await import("./runner/process.ts")
  runRunnerProcess()
}
