import { Command, CommanderError } from "commander"
import { AppError, type Issue, messageOf } from "../kit/errors.ts"
import { version } from "../kit/version.ts"
import { ApiError } from "./client.ts"
import type { Cli, GlobalOptions } from "./context.ts"
import { exitCodeOf, exitCodes } from "./exit.ts"
import { data, paintErr, printable, talk } from "./print.ts"

type Group = { name: string; summary: string; load: () => Promise<(command: Command, cli: Cli) => void> }

/** Every command. The code of one is loaded when it is called, so that the others start as if it did not exist. */
const groups: Group[] = [
  { name: "serve", summary: "run the daemon", load: async () => (await import("./commands/serve.ts")).addServe },
  {
    name: "demo",
    summary: "see a sync work, in a minute",
    load: async () => (await import("./commands/demo.ts")).addDemo,
  },
  {
    name: "check",
    summary: "check types and imports of functions",
    load: async () => (await import("./commands/check.ts")).addCheck,
  },
  {
    name: "deploy",
    summary: "bring a folder of functions to the daemon",
    load: async () => (await import("./commands/deploy.ts")).addDeploy,
  },
  {
    name: "dryrun",
    summary: "run a function without storing anything",
    load: async () => (await import("./commands/dryrun.ts")).addDryrun,
  },
  {
    name: "test",
    summary: "run functions against recorded traffic",
    load: async () => (await import("./commands/test.ts")).addTest,
  },
  {
    name: "integrations",
    summary: "providers with your own client ids",
    load: async () => (await import("./commands/integrations.ts")).addIntegrations,
  },
  {
    name: "connections",
    summary: "the access of your end users",
    load: async () => (await import("./commands/connections.ts")).addConnections,
  },
  {
    name: "syncs",
    summary: "status and control of syncs",
    load: async () => (await import("./commands/syncs.ts")).addSyncs,
  },
  {
    name: "records",
    summary: "read what syncs have saved",
    load: async () => (await import("./commands/records.ts")).addRecords,
  },
  { name: "actions", summary: "run actions", load: async () => (await import("./commands/actions.ts")).addActions },
  {
    name: "webhooks",
    summary: "what your app and providers are told",
    load: async () => (await import("./commands/webhooks.ts")).addWebhooks,
  },
  { name: "logs", summary: "what happened", load: async () => (await import("./commands/logs.ts")).addLogs },
  {
    name: "providers",
    summary: "the catalogue of APIs",
    load: async () => (await import("./commands/providers.ts")).addProviders,
  },
  {
    name: "keys",
    summary: "the keys that encrypt the data",
    load: async () => (await import("./commands/keys.ts")).addKeys,
  },
  {
    name: "config",
    summary: "the settings of the daemon",
    load: async () => (await import("./commands/config.ts")).addConfig,
  },
  {
    name: "doctor",
    summary: "check this machine and the daemon",
    load: async () => (await import("./commands/doctor.ts")).addDoctor,
  },
  {
    name: "fake-provider",
    summary: "a scripted API for tests and demos",
    load: async () => (await import("./commands/fake-provider.ts")).addFakeProvider,
  },
]

const exitHelp = `
Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 refused, 5 conflict or plan differs, 6 daemon unreachable,
            7 partial, 130 interrupted. Data goes to stdout, everything else to stderr.`

/** Runs one command and answers the exit code. stdout is data, stderr is talk. */
export async function runCli(argv: string[]): Promise<number> {
  const program = createProgram()
  const { cli, code, readerLeft } = createCli(program)
  for (const group of groups) {
    const command = program.command(group.name).description(group.summary)
    if (argv.includes(group.name)) (await group.load())(command, cli)
    else command.allowUnknownOption().allowExcessArguments()
  }
  nameHelp(program)
  try {
    await program.parseAsync(argv, { from: "user" })
    return code()
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    if (readerLeft()) return exitCodes.ok
    report(error, cli.options().json === true)
    return exitCodeOf(error)
  }
}

function createProgram(): Command {
  return new Command("sluice")
    .description("One executable that runs all your product integrations.")
    .version(version, "-v, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help for a command")
    .option("--json", "print what the API answered, and nothing else, on stdout")
    .option("--no-input", "never ask; fail where a confirmation is missing")
    .option("--url <url>", "address of the daemon (SLUICE_HOST, NANGO_HOSTPORT; default: http://localhost:3003)")
    .option("--secret-key <key>", "secret key of the environment (SLUICE_SECRET_KEY, NANGO_SECRET_KEY)")
    .option("--secret-key-file <file>", "read the secret key from a file, or from stdin with -")
    .option("--env <name>", "take the key from SLUICE_SECRET_KEY_<NAME> or NANGO_SECRET_KEY_<NAME>")
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", exitHelp)
    .exitOverride()
}

function createCli(program: Command) {
  let result: number = exitCodes.ok
  let isWatched = false
  let readerLeft = false
  const interrupt = new AbortController()
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error
    // A reader that leaves early (`| head`) has what it wanted.
    readerLeft = true
    interrupt.abort()
  })
  const cli: Cli = {
    options: () => program.opts<GlobalOptions>(),
    env: process.env,
    signal() {
      // Once: a second Ctrl-C ends the process the hard way.
      if (!isWatched) for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupt.abort())
      isWatched = true
      return interrupt.signal
    },
    end(code) {
      result = code
    },
  }
  return { cli, code: () => result, readerLeft: () => readerLeft }
}

/** A usage error ends with what to type, for the very command that was tried. */
function nameHelp(command: Command, path = command.name()): void {
  command.showHelpAfterError(`hint: ${path} --help`)
  for (const child of command.commands) nameHelp(child, `${path} ${child.name()}`)
}

function report(error: unknown, json: boolean): void {
  talk(`${paintErr.red("error:")} ${printable(messageOf(error))}`)
  if (!(error instanceof AppError)) return
  for (const issue of error.details.errors ?? []) talk(`  ${describeIssue(issue)}`)
  const payload = JSON.stringify(error.details.payload ?? {})
  if (error instanceof ApiError && payload !== "{}") talk(`  ${printable(payload)}`)
  if (error.details.hint) talk(`${paintErr.cyan("hint:")} ${printable(error.details.hint)}`)
  if (json && error instanceof ApiError) data(error.body)
}

const describeIssue = ({ path, message, code }: Issue): string =>
  printable(`${path.length > 0 ? `${path.join(".")}: ` : ""}${message || code}`)
